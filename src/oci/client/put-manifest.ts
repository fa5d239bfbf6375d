import type { ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Taken } from './manifest-requests.ts';
import type { Repository } from './repository.ts';

/**
 * Puts a manifest under its digest. Some registries report a blob as present, or answer a mount with 201, and then
 * reject the manifest because the blob is missing. In that case the blobs that were skipped are uploaded and the
 * manifest is sent again. https://github.com/goharbor/harbor/issues/16624
 * @param send uploads the skipped blobs; returns how many there were
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
