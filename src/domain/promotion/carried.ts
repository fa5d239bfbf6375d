import { type Fields, fieldsOf } from '../fields.ts';
import { isIndexType, MEDIA_TYPES } from '../manifest.ts';

/** Maximum attachments of one image to copy, and maximum size of their blobs that are not part of the image. */
export const MAX_ATTACHMENTS = 1000;
export const MAX_ATTACHMENT_BYTES = 1024 * 1024 * 1024;

const EMPTY_CONFIG = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
const IMAGE_CONFIGS: readonly unknown[] = [MEDIA_TYPES.ociConfig, MEDIA_TYPES.dockerConfig];
/** https://github.com/opencontainers/image-spec/blob/main/media-types.md, and those of Docker's schema 2 */
const ROOT_FILESYSTEM =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.|docker\.image\.rootfs\.(?:foreign\.)?diff\.)tar/;
/** Text formats that no runtime unpacks: signatures, statements, SBOMs. cosign gives them an image config. */
const DOCUMENT = /^text\/[\w.+-]+$|^application\/[\w.+-]*(?:\+json|\+xml)$|^application\/(?:json|xml)$/;

/**
 * Why a listed referrer of an image is not copied. Otherwise push access to the source would be enough to add a
 * runnable image, or a record about another environment, to the target. Pure.
 * @param mediaType of the manifest
 * @param manifest its parsed JSON
 * @returns a phrase, or undefined: it may be copied
 */
export function notCarriedBecause(mediaType: string, manifest: Fields): string | undefined {
  if (isIndexType(mediaType)) return 'it is an index, which may contain images that run';
  const layers = typesIn(manifest.layers);
  const config = fieldsOf(manifest.config);
  if (IMAGE_CONFIGS.includes(config.mediaType) || mediaType === MEDIA_TYPES.dockerManifest) {
    // Runtimes ignore unknown suffixes: `…layer.v1.tar+json` is unpacked as a layer.
    const isDocument = layers.length > 0 && layers.every((type) => DOCUMENT.test(type) && !ROOT_FILESYSTEM.test(type));
    return isDocument && mediaType !== MEDIA_TYPES.dockerManifest ? undefined : 'it is an image that runs';
  }
  const isImage = layers.some((type) => ROOT_FILESYSTEM.test(type)) && config.digest !== EMPTY_CONFIG;
  return isImage ? 'it has the layers of an image that runs' : undefined;
}

function typesIn(layers: unknown): readonly string[] {
  return Array.isArray(layers)
    ? layers.map((layer: unknown) => {
        const { mediaType } = fieldsOf(layer);
        return typeof mediaType === 'string' ? mediaType : '';
      })
    : [];
}
