import { createHash, type KeyObject } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import type { Verifier as BundleVerifier, SignedEntity } from '@sigstore/verify';
import { once } from '../domain/once.ts';
import { type Parsed, parsed, problems } from '../domain/parsed.ts';
import { quoted } from '../domain/suggestion.ts';
import { type CertificateClaims, readCertificateClaims } from '../domain/trust/claims.ts';
import { BUNDLE_MEDIA_TYPE } from '../domain/trust/predicates.ts';
import type { Signer } from '../domain/trust/verification.ts';

/** What signatures are checked against. */
export interface TrustAnchors {
  /** Instances of Sigstore; a bundle must stand up to one of them. */
  readonly roots: readonly TrustedRoot[];
  /** Keys that are accepted besides. */
  readonly keys: readonly KeyObject[];
}

/** Who signed, and when by the log's promise or a timestamp authority. */
interface CheckedBundle {
  readonly signer: Signer;
  readonly time?: Date;
}

/** Checks the cryptography of bundles. Whom to believe is decided by the policy. */
export type BundleChecker = (
  bundle: unknown,
  artifact?: Uint8Array,
) => Parsed<CheckedBundle & { readonly bundle: Bundle }>;

/**
 * The versions whose rules are known. The library reads any other one by the rules of the newest.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
 */
const BUNDLE_TYPES: readonly string[] = [
  ...['0.1', '0.2', '0.3'].map((version) => `application/vnd.dev.sigstore.bundle+json;version=${version}`),
  BUNDLE_MEDIA_TYPE,
];

/**
 * Loads the libraries once, and checks bundles without any request.
 * A certificate needs a trusted time, and one entry in each kind of log that the root lists at all; whatever else a bundle
 * contains must be valid as well.
 */
export async function createBundleChecker({ roots, keys }: TrustAnchors): Promise<BundleChecker> {
  const { bundleFromJSON } = await import('@sigstore/bundle');
  const { toSignedEntity, toTrustMaterial, Verifier } = await import('@sigstore/verify');
  const { TrustedRoot: Root } = await import('@sigstore/protobuf-specs');
  const { writeDerQuickly } = await import('./der.ts');
  writeDerQuickly();
  const nothing = Root.fromJSON({ tlogs: [], certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] });

  const attempt = (
    entity: SignedEntity,
    verifier: () => BundleVerifier,
  ): Parsed<ReturnType<BundleVerifier['verify']>> => {
    // Whatever is thrown means that the bundle was not verified; some of it is no VerificationError.
    try {
      return parsed(verifier().verify(entity));
    } catch (error) {
      return problems(error instanceof Error ? error.message : String(error));
    }
  };
  // Made once for all bundles: it parses every certificate of the root.
  const byRoot = roots.map((root) =>
    once(
      () =>
        new Verifier(toTrustMaterial(root), {
          tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
          ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
          timestampThreshold: 1,
        }),
    ),
  );

  const byKey = (entity: SignedEntity): Parsed<Signer> => {
    const found: string[] = [];
    for (const key of keys) {
      for (const root of [nothing, ...roots]) {
        const result = attempt(entity, () => {
          const material = toTrustMaterial(root, () => ({ publicKey: key, validFor: () => true }));
          return new Verifier(material, { tlogThreshold: 0, timestampThreshold: 0 });
        });
        if (result.ok) return parsed({ kind: 'key', key: keyFingerprint(key) });
        found.push(...result.problems);
      }
    }
    return problems(
      keys.length === 0 ? 'it was signed with a key, and no key to check it with was given' : reasonOf(found),
    );
  };

  const byCertificate = (entity: SignedEntity): Parsed<Signer> => {
    const found: string[] = [];
    for (const verifier of byRoot) {
      const result = attempt(entity, verifier);
      if (!result.ok) {
        found.push(...result.problems);
        continue;
      }
      const ambiguity = entity.key.$case === 'certificate' ? ambiguityOf(entity.key.certificate) : undefined;
      if (ambiguity !== undefined) return problems(ambiguity);
      const claims = claimsOf(result.value.identity);
      if (claims !== undefined) return parsed({ kind: 'certificate', claims });
      found.push('its certificate names no identity or no issuer');
    }
    return problems(roots.length === 0 ? 'there is no trusted root to check its certificate with' : reasonOf(found));
  };

  return (value, artifact) => {
    let bundle: Bundle;
    let entity: SignedEntity;
    try {
      bundle = bundleFromJSON(value);
      if (!BUNDLE_TYPES.includes(bundle.mediaType))
        return problems(`it is no bundle of a known version, but ${quoted(bundle.mediaType)}`);
      entity = toSignedEntity(bundle, artifact === undefined ? undefined : Buffer.from(artifact));
    } catch (error) {
      return problems(`it is no valid bundle (${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'})`);
    }
    const signer = entity.key.$case === 'public-key' ? byKey(entity) : byCertificate(entity);
    if (!signer.ok) return signer;
    const time = trustedTime(entity);
    return parsed({ signer: signer.value, bundle, ...(time === undefined ? {} : { time }) });
  };
}

/** SHA-256 of a public key, by which policies name it. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Of the ASN.1 of a certificate. */
interface Element {
  readonly subs: readonly Element[];
  readonly toOID: () => string;
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';

/**
 * Why a certificate does not say clearly who signed, as the part of a sentence. Of several names or extensions the library reads
 * the first and other programs another one. https://www.rfc-editor.org/rfc/rfc5280#section-4.2
 */
function ambiguityOf({ extensions }: { readonly extensions: readonly Element[] }): string | undefined {
  const oids = extensions.map(({ subs }) => subs[0]?.toOID());
  if (new Set(oids).size < oids.length) return 'its certificate has an extension twice';
  // An extension ends with its value; the value is the list of names.
  const names = extensions[oids.indexOf(SUBJECT_ALTERNATIVE_NAME)]?.subs.at(-1)?.subs[0]?.subs ?? [];
  return names.length > 1 ? 'its certificate names several identities' : undefined;
}

function claimsOf(
  identity: { readonly subjectAlternativeName?: string; readonly oids?: readonly Oid[] } | undefined,
): CertificateClaims | undefined {
  const extensions = (identity?.oids ?? []).flatMap(({ oid, value }) =>
    oid === undefined ? [] : [{ oid: oid.id.join('.'), value }],
  );
  return readCertificateClaims(identity?.subjectAlternativeName, extensions);
}

interface Oid {
  readonly oid: { readonly id: readonly number[] } | undefined;
  readonly value: Uint8Array;
}

/**
 * The earliest time that was shown: all of them were verified with the bundle. The log's time counts with its promise only; Rekor v2
 * gives none.
 */
function trustedTime({ timestamps }: SignedEntity): Date | undefined {
  const times = timestamps.flatMap((timestamp) => {
    if (timestamp.$case === 'timestamp-authority') return [timestamp.timestamp.signingTime];
    const { inclusionPromise, integratedTime } = timestamp.tlogEntry;
    return inclusionPromise === undefined ? [] : [new Date(Number(integratedTime) * 1000)];
  });
  return times.toSorted((one, other) => one.getTime() - other.getTime())[0];
}

/** The library's words, and what they mean where they do not say it. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/expected \d+ timestamps, got 0/, 'it has no trusted time'],
  [/expected \d+ tlog entries, got 0/, 'it is not in the transparency log'],
  [/expected \d+ SCTs, got 0/, 'its certificate is not in the certificate transparency log'],
  [/signature verification failed/, 'its signature does not fit its content or the key'],
  [
    /certificate chain|no trusted certificate path/i,
    'its certificate was not issued by a trusted authority (an intermediate must be in the trusted root)',
  ],
];

/** The reason of the attempt that came farthest is not known: the first is given, and others where they differ. */
function reasonOf(found: readonly string[]): string {
  const said = found.map((message) => MEANINGS.find(([words]) => words.test(message))?.[1] ?? message.slice(0, 200));
  return [...new Set(said)].slice(0, 3).join(', or ');
}
