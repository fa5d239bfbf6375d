import { defineCommand } from '../../run/define-command.ts';
import { INPUTS, RULES, verifyInputs, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const verify = defineCommand({
  name: 'verify',
  about: '`verify` checks who signed images, and what is attested about them.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite: () => false,
  settings: verifyInputs,
  outputs: {
    digest: 'Digest of the image; of the first where there are several.',
    verified: 'The images that were verified, with their digests, one per line.',
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'image-rejected', 'registry-failed', 'signing-failed'] as const),
    ...(['trust-unavailable', 'unverified', 'cancelled', 'failed'] as const),
  ],
  situation: 'read',
  load: () => import('./program.ts'),
});
