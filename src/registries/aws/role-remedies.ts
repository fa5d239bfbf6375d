import type { VendorRemedies } from '../vendor.ts';

/** Remedies when `role-to-assume` is refused, for any AWS registry. */
export const ROLE_REMEDIES = {
  ID_TOKEN_SUBJECT: [
    'Allow the subject that the message shows in the condition `token.actions.githubusercontent.com:sub` of the trust policy of the role.',
    'A job with `environment:` has another subject, and repositories created or renamed since 2026-07-15 have ids in it: allow both forms.',
    'Wait five minutes after a change of the trust policy.',
  ],
  KEYLESS_REFUSED: [
    'Check the ARN in `role-to-assume`, and that its account has the identity provider `token.actions.githubusercontent.com`.',
  ],
} as const satisfies VendorRemedies;
