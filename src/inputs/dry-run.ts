import { parsed } from '../domain/parsed.ts';
import { type Field, field, flag } from './schema.ts';

export const DRY_RUN = flag({
  group: 'Run',
  about:
    'Show what would be done and stop: no build, no write. With `push: false` it needs neither Docker nor a registry nor the network. With `command: promote` the summary shows the whole history of the environment. With `command: cleanup` it is `true` unless `plan` is set.',
  default: 'false',
});

/** For commands that plan first: empty leaves the choice to the input `plan`. */
export function dryRunBeforePlan(about: string): Field<boolean | undefined> {
  return field<boolean | undefined>('true or false', { group: 'Run', about }, (raw, mask) =>
    raw === '' ? parsed(undefined) : DRY_RUN.read(raw, mask),
  );
}
