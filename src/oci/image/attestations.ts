import { type AttestationPolicy, type AttestedImage, checkAttestations } from '../../domain/attestations.ts';
import { ActionError, ActionErrors } from '../../errors/action-error.ts';

/**
 * Rejects an image whose attestations do not satisfy the policy.
 * @throws ActionErrors SBOM_MISSING, PROVENANCE_MISSING and ATTESTATION_MISMATCH, one for each platform and problem
 */
export function requireAttestations(image: AttestedImage, policy: AttestationPolicy): void {
  const errors = checkAttestations(image, policy).map(
    ({ code, message, platform }) =>
      new ActionError(code, message, { facts: platform === undefined ? {} : { platform } }),
  );
  if (errors.length > 0) throw new ActionErrors(errors);
}
