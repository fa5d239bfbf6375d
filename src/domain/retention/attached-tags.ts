/** A tag that names a digest instead of a version: its manifest belongs to that digest. */
export interface AttachedTag {
  /** `sha256:<64 hex>`; for sha512 only the first 64 characters of hex, since a tag has no room for more. */
  readonly subject: string;
  /**
   * `fallback`: the list of referrers where the registry has no API for it. `suffix`: a signature, attestation or SBOM of
   * cosign before version 3.
   */
  readonly kind: 'fallback' | 'suffix';
}

const GRAMMAR = /^(sha256|sha512)-([a-f0-9]{64})(?:[a-f0-9]{64})?(\.[a-zA-Z0-9][\w.-]*)?$/;

/**
 * Reads a tag such as `sha256-<hex>`, `sha256-<hex>.sig`, `.att` or `.sbom`.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export function attachedTag(tag: string): AttachedTag | undefined {
  const [, algorithm, hex, suffix] = GRAMMAR.exec(tag) ?? [];
  if (algorithm === undefined || hex === undefined) return undefined;
  return { subject: `${algorithm}:${hex}`, kind: suffix === undefined ? 'fallback' : 'suffix' };
}
