import type { SerializedBundle } from '@sigstore/bundle';
import { BUNDLE_MEDIA_TYPE } from '../domain/trust/predicates.ts';
import type { SigningServices } from '../domain/trust/signing-services.ts';
import { STATEMENT_MEDIA_TYPE } from '../domain/trust/statement.ts';
import type { Clock } from '../runtime/runtime.ts';
import { requestCertificate, type SigningCertificate } from './request-certificate.ts';
import type { SigstoreService } from './service.ts';
import { requestTimestamp } from './timestamp.ts';
import { type LogEntry, loadLogLibrary, writeLogEntry } from './transparency-log.ts';

export interface KeylessSigner {
  /** Requests the certificate ahead of time. A failure shows when signing, which tries again. */
  readonly prepare: () => void;
  /** Signs the bytes of a statement. @returns the JSON of the bundle */
  readonly sign: (statement: Uint8Array) => Promise<Buffer>;
}

export interface KeylessSignerOptions {
  readonly service: SigstoreService;
  readonly services: SigningServices;
  /** An OIDC token with the audience `sigstore` that is valid for a minute at least. */
  readonly idToken: () => Promise<string>;
  readonly clock: Clock;
}

/** A certificate that ends sooner is replaced: the timestamp has to lie within its life. */
const MARGIN_MS = 60_000;

/**
 * Signs with keys that exist in memory only, as the job itself. One certificate serves all statements of a run, while it lives.
 * Nothing is returned when any part fails: certificate, log or timestamp.
 * @throws ActionError ID_TOKEN_UNAVAILABLE, SIGNING_REFUSED, SIGSTORE_UNAVAILABLE
 */
export function createKeylessSigner({ service, services, idToken, clock }: KeylessSignerOptions): KeylessSigner {
  let current: Promise<SigningCertificate> | undefined;
  // By the runner's clock alone: whether it agrees with the authority's does not matter.
  let expires = Number.POSITIVE_INFINITY;
  const request = async () => {
    const token = await idToken();
    service.secret(token);
    const requested = clock.now().getTime();
    const certificate = await requestCertificate(service, services.fulcio, token);
    expires = requested + certificate.life;
    return certificate;
  };
  // Statements are signed in parallel: they wait for one certificate.
  const certificate = (): Promise<SigningCertificate> => {
    if (current !== undefined && expires - clock.now().getTime() > MARGIN_MS) return current;
    expires = Number.POSITIVE_INFINITY;
    current = request().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };
  return {
    prepare: () => {
      void certificate().catch(() => undefined);
      // It loads while the certificate is issued.
      if (services.rekor?.version === 2) void loadLogLibrary();
    },
    sign: async (statement) => signStatement(service, services, await certificate(), statement),
  };
}

async function signStatement(
  service: SigstoreService,
  { rekor, tsa }: SigningServices,
  certificate: SigningCertificate,
  statement: Uint8Array,
): Promise<Buffer> {
  const signed = preAuthEncoding(STATEMENT_MEDIA_TYPE, statement);
  const signature = certificate.sign(signed);
  const envelope = {
    payload: Buffer.from(statement).toString('base64'),
    payloadType: STATEMENT_MEDIA_TYPE,
    // cosign refuses an envelope whose signature names a key.
    signatures: [{ sig: signature.toString('base64'), keyid: '' }],
  };
  const [entry, timestamp] = await Promise.all([
    rekor === undefined ? undefined : writeLogEntry(service, rekor, { envelope, signed, signature, certificate }),
    tsa === undefined ? undefined : requestTimestamp(service, tsa, signature),
  ]);
  return bundleBytes(certificate, entry, timestamp, envelope);
}

/** https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto */
function bundleBytes(
  certificate: SigningCertificate,
  entry: LogEntry | undefined,
  timestamp: Buffer | undefined,
  dsseEnvelope: SerializedBundle['dsseEnvelope'],
): Buffer {
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_MEDIA_TYPE,
      verificationMaterial: {
        certificate: { rawBytes: certificate.der.toString('base64') },
        tlogEntries: entry === undefined ? [] : [entry],
        timestampVerificationData: {
          rfc3161Timestamps: timestamp === undefined ? [] : [{ signedTimestamp: timestamp.toString('base64') }],
        },
      },
      dsseEnvelope,
    }),
  );
}

/** What a DSSE signature is over: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload]);
}
