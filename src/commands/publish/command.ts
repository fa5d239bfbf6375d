import { defineCommand } from '../../run/define-command.ts';
import { IMAGE_OUTPUTS } from '../../run/image-outputs.ts';
import { INPUTS, mayWrite, publishInputs, RULES, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const publish = defineCommand({
  name: 'publish',
  about: '`publish` carries an image from the commit to its tags.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite,
  settings: publishInputs,
  outputs: {
    ...IMAGE_OUTPUTS,
    layout: 'Path of the OCI layout that was written, with `layout-directory`.',
    labels: 'The labels, one `key=value` per line.',
    'scan-critical': 'Number of findings of severity CRITICAL, over all platforms, before the policy.',
    'scan-high': 'Number of findings of severity HIGH.',
    'scan-medium': 'Number of findings of severity MEDIUM.',
    'scan-low': 'Number of findings of severity LOW.',
    'scan-unknown': 'Number of findings of severity UNKNOWN.',
    'scan-gated': 'Number of findings that fail the gate.',
    'scan-suppressed': 'Number of findings that the ignore file or a VEX document suppresses.',
    'scan-known':
      'Number of findings that do not fail the gate because the `baseline` has them. Empty without a baseline.',
    'scan-fixed': 'Number of findings that the `baseline` has and the image no longer has.',
    'sarif-file': 'Path of the SARIF file, when `sarif-file` is set.',
    metadata: "BuildKit's metadata of the build, as JSON.",
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'findings', 'scanner-failed', 'database-failed', 'build-failed', 'image-rejected'] as const),
    ...(['tag-conflict', 'registry-failed', 'signing-failed', 'trust-unavailable', 'cancelled', 'failed'] as const),
  ],
  situation: 'push',
  load: () => import('./program.ts'),
});
