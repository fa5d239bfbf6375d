import { isDigest } from '../../domain/digest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { UnpackedLayer } from './layers.ts';
import type { ScannablePlatform } from './view.ts';

/** The layers in the manifest of a platform. @throws ActionError LAYOUT_CORRUPT */
export function layersOf({ name, manifest, diffIds }: ScannablePlatform): readonly UnpackedLayer[] {
  const document: unknown = JSON.parse(Buffer.from(manifest.bytes).toString('utf8'));
  const layers: unknown =
    typeof document === 'object' && document !== null && 'layers' in document ? document.layers : undefined;
  if (!Array.isArray(layers)) throw new ActionError('LAYOUT_CORRUPT', `The manifest of ${name} has no layers.`);
  return layers.map((layer: unknown, at): UnpackedLayer => {
    if (typeof layer === 'object' && layer !== null && 'digest' in layer && 'size' in layer && isDigest(layer.digest)) {
      const { digest, size } = layer;
      return { layer: { mediaType: '', digest, size: Number(size) }, diffId: diffIds[at] ?? '' };
    }
    throw new ActionError('LAYOUT_CORRUPT', `The manifest of ${name} names a layer without digest and size.`);
  });
}

/** A scan of no layers would find nothing and pass. */
export function requireLayers({ name, diffIds, manifest }: ScannablePlatform): void {
  if (diffIds.length > 0) return;
  throw new ActionError('IMAGE_EMPTY', `The image for ${name} (${manifest.descriptor.digest}) has no layers.`);
}
