import { defineCommand } from '../../run/define-command.ts';
import { IMAGE_OUTPUTS } from '../../run/image-outputs.ts';
import { INPUTS, promoteInputs, RULES, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const promote = defineCommand({
  name: 'promote',
  about: '`promote` moves a published image to its next environment, or back.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite: (inputs) => !inputs['dry-run'],
  settings: promoteInputs,
  outputs: {
    ...IMAGE_OUTPUTS,
    'previous-digest': 'Digest of the previous image in the environment; empty if there was none.',
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'findings', 'scanner-failed', 'database-failed', 'image-rejected', 'refused'] as const),
    ...(['tag-conflict', 'registry-failed', 'signing-failed', 'trust-unavailable', 'cancelled', 'failed'] as const),
  ],
  situation: 'promote',
  load: () => import('./program.ts'),
});
