import pLimit, { type LimitFunction } from 'p-limit';
import type { Digest } from '../../domain/digest.ts';
import { type Descriptor, isImageConfig, isIndexType } from '../../domain/manifest.ts';
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
  /** Attachments that a target does not take; only with `isTolerant`. */
  readonly refused: readonly Refused[];
}

/** An attachment that a target refused. */
interface Refused {
  readonly to: Repository;
  readonly digest: Digest;
  readonly error: ActionError;
}

interface GraphCopyOptions {
  readonly from: Repository;
  /** Without the source itself. */
  readonly to: readonly Repository[];
  readonly graph: ImageGraph;
  readonly log: Pick<Log, 'warning'>;
  /** From {@link uploadLimit}. */
  readonly uploads: LimitFunction;
  /** Blobs that a target is known to have; blobs that are found or sent are added. */
  readonly known?: (to: Repository) => Set<Digest>;
  /** Goes on without attachments that a target does not take, and extends cosign's tags. */
  readonly isTolerant?: boolean;
  /** The caller writes the root under a tag. Only what is attached to an index needs it before that. */
  readonly isTagged?: boolean;
}

/** Up to this size a config may be sent without asking for it: in the worst case it is sent again. */
const SMALL_CONFIG_BYTES = 64 * 1024;

/** Concurrent uploads: fewer than a session's request limit, since each one waits for a download. */
const MAX_CONCURRENT_UPLOADS = 4;

interface Target {
  readonly to: Repository;
  /** Manifests that it lacks. */
  readonly missing: readonly GraphManifest[];
  /** Blobs uploaded to it. */
  readonly sent: Set<Digest>;
  /** Blobs that it is known to have. */
  readonly known: Set<Digest>;
}

/**
 * Copies an image with everything that belongs to it to other repositories, byte for byte: blobs, manifests leaves
 * first, referrers, and finally fallback indexes and cosign's tags. The root gets no tag: the caller tags it
 * afterwards. Content already present is skipped; later attachments to any part of the image are copied too.
 * @throws ActionError MANIFEST_UNKNOWN when the source is incomplete, DIGEST_MISMATCH, and all read and write errors
 */
export async function copyImage({ from, to, digest, log }: CopyOptions): Promise<Copied> {
  const others = to.filter((target) => target.host !== from.host || target.name !== from.name);
  if (others.length === 0) return { manifests: 0, blobs: 0, mounted: 0, bytes: 0, attachments: [], refused: [] };
  const graph = await readGraph(from, digest);
  for (const problem of graph.problems) log.warning(problem);
  return copyGraph({ from, to: others, graph, log, uploads: uploadLimit(others.length) });
}

/**
 * The limit for concurrent blobs of one or more copies. Copies that run at the same time must share it: uploads wait for
 * downloads, and both share the request limit of a registry.
 * @param targets of the copy with the most
 */
export function uploadLimit(targets: number): LimitFunction {
  return pLimit(Math.max(1, Math.floor(MAX_CONCURRENT_UPLOADS / targets)));
}

/** Copies an image that was read, as {@link copyImage} does. */
export async function copyGraph(options: GraphCopyOptions): Promise<Copied> {
  const { from, to, graph, log, uploads, known = () => new Set<Digest>(), isTolerant = false } = options;
  const { digest } = graph.root.descriptor;
  const count = { manifests: 0, blobs: 0, mounted: 0, bytes: 0 };
  const refused: Refused[] = [];
  const targets: Target[] = [];
  for (const target of to) {
    // A registry that has a manifest also has its blobs. The children of an index may be missing: cleanup jobs delete
    // them because they are untagged.
    const rooted = (await target.head(digest)) !== undefined;
    const missing: GraphManifest[] = [];
    for (const node of graph.manifests) {
      const own = node.manifest.descriptor.digest;
      if (!rooted || (own !== digest && (await target.head(own)) === undefined)) missing.push(node);
    }
    targets.push({ to: target, missing, sent: new Set(), known: known(target) });
  }
  for (let at = 0; at < targets.length; at += MAX_CONCURRENT_UPLOADS) {
    await copyBlobs(from, graph, targets.slice(at, at + MAX_CONCURRENT_UPLOADS), count, uploads);
  }
  const written: Written[] = [];
  for (const target of targets) written.push(await putMissing(options, target, count, refused));
  // Lists and tags only when every target has all manifests.
  for (const { target, confirmed, left } of written) {
    const manifests = graph.manifests.filter(({ manifest }) => !left.has(manifest.descriptor.digest));
    count.manifests += await attach(target.to, { ...graph, manifests }, confirmed, log, { extend: isTolerant });
  }
  return { ...count, attachments: graph.attachments, refused };
}

/** The manifests that one target was given. */
interface Written {
  readonly target: Target;
  /** Referrers that the registry confirmed to list. */
  readonly confirmed: ReadonlySet<Digest>;
  /** Attachments that it does not take. */
  readonly left: ReadonlySet<Digest>;
}

async function putMissing(
  { from, graph, log, isTolerant = false, isTagged = false }: GraphCopyOptions,
  target: Target,
  count: { manifests: number; blobs: number; bytes: number },
  refused: Refused[],
): Promise<Written> {
  const { to, missing, sent } = target;
  const confirmed = new Set<Digest>();
  const left = new Set<Digest>();
  const isWithTag = isTagged && isIndexType(graph.root.descriptor.mediaType) && !hasAttachments(graph);
  for (const { manifest, blobs, ofRoot } of missing) {
    const { digest } = manifest.descriptor;
    if (isWithTag && digest === graph.root.descriptor.digest) {
      count.manifests++;
      continue;
    }
    const send = async () => {
      const unsent = blobs.filter((blob) => !sent.has(blob.digest));
      for (const blob of unsent) {
        log.warning(`${to.host}/${to.name} reported ${blob.digest} as present but does not have it; it is uploaded.`);
        await to.putBlob(blob, () => from.readBlob(blob));
        sent.add(blob.digest);
        count.blobs++;
        count.bytes += blob.size;
      }
      return unsent.length;
    };
    try {
      const { subject } = await putManifest(to, manifest, send);
      if (subject !== undefined) confirmed.add(digest);
      count.manifests++;
    } catch (error) {
      if (ofRoot || !isTolerant || !isRefusedType(error)) throw error;
      left.add(digest);
      refused.push({ to, digest, error });
    }
  }
  return { target, confirmed, left };
}

function isSmallConfig(blob: Descriptor): boolean {
  return blob.size <= SMALL_CONFIG_BYTES && isImageConfig(blob);
}

function hasAttachments({ attachments, tags, manifests }: ImageGraph): boolean {
  return attachments.length > 0 || tags.length > 0 || manifests.some(({ ofRoot }) => !ofRoot);
}

/** Statuses of registries that do not take a manifest of some kind: a referrer, or one of an unknown type. */
const REFUSED_TYPE_STATUSES: readonly unknown[] = [400, 405, 415, 422];

function isRefusedType(error: unknown): error is ActionError {
  return error instanceof ActionError && REFUSED_TYPE_STATUSES.includes(error.facts.status);
}

async function copyBlobs(
  from: Repository,
  graph: ImageGraph,
  targets: readonly Target[],
  count: { blobs: number; mounted: number; bytes: number },
  limit: LimitFunction,
): Promise<void> {
  const wanted = targets.map(
    (target) => new Set(target.missing.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))),
  );
  // A registry that refused two mounts and never accepted one is not asked again.
  const mounts = targets.map(() => ({ done: 0, refused: 0 }));
  /** Whether each blob that was asked for is at the target. */
  const asked = targets.map((): Promise<boolean>[] => []);
  let failure: { readonly error: unknown } | undefined;

  const lacks = async (at: number, blob: Descriptor): Promise<Repository | undefined> => {
    const { to, known } = targets[at] ?? {};
    const mount = mounts[at];
    if (to === undefined || known === undefined || mount === undefined) return undefined;
    if (wanted[at]?.has(blob.digest) !== true || known.has(blob.digest)) return undefined;
    if (to.host === from.host && (mount.done > 0 || mount.refused < 2)) {
      if (await to.mountBlob(blob, from.name)) {
        mount.done++;
        count.mounted++;
        known.add(blob.digest);
        return undefined;
      }
      mount.refused++;
      return to;
    }
    const layers = asked[at] ?? [];
    // A config belongs to one image: where none of the layers was found, it is not asked for.
    if (isSmallConfig(blob) && !(await Promise.all(layers)).includes(true)) return to;
    const asking = to.hasBlob(blob);
    // What fails here is handled with the blob that was asked for.
    layers.push(asking.catch(() => true));
    if (!(await asking)) return to;
    known.add(blob.digest);
    return undefined;
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
        const target = targets.find((each) => each.to === to);
        target?.known.add(blob.digest);
        if (!opened) return;
        target?.sent.add(blob.digest);
        count.blobs++;
        count.bytes += blob.size;
      }),
    );
  };

  // Largest first: a big layer that starts last delays everything. Configs last: see above.
  const blobs = [...graph.blobs.values()].toSorted(
    (a, b) => Number(isSmallConfig(a)) - Number(isSmallConfig(b)) || b.size - a.size,
  );
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
