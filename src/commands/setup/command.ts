import { defineCommand } from '../../run/define-command.ts';
import { INPUTS, mayWrite, RULES, setupInputs, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const setup = defineCommand({
  name: 'setup',
  about: '`setup` configures repositories and registries from one file, after showing what differs.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite,
  settings: setupInputs,
  outputs: {
    plan: 'Path of the plan file, to approve and to apply with the input `plan`.',
    'plan-digest': 'Digest of the plan.',
    drift: '`true` if a registry differs from the desired state, before anything was applied; otherwise `false`.',
    'created-settings': 'Number of settings that were created, or would be; a repository counts as one.',
    'changed-settings': 'Number of settings that were changed, or would be.',
    'removed-settings': 'Number of settings that were removed, or would be.',
    'unsupported-settings': 'Number of settings that a vendor does not support, unless the file accepts that.',
    'denied-settings': 'Number of settings that could not be read.',
    'export-directory': 'Path of the folder with the exported files.',
    'left-out-settings': 'Number of settings in the file that the export format cannot express.',
    'refused-settings':
      'Number of settings that cannot be changed: they are fixed at creation, or belong to somebody else.',
  },
  outcomes: OUTCOMES.successes,
  failures: ['invalid-input', 'refused', 'drift', 'registry-failed', 'cancelled', 'failed'],
  situation: 'setup',
  load: () => import('./program.ts'),
});
