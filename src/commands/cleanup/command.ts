import { defineCommand } from '../../run/define-command.ts';
import { cleanupInputs, INPUTS, mayWrite, RULES, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const cleanup = defineCommand({
  name: 'cleanup',
  about: '`cleanup` deletes old images by a policy, after showing what it would delete.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite,
  settings: cleanupInputs,
  outputs: {
    plan: 'Path of the plan file, to approve and to apply with the input `plan`.',
    'native-rules':
      'Path of a JSON file with the retention rules for the registries themselves, where the policy wants them.',
    'rules-to-set':
      'Number of registries, projects or repositories whose own retention rules are to be set, or were set. With 0 and nothing to delete, there is nothing to apply.',
    'imported-policy': 'Path of the policy that was converted from `import`.',
    'plan-digest': 'Digest of the plan.',
    'deleted-tags':
      'Number of tags that were deleted, or would be, together with their image or alone. Tags of signatures and SBOMs (`sha256-…`) do not count.',
    'untagged-tags': 'Number of those tags whose image stays.',
    'deleted-manifests':
      'Number of manifests that were deleted, or would be: images, indexes, platforms, and what is attached to them.',
    'kept-tags': 'Number of tags that stay, without those of signatures and SBOMs.',
    'kept-manifests': 'Number of manifests that stay.',
    'skipped-steps': 'Number of steps of the plan that were skipped because something has changed since.',
    'blocked-steps': 'Number of steps of the plan that the registry does not allow.',
    'freed-bytes': 'Bytes that the plan frees, each blob counted once.',
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'image-rejected', 'refused', 'tag-conflict', 'registry-failed'] as const),
    ...(['trust-unavailable', 'cancelled', 'failed'] as const),
  ],
  situation: 'delete',
  load: () => import('./program.ts'),
});
