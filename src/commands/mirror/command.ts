import { defineCommand } from '../../run/define-command.ts';
import { INPUTS, mayWrite, mirrorInputs, RULES, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const mirror = defineCommand({
  name: 'mirror',
  about: '`mirror` keeps copies of repositories in other registries up to date, with signatures and SBOMs.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite,
  settings: mirrorInputs,
  instead: { images: 'config', tags: 'config', platforms: 'config', policy: 'config' },
  outputs: {
    'copied-tags': 'Number of tags that were created or moved, or would be.',
    'equal-tags': 'Number of tags that were already up to date.',
    'blocked-tags': 'Number of tags that the source has changed and that must not be moved.',
    'left-tags': 'Number of tags that are left for a later run because a limit was reached.',
    'removed-tags': 'Number of tags that were removed because the source no longer has them, or would be.',
    'copied-bytes': 'Bytes that were sent to targets.',
    'resume-at': 'When the next run can continue: set where a limit was reached and the registry reports its reset.',
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'image-rejected', 'refused', 'tag-conflict'] as const),
    ...(['registry-failed', 'cancelled', 'failed'] as const),
  ],
  situation: 'push',
  load: () => import('./program.ts'),
});
