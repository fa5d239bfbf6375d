import type { ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Repository } from './repository.ts';

/**
 * A manifest that must exist because something else refers to it.
 * @throws ActionError MANIFEST_UNKNOWN when it is gone, and any read error
 */
export async function getManifest({ host, name, get }: Repository, reference: string): Promise<ManifestBytes> {
  const manifest = await get(reference);
  if (manifest !== undefined) return manifest;
  throw new ActionError('MANIFEST_UNKNOWN', `${host}/${name} does not have ${reference} any more.`, {
    facts: { registry: host, repository: name, reference },
  });
}
