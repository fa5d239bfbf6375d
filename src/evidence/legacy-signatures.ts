import { createHash, X509Certificate } from 'node:crypto';
import { isDigest } from '../domain/digest.ts';
import { type Fields, fieldsOf, isFields } from '../domain/fields.ts';
import { type Parsed, parsed, problems } from '../domain/parsed.ts';
import { miscasedKey, readStrictJson } from '../domain/strict-json.ts';
import { quoted } from '../domain/suggestion.ts';
import { PREDICATES } from '../domain/trust/predicates.ts';
import type { Statement } from '../domain/trust/statement.ts';

/** The media types and annotations of cosign 2 under its tags `.sig` and `.att`. */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const DSSE_ENVELOPE = 'application/vnd.dsse.envelope.v1+json';

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const LOG_BUNDLE = 'dev.sigstore.cosign/bundle';
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp';

/** The type of the documents that `cosign sign` signed before bundles. */
const SIMPLE_SIGNING_TYPE = 'cosign container image signature';

/** The image in such a document. */
const DIGEST = 'docker-manifest-digest';

type Annotations = Readonly<Record<string, string>>;

/**
 * Converts a layer of cosign 2 to a bundle that current libraries can verify.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 * @param blob the layer: the simple signing document, or the DSSE envelope
 */
export function legacyBundle(mediaType: string, annotations: Annotations, blob: Uint8Array): Parsed<unknown> {
  const isSignature = mediaType === SIMPLE_SIGNING;
  const signature = annotations[SIGNATURE];
  if (isSignature && (signature === undefined || signature === '')) return problems('it has no signature');
  const json = isSignature ? parsed({}) : readStrictJson(blob);
  if (!json.ok) return json;
  const envelope = json.value;
  if (!isFields(envelope)) return problems('it is no envelope');
  const content = isSignature
    ? { messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: sha256(blob) }, signature } }
    : { dsseEnvelope: withoutKeyIds(envelope) };
  const pem = annotations[CERTIFICATE];
  if (pem === undefined || pem === '') {
    return parsed({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: '' }, tlogEntries: [], ...timestamps(annotations) },
      ...content,
    });
  }
  const certificate = certificateOf(pem);
  if (certificate === undefined) return problems('its certificate cannot be read');
  const entry = logEntry(annotations[LOG_BUNDLE]);
  return parsed({
    // The bundle version without inclusion proof: cosign 2 only stored the log's promise.
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate }] },
      tlogEntries: entry === undefined ? [] : [entry],
      ...timestamps(annotations),
    },
    ...content,
  });
}

/** Converts a simple signing document to a statement that the image was signed. */
export function simpleSigningStatement(blob: Uint8Array): Parsed<Statement> {
  const json = readStrictJson(blob);
  if (!json.ok) return problems(...json.problems.map((problem) => `what was signed cannot be read: ${problem}`));
  const document = fieldsOf(json.value);
  const critical = fieldsOf(document.critical);
  const image = fieldsOf(critical.image);
  const miscased =
    miscasedKey(document, ['critical']) ?? miscasedKey(critical, ['type', 'image']) ?? miscasedKey(image, [DIGEST]);
  if (miscased !== undefined) return problems(`what was signed has the key ${quoted(miscased)}, in another case`);
  const { type } = critical;
  const digest = image[DIGEST];
  if (type !== SIMPLE_SIGNING_TYPE || !isDigest(digest)) return problems('what was signed names no image');
  return parsed({ predicateType: PREDICATES.signature, subjects: [digest], predicate: {} });
}

function logEntry(text: string | undefined): Fields | undefined {
  const { SignedEntryTimestamp: promise, Payload: payload } = fieldsOf(parse(text ?? ''));
  const { body, integratedTime, logIndex, logID } = fieldsOf(payload);
  if (typeof promise !== 'string' || typeof body !== 'string' || typeof logID !== 'string') return undefined;
  const { kind, apiVersion } = fieldsOf(parse(Buffer.from(body, 'base64').toString('utf8')));
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: promise },
    canonicalizedBody: body,
  };
}

function timestamps(annotations: Annotations): Fields {
  const { SignedRFC3161Timestamp: signedTimestamp } = fieldsOf(parse(annotations[TIMESTAMP] ?? ''));
  return typeof signedTimestamp === 'string'
    ? { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp }] } }
    : {};
}

/** Envelopes of cosign 2 may have their own key ids, which bundles store elsewhere. */
function withoutKeyIds(envelope: Fields): Fields {
  const { signatures } = envelope;
  return Array.isArray(signatures)
    ? { ...envelope, signatures: signatures.map((each: unknown) => ({ sig: fieldsOf(each).sig, keyid: '' })) }
    : envelope;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function certificateOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).raw.toString('base64');
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
