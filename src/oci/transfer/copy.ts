import pLimit from 'p-limit';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Log } from '../../runtime/runtime.ts';
import { putManifest } from '../client/put-manifest.ts';
import type { Repository } from '../client/repository.ts';
import { attach } from './attach.ts';
import { fanOut } from './fan-out.ts';
import { type Attachment, type GraphManifest, type ImageGraph, readGraph } from './graph.ts';

export interface CopyOptions {
  readonly from: Repository;
  readonly to: readonly Repository[];
  /** The root by digest: tags of the source may move during the copy. */
  readonly digest: Digest;
  readonly log: Pick<Log, 'warning'>;
}

/** Totals over all targets. */
export interface Copied {
  readonly manifests: number;
  /** Blobs uploaded. */
  readonly blobs: number;
  readonly mounted: number;
  /** Bytes of those blobs. */
  readonly bytes: number;
  /** Referrers of the image that were copied. */
  readonly attachments: readonly Attachment[];
}

/** Concurrent uploads: fewer than a session's request limit, since each one waits for a download. */
const MAX_CONCURRENT_UPLOADS = 4;

interface Target {
  readonly to: Repository;
  /** Manifests that it lacks. */
  readonly missing: readonly GraphManifest[];
  /** Blobs uploaded to it. */
  readonly sent: Set<Digest>;
}

/**
 * Copies an image with everything that belongs to it to other repositories, byte for byte: blobs, manifests leaves
 * first, referrers, and finally fallback indexes and cosign's tags. The root gets no tag: the caller tags it
 * afterwards. Content already present is skipped; later attachments to any part of the image are copied too. Call it
 * for one image at a time: uploads wait for downloads, and both share the request limit of a registry.
 * @throws ActionError MANIFEST_UNKNOWN when the source is incomplete, DIGEST_MISMATCH, and all read and write errors
 */
export async function copyImage({ from, to, digest, log }: CopyOptions): Promise<Copied> {
  const count = { manifests: 0, blobs: 0, mounted: 0, bytes: 0 };
  const others = to.filter((target) => target.host !== from.host || target.name !== from.name);
  if (others.length === 0) return { ...count, attachments: [] };
  const graph = await readGraph(from, digest);
  for (const problem of graph.problems) log.warning(problem);
  const targets: Target[] = [];
  const confirmations = new Map<Repository, ReadonlySet<Digest>>();
  for (const target of others) {
    // A registry that has a manifest also has its blobs. The children of an index may be missing: cleanup jobs delete
    // them because they are untagged.
    const rooted = (await target.head(digest)) !== undefined;
    const missing: GraphManifest[] = [];
    for (const node of graph.manifests) {
      const own = node.manifest.descriptor.digest;
      if (!rooted || (own !== digest && (await target.head(own)) === undefined)) missing.push(node);
    }
    targets.push({ to: target, missing, sent: new Set() });
  }
  for (let at = 0; at < targets.length; at += MAX_CONCURRENT_UPLOADS) {
    await copyBlobs(from, graph, targets.slice(at, at + MAX_CONCURRENT_UPLOADS), count);
  }
  for (const { to: target, missing, sent } of targets) {
    const confirmed = new Set<Digest>();
    for (const { manifest, blobs } of missing) {
      const send = async () => {
        const unsent = blobs.filter((blob) => !sent.has(blob.digest));
        for (const blob of unsent) {
          log.warning(
            `${target.host}/${target.name} reported ${blob.digest} as present but does not have it; it is uploaded.`,
          );
          await target.putBlob(blob, () => from.readBlob(blob));
          sent.add(blob.digest);
          count.blobs++;
          count.bytes += blob.size;
        }
        return unsent.length;
      };
      const { subject } = await putManifest(target, manifest, send);
      if (subject !== undefined) confirmed.add(manifest.descriptor.digest);
      count.manifests++;
    }
    confirmations.set(target, confirmed);
  }
  for (const { to: target } of targets) {
    count.manifests += await attach(target, graph, confirmations.get(target) ?? new Set(), log);
  }
  return { ...count, attachments: graph.attachments };
}

async function copyBlobs(
  from: Repository,
  graph: ImageGraph,
  targets: readonly Target[],
  count: { blobs: number; mounted: number; bytes: number },
): Promise<void> {
  const wanted = targets.map(
    (target) => new Set(target.missing.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))),
  );
  // A registry that refused two mounts and never accepted one is not asked again.
  const mounts = targets.map(() => ({ done: 0, refused: 0 }));
  const limit = pLimit(Math.max(1, Math.floor(MAX_CONCURRENT_UPLOADS / targets.length)));
  let failure: { readonly error: unknown } | undefined;

  const lacks = async (at: number, blob: Descriptor): Promise<Repository | undefined> => {
    const to = targets[at]?.to;
    const mount = mounts[at];
    if (to === undefined || mount === undefined || wanted[at]?.has(blob.digest) !== true) return undefined;
    if (to.host === from.host && (mount.done > 0 || mount.refused < 2)) {
      if (await to.mountBlob(blob, from.name)) {
        mount.done++;
        count.mounted++;
        return undefined;
      }
      mount.refused++;
      return to;
    }
    return (await to.hasBlob(blob)) ? undefined : to;
  };

  const copyBlob = async (blob: Descriptor): Promise<void> => {
    if (failure !== undefined) return;
    const lacking = (await settled(targets.map((_, at) => lacks(at, blob)))).filter((each) => each !== undefined);
    if (lacking.length === 0) return;
    const shared = lacking.length > 1 ? fanOut(() => from.getBlob(blob), lacking.length) : undefined;
    await settled(
      lacking.map(async (to) => {
        let opened = false;
        const open = () => {
          opened = true;
          return shared === undefined ? from.readBlob(blob) : shared.open();
        };
        try {
          await to.putBlob(blob, open);
        } finally {
          if (!opened) shared?.leave();
        }
        if (!opened) return;
        targets.find((target) => target.to === to)?.sent.add(blob.digest);
        count.blobs++;
        count.bytes += blob.size;
      }),
    );
  };

  // Largest first: a big layer that starts last delays everything.
  const blobs = [...graph.blobs.values()].toSorted((a, b) => b.size - a.size);
  await Promise.all(
    blobs.map((blob) =>
      limit(() =>
        copyBlob(blob).catch((error: unknown) => {
          failure ??= { error };
        }),
      ),
    ),
  );
  if (failure === undefined) return;
  throw failure.error instanceof Error
    ? failure.error
    : new ActionError('REGISTRY_UNREACHABLE', `The copy from ${from.host}/${from.name} broke off.`);
}

/** Like Promise.all, but starts nothing new after a failure. */
async function settled<T>(tasks: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
