import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes } from '../../domain/manifest.ts';
import { descriptorOf } from '../../oci/client/referrers.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { type GraphOptions, type ImageGraph, readGraph } from '../../oci/transfer/graph.ts';
import type { PullTally } from './budget.ts';
import { checkPlatform } from './subset.ts';
import { type ImageWork, type MirrorWork, readingFirst } from './work.ts';

/**
 * Reads everything that is to be copied of an image.
 * @param near repositories that have the image already
 * @param tally counts what is read from the source
 * @throws OverBudget, and ActionError from reading the source
 */
export async function readImage(
  { mirror, source, tags }: MirrorWork,
  { source: descriptor, subset }: ImageWork,
  near: readonly Repository[],
  tally?: PullTally,
): Promise<ImageGraph> {
  // An index is not worth reading without its images.
  if (near.length === 0) source.pulls.require(isIndexType(descriptor.mediaType) ? 2 : 1);
  const from = readingFirst(near, source.pulls.counting(source.repository, tally));
  const options: GraphOptions = { tags, attached: mirror.referrers };
  if (subset !== undefined) return readSubset(from, subset.root, options);
  const graph = await readGraph(from, descriptor.digest, options);
  if (mirror.platforms !== undefined) await checkPlatform(source.repository, graph, mirror.platforms);
  return graph;
}

/** The images of a smaller index with what is attached to each; what is attached to the whole does not hold for it. */
async function readSubset(from: Repository, root: ManifestBytes, options: GraphOptions): Promise<ImageGraph> {
  const parts: ImageGraph[] = [];
  for (const { digest } of partsOf(root)) parts.push(await readGraph(from, digest, options));
  const manifests = new Map(
    parts.flatMap((part) => part.manifests.map((node) => [node.manifest.descriptor.digest, node] as const)),
  );
  return {
    root,
    manifests: [...manifests.values(), { manifest: root, blobs: [], ofRoot: true }],
    blobs: new Map(parts.flatMap(({ blobs }) => [...blobs])),
    tags: parts.flatMap(({ tags }) => tags),
    attachments: parts.flatMap(({ attachments }) => attachments),
    problems: [...new Set(parts.flatMap(({ problems }) => problems))],
  };
}

/** The manifests in an index. */
export function partsOf({ bytes }: ManifestBytes): readonly Descriptor[] {
  const { manifests } = fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return Array.isArray(manifests) ? manifests.flatMap((part) => descriptorOf(part) ?? []) : [];
}
