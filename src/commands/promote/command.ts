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
    'previous-digest': 'What the environment held before; empty when it held nothing.',
  },
  outcomes: OUTCOMES.successes,
  situation: 'promote',
  load: () => import('./program.ts'),
});
