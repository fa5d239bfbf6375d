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
  /** The root; the source's tags may move meanwhile. */
  readonly digest: Digest;
  readonly log: Pick<Log, 'warning'>;
}

/** What was written, over all targets. */
export interface Copied {
  readonly manifests: number;
  /** Blobs whose bytes were sent. */
  readonly blobs: number;
  readonly mounted: number;
  /** Bytes of blobs that were sent. */
  readonly bytes: number;
  /** What refers to the image and came along. */
  readonly attachments: readonly Attachment[];
}

/** Uploads at the same time: fewer than the requests that a session allows, as each of them waits for a download. */
const PARALLEL = 4;

interface Target {
  readonly to: Repository;
  /** Manifests that it has to be given. */
  readonly missing: readonly GraphManifest[];
  /** Blobs whose bytes were sent to it. */
  readonly sent: Set<Digest>;
}

/**
 * Brings an image with all that belongs to it to other repositories, byte for byte: blobs, manifests leaves first, what
 * refers to them, and at last fallback indexes and cosign's tags. The root gets no tag: that is for the caller, afterwards.
 * What a target holds already is not sent again; what was attached since, to whatever part of the image, follows.
 * Call it for one image at a time: uploads wait for downloads, which share the requests of one registry.
 * @throws ActionError MANIFEST_UNKNOWN when the source lacks something, DIGEST_MISMATCH, and all that reading and writing raise
 */
export async function copyImage({ from, to, digest, log }: CopyOptions): Promise<Copied> {
  const count = { manifests: 0, blobs: 0, mounted: 0, bytes: 0 };
  const others = to.filter((each) => each.host !== from.host || each.name !== from.name);
  if (others.length === 0) return { ...count, attachments: [] };
  const graph = await readGraph(from, digest);
  for (const problem of graph.problems) log.warning(problem);
  const targets: Target[] = [];
  const confirmations = new Map<Repository, ReadonlySet<Digest>>();
  for (const each of others) {
    // A registry takes a manifest only with its blobs, and does not let go of them; but of an index that is there, many who
    // clean up have deleted the children, which have no tags.
    const rooted = (await each.head(digest)) !== undefined;
    const missing: GraphManifest[] = [];
    for (const node of graph.manifests) {
      const own = node.manifest.descriptor.digest;
      if (!rooted || (own !== digest && (await each.head(own)) === undefined)) missing.push(node);
    }
    targets.push({ to: each, missing, sent: new Set() });
  }
  for (let at = 0; at < targets.length; at += PARALLEL) {
    await bringBlobs(from, graph, targets.slice(at, at + PARALLEL), count);
  }
  for (const { to: each, missing, sent } of targets) {
    const confirmed = new Set<Digest>();
    for (const { manifest, blobs } of missing) {
      const send = async () => {
        const unsent = blobs.filter((blob) => !sent.has(blob.digest));
        for (const blob of unsent) {
          log.warning(
            `${each.host}/${each.name} reported ${blob.digest} as present but does not have it; it is uploaded.`,
          );
          await each.putBlob(blob, () => from.readBlob(blob));
          sent.add(blob.digest);
          count.blobs++;
          count.bytes += blob.size;
        }
        return unsent.length;
      };
      const { subject } = await putManifest(each, manifest, send);
      if (subject !== undefined) confirmed.add(manifest.descriptor.digest);
      count.manifests++;
    }
    confirmations.set(each, confirmed);
  }
  for (const { to: each } of targets) {
    count.manifests += await attach(each, graph, confirmations.get(each) ?? new Set(), log);
  }
  return { ...count, attachments: graph.attachments };
}

async function bringBlobs(
  from: Repository,
  graph: ImageGraph,
  targets: readonly Target[],
  count: { blobs: number; mounted: number; bytes: number },
): Promise<void> {
  const wanted = targets.map((each) => new Set(each.missing.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))));
  // A registry that refused to mount twice, and never did, is not asked again.
  const mounts = targets.map(() => ({ done: 0, refused: 0 }));
  const limit = pLimit(Math.max(1, Math.floor(PARALLEL / targets.length)));
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

  const bring = async (blob: Descriptor): Promise<void> => {
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
        targets.find((each) => each.to === to)?.sent.add(blob.digest);
        count.blobs++;
        count.bytes += blob.size;
      }),
    );
  };

  // The largest first: a big layer that starts last is what everybody waits for at the end.
  const blobs = [...graph.blobs.values()].toSorted((a, b) => b.size - a.size);
  await Promise.all(
    blobs.map((blob) =>
      limit(() =>
        bring(blob).catch((error: unknown) => {
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

/** As Promise.all, but nothing goes on any more when it fails. */
async function settled<T>(tasks: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
