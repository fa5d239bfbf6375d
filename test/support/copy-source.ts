import { createHash } from 'node:crypto';
import { isDigest } from '../../src/domain/digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import type { TestRegistry } from './registry.ts';
import { layerOf } from './registry-client.ts';

export const SOURCE = 'org/source';

/** Puts manifests and blobs into the repository `org/source`, past the API. */
export function fill(registry: TestRegistry, name = SOURCE) {
  const blob = (text: string): Descriptor => {
    registry.putBlob(name, Buffer.from(text));
    return layerOf(Buffer.from(text));
  };
  const store = (mediaType: string, fields: object, tag?: string, algorithm = 'sha256'): ManifestBytes => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }, undefined, 3));
    const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (!isDigest(digest)) throw new Error(digest);
    registry.putManifest(name, digest, mediaType, bytes);
    if (tag !== undefined) registry.putManifest(name, tag, mediaType, bytes);
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  };
  const image = (layers: readonly string[], more: object = {}, tag?: string, algorithm?: string): ManifestBytes => {
    const config = { ...blob(`config of ${layers.join()}`), mediaType: MEDIA_TYPES.ociConfig };
    return store(MEDIA_TYPES.ociManifest, { config, layers: layers.map(blob), ...more }, tag, algorithm);
  };
  const index = (children: readonly ManifestBytes[], more: object = {}, tag?: string): ManifestBytes =>
    store(MEDIA_TYPES.ociIndex, { manifests: children.map((each) => each.descriptor), ...more }, tag);
  const referrer = (to: ManifestBytes, text: string, more: object = {}): ManifestBytes => {
    const artifactType = 'application/vnd.example.sbom';
    const config = { ...blob('{}'), mediaType: MEDIA_TYPES.ociEmpty };
    const fields = { artifactType, config, layers: [blob(text)], subject: to.descriptor, annotations: { of: text } };
    return store(MEDIA_TYPES.ociManifest, { ...fields, ...more });
  };
  /** What cosign keeps under a tag: the config of an image, and a layer that no runtime unpacks. */
  const cosign = (text: string, tag: string, more: object = {}): ManifestBytes => {
    const layer = { ...blob(text), mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json' };
    return image([], { layers: [layer], ...more }, tag);
  };
  /** Two platforms with eight layers each, an SBOM and a signature. */
  const usual = () => {
    const layers = (of: string) => Array.from({ length: 8 }, (_, at) => `${of} layer ${at}`);
    const children = [image(layers('amd64')), image(layers('arm64'))] as const;
    const root = index(children, {}, 'v1');
    return { root, children, referrers: [referrer(root, 'sbom'), referrer(root, 'signature')] };
  };
  return { blob, store, image, index, referrer, cosign, usual };
}
