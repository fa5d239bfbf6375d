import { sha256 } from './request-certificate.ts';
import type { SigstoreService } from './service.ts';

/**
 * Has a timestamp authority say when a signature was made. https://www.rfc-editor.org/rfc/rfc3161
 * @returns the DER-encoded response
 * @throws ActionError SIGNING_REFUSED, SIGSTORE_UNAVAILABLE
 */
export async function requestTimestamp(service: SigstoreService, tsa: string, signature: Buffer): Promise<Buffer> {
  const url = new URL(tsa);
  // https://github.com/sigstore/timestamp-authority/blob/main/openapi.yaml
  if (url.pathname === '/') url.pathname = '/api/v1/timestamp';
  const { body } = await service.post(
    url.href,
    'the request for a timestamp',
    { artifactHash: sha256(signature).toString('base64'), hashAlgorithm: 'sha256', certificates: true },
    'application/timestamp-reply',
  );
  return body;
}
