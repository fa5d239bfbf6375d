import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { withPlatforms } from '../../domain/mirror/platforms.ts';
import { normalPlatform, platformName } from '../../domain/platform.ts';
import { EMPTY } from '../../domain/promotion/record-manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { getManifest } from '../../oci/client/manifest.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import { listAsReferrers } from '../../oci/transfer/attach.ts';
import type { ImageGraph } from '../../oci/transfer/graph.ts';

/** The whole index of the source, attached to the one that has fewer platforms. */
const WHOLE_TYPE = 'application/vnd.registry-action.mirrored-index.v1+json';

/**
 * An index of the source, from a target that keeps it beside the smaller one: its digest proves that it is the right one,
 * and reading it there costs no pull.
 */
export async function readWhole(
  source: Repository,
  targets: readonly Repository[],
  { digest, size }: Descriptor,
): Promise<Uint8Array> {
  for (const target of targets) {
    const kept = { mediaType: WHOLE_TYPE, digest, size };
    try {
      if (await target.hasBlob(kept)) return await bytesOf(target, kept);
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
    }
  }
  return (await getManifest(source, digest)).bytes;
}

async function bytesOf(repository: Repository, blob: Descriptor): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await repository.getBlob(blob)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/**
 * The index with some of its platforms only.
 * @returns the same bytes when nothing is left out
 * @throws ActionError PLATFORM_MISSING
 */
export function subsetOf(
  source: Repository,
  descriptor: Descriptor,
  whole: Uint8Array,
  platforms: readonly string[],
): ManifestBytes {
  const index = fieldsOf(JSON.parse(Buffer.from(whole).toString('utf8')));
  const subset = withPlatforms(index, platforms);
  if (!subset.ok) throw lacksPlatform(source, descriptor, subset.problems.join(' '));
  if (subset.value === index) return { descriptor, bytes: whole };
  const bytes = Buffer.from(JSON.stringify(subset.value));
  return { descriptor: { mediaType: descriptor.mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** Checks the platform of an image that is no index. @throws ActionError PLATFORM_MISSING */
export async function checkPlatform(
  source: Repository,
  graph: ImageGraph,
  platforms: readonly string[],
): Promise<void> {
  const { descriptor, bytes } = graph.root;
  if (isIndexType(descriptor.mediaType)) return;
  const { config } = fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  const blob = [...graph.blobs.values()].find(({ digest }) => digest === fieldsOf(config).digest);
  if (blob === undefined) return;
  const { os, architecture, variant } = fieldsOf(JSON.parse((await bytesOf(source, blob)).toString('utf8')));
  // Charts and other artifacts have no platform.
  if (typeof os !== 'string' || typeof architecture !== 'string') return;
  const own = normalPlatform(platformName({ os, architecture, ...(typeof variant === 'string' ? { variant } : {}) }));
  if (!platforms.includes(own)) throw lacksPlatform(source, descriptor, `it is for ${own} only`);
}

function lacksPlatform({ host, name }: Repository, { digest }: Descriptor, what: string): ActionError {
  return new ActionError('PLATFORM_MISSING', `${host}/${name}@${digest}: ${what}.`, {
    facts: { registry: host, repository: name, reference: digest },
    remedy: ['Correct `platforms` of this mirror, or select only tags that have these platforms.'],
  });
}

/** Keeps the whole index beside the smaller one, so that the next run can compare without a pull. */
export async function keepWhole(target: Repository, subset: Descriptor, whole: Uint8Array): Promise<void> {
  const blob: Descriptor = { mediaType: WHOLE_TYPE, digest: digestOf(whole), size: whole.length };
  if (await target.hasBlob(blob)) return;
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: WHOLE_TYPE,
    config: EMPTY.descriptor,
    layers: [blob],
    subject: { mediaType: subset.mediaType, digest: subset.digest, size: subset.size },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor: Descriptor = {
    mediaType: MEDIA_TYPES.ociManifest,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType: WHOLE_TYPE,
  };
  await target.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
  await target.putBlob(blob, () => whole);
  const { subject } = await target.put(descriptor.digest, { descriptor, bytes });
  await listAsReferrers(target, subset.digest, [descriptor], subject !== undefined);
}
