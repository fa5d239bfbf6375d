import { createHash, generateKeyPair, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { readJwt } from '../credentials/id-token.ts';
import { fieldsOf } from '../domain/fields.ts';
import { jsonOf, type SigstoreService, unexpectedAnswer } from './service.ts';

/** A key that exists in memory only, and the certificate that binds it to the job for ten minutes. */
export interface SigningCertificate {
  readonly der: Buffer;
  readonly pem: string;
  /** How long it lives, in milliseconds: the clock of the runner may differ from that of the authority. */
  readonly life: number;
  /** Signs with the key: ECDSA P-256 over SHA-256. */
  readonly sign: (bytes: Uint8Array) => Buffer;
}

const generate = promisify(generateKeyPair);

/**
 * Requests a certificate from Fulcio for a fresh key. https://github.com/sigstore/fulcio/blob/main/fulcio.proto
 * @param token OIDC token with the audience `sigstore`; never logged, also when it is refused
 * @throws ActionError SIGNING_REFUSED, SIGSTORE_UNAVAILABLE
 */
export async function requestCertificate(
  service: SigstoreService,
  fulcio: string,
  token: string,
): Promise<SigningCertificate> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' });
  const signWith = (bytes: Uint8Array) => sign('sha256', bytes, privateKey);
  const { sub, email } = readJwt(token) ?? {};
  const subject = typeof email === 'string' && email !== '' ? email : typeof sub === 'string' ? sub : '';
  const url = `${fulcio.replace(/\/$/, '')}/api/v2/signingCert`;
  const answer = await service.post(
    url,
    'the request for a certificate',
    {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
        proofOfPossession: signWith(Buffer.from(subject)).toString('base64'),
      },
    },
    'application/json',
  );
  const { signedCertificateEmbeddedSct: embedded, signedCertificateDetachedSct: detached } = fieldsOf(jsonOf(answer));
  const { certificates } = fieldsOf(fieldsOf(embedded ?? detached).chain);
  const [pem] = Array.isArray(certificates) ? certificates : [];
  if (typeof pem !== 'string') throw unexpectedAnswer(url, 'the request for a certificate');
  return readCertificate(pem, publicKey, signWith, url);
}

function readCertificate(
  pem: string,
  publicKey: KeyObject,
  signWith: (bytes: Uint8Array) => Buffer,
  url: string,
): SigningCertificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw unexpectedAnswer(url, 'the request for a certificate');
  }
  if (!certificate.publicKey.equals(publicKey))
    throw unexpectedAnswer(url, 'the request for a certificate of this key');
  const life = certificate.validToDate.getTime() - certificate.validFromDate.getTime();
  return { der: certificate.raw, pem: certificate.toString(), life, sign: signWith };
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
