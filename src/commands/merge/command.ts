import { defineCommand } from '../../run/define-command.ts';
import { publish } from '../publish/command.ts';
import { INPUTS, mayWrite, mergeInputs, RULES, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

const { labels: _, metadata: __, ...outputs } = publish.outputs;

export const merge = defineCommand({
  name: 'merge',
  about: '`merge` combines images that were built one platform at a time, and publishes the result.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite,
  settings: mergeInputs,
  outputs,
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'findings', 'scanner-failed', 'database-failed', 'build-failed', 'image-rejected'] as const),
    ...(['tag-conflict', 'registry-failed', 'signing-failed', 'trust-unavailable', 'cancelled', 'failed'] as const),
  ],
  situation: 'push',
  load: () => import('./program.ts'),
});
