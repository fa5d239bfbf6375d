import { flag } from './schema.ts';

export const DRY_RUN = flag({
  group: 'Run',
  about:
    'Show what would be done and stop: no build, no write. With `push: false` it needs neither Docker nor a registry nor the network. With `command: promote` the summary shows the whole history of the environment. With `command: cleanup` it is `true` unless `plan` is set.',
  default: 'false',
});
