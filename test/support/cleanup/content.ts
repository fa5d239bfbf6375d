import { createHash } from 'node:crypto';
import { type Digest, isDigest } from '../../../src/domain/digest.ts';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { isIndexType, MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import type { TestRegistry } from '../registry.ts';

/** A manifest as a registry in memory has it, for the double of a vendor that has to list it. */
export interface StoredImage {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: number;
  readonly tags: readonly string[];
  readonly children: readonly Digest[];
  readonly subject?: Digest;
}

type Store = Pick<TestRegistry, 'putManifest' | 'putBlob' | 'manifest' | 'digests' | 'tags'>;

/** Puts images into one repository of a registry in memory, past its API. What is asked for twice has one digest. */
export function contentOf(registry: Store, repository: string) {
  const put = (mediaType: string, body: object, tags: readonly string[]): Digest => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    for (const reference of [digest, ...tags]) registry.putManifest(repository, reference, mediaType, bytes);
    if (!isDigest(digest)) throw new Error(digest);
    return digest;
  };
  const blob = (mediaType: string, text: string) => {
    const bytes = Buffer.from(text);
    return { mediaType, digest: registry.putBlob(repository, bytes), size: bytes.length };
  };
  const descriptor = (digest: string) => {
    const stored = registry.manifest(repository, digest);
    return { mediaType: stored?.mediaType ?? '', digest, size: stored?.bytes.length ?? 0 };
  };
  return {
    /** An image of one platform with a layer of that text. */
    image: (text: string, ...tags: string[]) =>
      put(
        MEDIA_TYPES.ociManifest,
        {
          config: blob(MEDIA_TYPES.ociConfig, JSON.stringify({ os: 'linux', architecture: 'amd64', text })),
          layers: [blob('application/vnd.oci.image.layer.v1.tar+gzip', `layer of ${text}`)],
        },
        tags,
      ),
    /** An index of what is in the repository. */
    index: (children: readonly Digest[], ...tags: string[]) =>
      put(
        MEDIA_TYPES.ociIndex,
        {
          manifests: children.map((digest, at) => ({
            ...descriptor(digest),
            platform: { os: 'linux', architecture: ['amd64', 'arm64', 's390x'][at] ?? 'riscv64' },
          })),
        },
        tags,
      ),
    /** A signature or SBOM of what may be absent. */
    referrer: (subject: Digest, artifactType = 'application/vnd.test.signature', ...tags: string[]) =>
      put(
        MEDIA_TYPES.ociManifest,
        {
          artifactType,
          config: blob(MEDIA_TYPES.ociEmpty, '{}'),
          layers: [blob(artifactType, `${artifactType} of ${subject}`)],
          subject: descriptor(subject),
        },
        tags,
      ),
    /** The list of referrers that clients keep under a tag where there is no API for it. */
    fallback: (subject: Digest, referrers: readonly Digest[]) =>
      put(MEDIA_TYPES.ociIndex, { manifests: referrers.map(descriptor) }, [subject.replace(':', '-')]),
    /** BuildKit's cache in its older form: an index of layers. */
    cache: (text: string, ...tags: string[]) =>
      put(
        MEDIA_TYPES.ociIndex,
        {
          manifests: [
            blob('application/vnd.oci.image.layer.v1.tar+gzip', `cached ${text}`),
            blob('application/vnd.buildkit.cacheconfig.v0', `{"of":"${text}"}`),
          ],
        },
        tags,
      ),
    put,
  };
}

/** Everything in a repository of a registry in memory. */
export function storedImages(registry: Store, repository: string): readonly StoredImage[] {
  const tags = Object.entries(registry.tags(repository));
  return registry.digests(repository).flatMap((digest) => {
    const stored = registry.manifest(repository, digest);
    if (stored === undefined || !isDigest(digest)) return [];
    const parsed: unknown = JSON.parse(stored.bytes.toString('utf8'));
    const { manifests, subject } = fieldsOf(parsed);
    const children = (isIndexType(stored.mediaType) && Array.isArray(manifests) ? manifests : [])
      .map((each: unknown) => fieldsOf(each))
      .filter(({ mediaType }) => /image\.(?:manifest|index)/.test(String(mediaType)))
      .flatMap(({ digest: child }) => (isDigest(child) ? [child] : []));
    const of = fieldsOf(subject).digest;
    return [
      {
        digest,
        mediaType: stored.mediaType,
        bytes: stored.bytes.length,
        tags: tags.flatMap(([tag, to]) => (to === digest ? [tag] : [])),
        children,
        ...(isDigest(of) ? { subject: of } : {}),
      },
    ];
  });
}
