/** Fulcio's arc: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
const FULCIO = '1.3.6.1.4.1.57264.1';

/**
 * The extensions of a Fulcio certificate by their last number. Those below 8 are older spellings of the same; they are raw text
 * and are not read, apart from the issuer of certificates that have no other.
 */
const EXTENSIONS = {
  issuer: 8,
  /** The workflow file whose job signed; of a reusable workflow, the called one. */
  signer: 9,
  signerDigest: 10,
  runner: 11,
  repository: 12,
  commit: 13,
  ref: 14,
  repositoryId: 15,
  owner: 16,
  ownerId: 17,
  /** The workflow that the event started. */
  workflow: 18,
  workflowDigest: 19,
  trigger: 20,
  run: 21,
  visibility: 22,
  environment: 23,
} as const;

export type ClaimName = keyof typeof EXTENSIONS;

/** What a certificate says about the job that signed. A claim that is absent has no entry. */
export interface CertificateClaims extends Readonly<Partial<Record<ClaimName, string>>> {
  /** The subject alternative name: for GitHub, the address of the workflow file at its ref. */
  readonly identity: string;
  readonly issuer: string;
}

export interface Extension {
  /** In dots. */
  readonly oid: string;
  readonly value: Uint8Array;
}

/** Claims longer than this are not from GitHub. */
const MAX_CLAIM = 2048;

/** Reads the claims of a certificate; undefined when it lacks identity or issuer. */
export function readCertificateClaims(
  identity: string | undefined,
  extensions: readonly Extension[],
): CertificateClaims | undefined {
  const claim = (number: number) => {
    const found = extensions.find(({ oid }) => oid === `${FULCIO}.${number}`);
    return found === undefined ? undefined : derText(found.value);
  };
  const old = extensions.find(({ oid }) => oid === `${FULCIO}.1`);
  const issuer = claim(EXTENSIONS.issuer) ?? (old === undefined ? undefined : new TextDecoder().decode(old.value));
  if (identity === undefined || identity === '' || identity.length > MAX_CLAIM || !issuer) return undefined;
  const entries = Object.entries(EXTENSIONS).flatMap(([name, number]): readonly (readonly [string, string])[] => {
    const value = claim(number);
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(entries), identity, issuer };
}

/** The text of a DER UTF8String; undefined for anything else, also for what is longer or shorter than it says. */
function derText(value: Uint8Array): string | undefined {
  const [tag, first = 0] = value;
  if (tag !== 0x0c) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2) return undefined;
  const length = lengthBytes === 0 ? first : value.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  const text = value.slice(2 + lengthBytes);
  if (text.length !== length || length > MAX_CLAIM) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch {
    return undefined;
  }
}
