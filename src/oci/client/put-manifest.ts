import type { ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Taken } from './manifest-requests.ts';
import type { Repository } from './repository.ts';

/**
 * Puts a manifest under its digest. Some registries say that they have a blob, or answer a mount with 201, and then do not
 * know it when its manifest comes: then what was not sent is sent after all, and the manifest once more.
 * https://github.com/goharbor/harbor/issues/16624
 * @param send uploads what the manifest refers to and was not sent before; answers with the number of these blobs
 */
export async function putManifest(
  to: Pick<Repository, 'put'>,
  manifest: ManifestBytes,
  send: () => Promise<number>,
): Promise<Taken> {
  const put = () => to.put(manifest.descriptor.digest, manifest);
  try {
    return await put();
  } catch (error) {
    if (!(error instanceof ActionError) || error.code !== 'BLOB_UNKNOWN' || (await send()) === 0) throw error;
    return put();
  }
}
