import type { SerializedBundle, SerializedEnvelope } from '@sigstore/bundle';
import { type Fields, fieldsOf, isFields } from '../domain/fields.ts';
import type { SigningServices } from '../domain/trust/signing-services.ts';
import { type SigningCertificate, sha256 } from './request-certificate.ts';
import { jsonOf, type SigstoreService, unexpectedAnswer } from './service.ts';

/** An entry as bundles hold it. */
export type LogEntry = SerializedBundle['verificationMaterial']['tlogEntries'][number];

/** What is written to the log. */
export interface LoggedSignature {
  readonly envelope: SerializedEnvelope;
  /** What was signed: the pre-authentication encoding of the envelope. */
  readonly signed: Uint8Array;
  readonly signature: Buffer;
  readonly certificate: SigningCertificate;
}

const WHAT = 'the entry for the transparency log';

/** Reads the entries of Rekor v2. */
export function loadLogLibrary(): Promise<typeof import('@sigstore/protobuf-specs')> {
  return import('@sigstore/protobuf-specs');
}

/**
 * Writes a signature to Rekor and waits for the proof that it is in there.
 * @throws ActionError SIGNING_REFUSED, SIGSTORE_UNAVAILABLE
 */
export function writeLogEntry(
  service: SigstoreService,
  { url, version }: NonNullable<SigningServices['rekor']>,
  entry: LoggedSignature,
): Promise<LogEntry> {
  const base = url.replace(/\/$/, '');
  return version === 2 ? writeVersion2(service, base, entry) : writeVersion1(service, base, entry);
}

/**
 * Rekor v2 no longer takes envelopes: the entry is about the signed bytes themselves, which verifiers compare.
 * https://github.com/sigstore/rekor-tiles/issues/744
 */
async function writeVersion2(
  service: SigstoreService,
  base: string,
  { signed, signature, certificate }: LoggedSignature,
): Promise<LogEntry> {
  const url = `${base}/api/v2/log/entries`;
  const request = {
    hashedRekordRequestV002: {
      digest: sha256(signed).toString('base64'),
      signature: {
        content: signature.toString('base64'),
        verifier: {
          x509Certificate: { rawBytes: certificate.der.toString('base64') },
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      },
    },
  };
  const { TransparencyLogEntry } = await loadLogLibrary();
  const value = jsonOf(await service.post(url, WHAT, request, 'application/json'));
  if (!isFields(value)) throw unexpectedAnswer(url, WHAT);
  try {
    const entry: unknown = TransparencyLogEntry.toJSON(TransparencyLogEntry.fromJSON(value));
    return checkedEntry(fieldsOf(entry), url);
  } catch {
    throw unexpectedAnswer(url, WHAT);
  }
}

/** https://github.com/sigstore/rekor/blob/main/openapi.yaml */
async function writeVersion1(
  service: SigstoreService,
  base: string,
  { envelope, certificate }: LoggedSignature,
): Promise<LogEntry> {
  const url = `${base}/api/v1/log/entries`;
  const verifiers = [Buffer.from(certificate.pem).toString('base64')];
  const answer = await service.post(
    url,
    WHAT,
    {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: { proposedContent: { envelope: JSON.stringify(envelope), verifiers } },
    },
    'application/json',
  );
  // The same signature is there already, after a try whose answer was lost: the address of the entry is given.
  const { location } = answer;
  const found =
    answer.status !== 409 || location === undefined
      ? answer
      : await service.get(new URL(location, url).href, WHAT, 4 * 1024 * 1024);
  const [value] = Object.values(fieldsOf(jsonOf(found)));
  const { body, integratedTime, logID, logIndex, verification } = fieldsOf(value);
  const { inclusionProof, signedEntryTimestamp } = fieldsOf(verification);
  const { checkpoint, hashes, rootHash, treeSize, logIndex: indexInTree } = fieldsOf(inclusionProof);
  const decoded = typeof body === 'string' ? parse(Buffer.from(body, 'base64').toString('utf8')) : {};
  if (typeof body !== 'string' || typeof logID !== 'string') throw unexpectedAnswer(url, WHAT);
  const hex = (text: unknown) => Buffer.from(String(text), 'hex').toString('base64');
  return checkedEntry(
    {
      logIndex: String(logIndex),
      logId: { keyId: hex(logID) },
      kindVersion: { kind: decoded.kind, version: decoded.apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp },
      inclusionProof: {
        logIndex: String(indexInTree),
        rootHash: hex(rootHash),
        treeSize: String(treeSize),
        hashes: Array.isArray(hashes) ? hashes.map(hex) : [],
        checkpoint: { envelope: checkpoint },
      },
      canonicalizedBody: body,
    },
    url,
  );
}

function parse(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return fieldsOf(value);
  } catch {
    return {};
  }
}

/** What a bundle cannot do without; its cryptography is checked when the whole bundle is. */
function checkedEntry(entry: Fields, url: string): LogEntry {
  if (!isLogEntry(entry)) throw unexpectedAnswer(url, WHAT);
  return entry;
}

function isLogEntry(entry: Fields): entry is Fields & LogEntry {
  const { inclusionProof, canonicalizedBody, logId, kindVersion } = entry;
  return (
    typeof canonicalizedBody === 'string' &&
    typeof fieldsOf(logId).keyId === 'string' &&
    typeof fieldsOf(kindVersion).kind === 'string' &&
    typeof fieldsOf(fieldsOf(inclusionProof).checkpoint).envelope === 'string'
  );
}
