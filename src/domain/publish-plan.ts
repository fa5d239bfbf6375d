import { type Digest, shortDigest } from './digest.ts';
import { type CommitRelation, decideByCommit, decideByVersion, releaseUnder } from './tags/moving.ts';
import type { PlannedTag } from './tags/planned.ts';

/** What a registry holds under one tag right now, and what is known about it. */
export interface TagState {
  /** Undefined: there is no such tag. */
  readonly digest?: Digest;
  /** `org.opencontainers.image.revision` of what it holds. */
  readonly revision?: string;
  /** `org.opencontainers.image.version` of what it holds; read only when no other tag tells the versions of its line. */
  readonly version?: string;
  /** Fingerprint of the build request that made it, when this action did. */
  readonly fingerprint?: string;
  /** How the commit of this run relates to `revision`; read only when a moving tag depends on it. */
  readonly relation?: CommitRelation;
  /** Whether the commit of this run is what its ref points at now; read only when the relation does not decide. */
  readonly isTip?: boolean;
}

/** What one repository holds, as far as the tags of this run depend on it. */
export interface RepositoryState {
  /** As the user wrote it, lower-cased: `ghcr.io/org/app`. */
  readonly image: string;
  readonly tags: ReadonlyMap<string, TagState>;
  /** All tags of the repository; read only when a version tag depends on them. */
  readonly existing?: readonly string[];
}

/** What a run wants. */
export interface Wanted {
  readonly tags: readonly PlannedTag[];
  readonly sha: string;
  /** Known when the image is there already (`source`, or after the build); undefined before a build. */
  readonly digest?: Digest;
  /** Of the build request; undefined for a `source`. */
  readonly fingerprint?: string;
}

/**
 * - `create`: the tag is not there and will be written
 * - `move`: it holds something else and will be written
 * - `keep`: it holds the wanted digest already
 * - `leave`: it holds something newer; not an error (P4)
 * - `conflict`: it is immutable and holds something else (P3)
 */
export interface TagDecision {
  readonly image: string;
  readonly tag: string;
  readonly kind: PlannedTag['kind'];
  readonly action: 'create' | 'move' | 'keep' | 'leave' | 'conflict';
  /** What the tag holds before this run. */
  readonly from?: Digest;
  /** A phrase for the plan and the summary. */
  readonly reason: string;
  readonly warning?: string;
}

/** Decides for each tag of one repository, immutable tags first: the order in which they are written. Pure. */
export function planTags(wanted: Wanted, state: RepositoryState): readonly TagDecision[] {
  const decisions = wanted.tags.map((tag): TagDecision => {
    const held = state.tags.get(tag.name) ?? {};
    const about = {
      image: state.image,
      tag: tag.name,
      kind: tag.kind,
      ...(held.digest === undefined ? {} : { from: held.digest }),
    };
    if (held.digest !== undefined && held.digest === wanted.digest) {
      return { ...about, action: 'keep', reason: 'holds this image already' };
    }
    return tag.kind === 'moving'
      ? { ...about, ...decideMoving(tag, held, wanted, state.existing ?? []) }
      : { ...about, ...decideImmutable(held, wanted) };
  });
  return decisions.toSorted((a, b) => Number(a.kind === 'moving') - Number(b.kind === 'moving'));
}

type Decision = Pick<TagDecision, 'action' | 'reason' | 'warning'>;

function decideImmutable(held: TagState, wanted: Wanted): Decision {
  if (held.digest === undefined) return { action: 'create', reason: 'new' };
  if (wanted.digest !== undefined) {
    return {
      action: 'conflict',
      reason: `holds ${shortDigest(held.digest)}, and this image is ${shortDigest(wanted.digest)}`,
    };
  }
  if (isSameBuild(held, wanted)) return { action: 'keep', reason: 'was published from this commit already' };
  const from =
    held.revision === undefined
      ? 'which records no commit'
      : held.revision === wanted.sha
        ? 'which another build of this commit has made'
        : `which was built from ${held.revision.slice(0, 7)}`;
  return { action: 'conflict', reason: `holds ${shortDigest(held.digest)}, ${from}` };
}

function decideMoving(
  tag: Extract<PlannedTag, { kind: 'moving' }>,
  held: TagState,
  wanted: Wanted,
  existing: readonly string[],
): Decision {
  const release =
    tag.line === undefined || held.digest === undefined ? undefined : releaseUnder(tag.line, existing, held.version);
  if (release !== undefined) {
    return { action: 'leave', reason: `stays: is release ${release}, and this run is not a release` };
  }
  // A new tag of a version line can still be an old one's: `1` may be missing while 1.2.0 is there.
  const decided =
    tag.order.by === 'version'
      ? decideByVersion(tag.order, existing, held.version)
      : held.digest === undefined
        ? { move: true, reason: 'new' }
        : decideByCommit({
            recorded: held.revision,
            current: wanted.sha,
            relation: held.relation ?? 'unknown',
            isTip: held.isTip,
          });
  const action = !decided.move ? 'leave' : held.digest === undefined ? 'create' : 'move';
  return {
    action,
    reason: decided.reason,
    ...('warning' in decided && decided.warning !== undefined ? { warning: decided.warning } : {}),
  };
}

function isSameBuild(held: TagState, wanted: Wanted): boolean {
  return held.revision === wanted.sha && wanted.fingerprint !== undefined && held.fingerprint === wanted.fingerprint;
}

/**
 * Before a build: the digest that this very build was published as before, when immutable tags hold it. Such an image is
 * taken as it is instead of being built again, because a second build would have another digest and could never complete
 * what an earlier run began.
 * @returns undefined when nothing was published yet, `ambiguous` when tags hold different builds of it
 */
export function publishedBefore(decisions: readonly TagDecision[]): Digest | 'ambiguous' | undefined {
  const digests = new Set(
    decisions.flatMap(({ kind, action, from }) =>
      kind !== 'moving' && action === 'keep' && from !== undefined ? [from] : [],
    ),
  );
  if (digests.size > 1) return 'ambiguous';
  return digests.values().next().value;
}

/**
 * Whether a repository needs nothing: it holds the image under at least one tag, and no tag is to be written. (A stale run
 * whose only tag stays with something newer still brings its content, so that its digest can be pulled.)
 */
export function isInPlace(decisions: readonly TagDecision[]): boolean {
  const actions = new Set(decisions.map(({ action }) => action));
  return actions.has('keep') && !actions.has('create') && !actions.has('move') && !actions.has('conflict');
}
