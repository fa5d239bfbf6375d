/** A content digest, `<algorithm>:<hex>`, with a supported algorithm. */
export type Digest = `sha256:${string}` | `sha512:${string}`;

const GRAMMAR = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/**
 * Whether a string is a digest that can be verified here (sha256 or sha512, lower-case hex of the right length).
 * https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
 */
export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && GRAMMAR.test(value);
}

/** The algorithm of a digest and its hex part. */
export function splitDigest(digest: Digest): { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string } {
  const [algorithm, hex] = digest.split(':', 2) as ['sha256' | 'sha512', string];
  return { algorithm, hex };
}

/** A digest shortened for tables: `sha256:0123456789ab`. */
export function shortDigest(digest: string): string {
  const at = digest.indexOf(':');
  return at < 0 ? digest.slice(0, 12) : digest.slice(0, at + 13);
}
