import { COMMIT } from './commit.ts';
import { type Digest, shortDigest } from './digest.ts';
import { type CommitRelation, decideByCommit, decideByVersion, releaseUnder } from './tags/moving.ts';
import type { PlannedTag } from './tags/planned.ts';

/** The current state of one tag in a registry. */
export interface TagState {
  /** Undefined: the tag does not exist. */
  readonly digest?: Digest;
  /** `org.opencontainers.image.revision` of the image. */
  readonly revision?: string;
  /** `org.opencontainers.image.version` of the image; read only if no other tag shows the versions of its line. */
  readonly version?: string;
  /** Fingerprint of its build request, if built by this action. */
  readonly fingerprint?: string;
  /** Run, job and step that published it, if built by this action. */
  readonly run?: string;
  /** Relation of this run's commit to `revision`; read only if a moving tag depends on it. */
  readonly relation?: CommitRelation;
  /** Whether the ref currently points to this run's commit; read only if the relation does not decide. */
  readonly isTip?: boolean;
}

/** The state of one repository, as far as this run's tags depend on it. */
export interface RepositoryState {
  /** As the user wrote it, in lower case: `ghcr.io/org/app`. */
  readonly image: string;
  readonly tags: ReadonlyMap<string, TagState>;
  /** All tags of the repository; read only if a version tag depends on them. */
  readonly existing?: readonly string[];
}

/** What a run wants to publish. */
export interface Wanted {
  readonly tags: readonly PlannedTag[];
  readonly sha: string;
  /** Known if the image exists (`source`, a reused image, or after the build); undefined before a build. */
  readonly digest?: Digest;
  /** Of the build request; undefined for a `source`. */
  readonly fingerprint?: string;
  /** The revision recorded in a `source`; if it differs from the commit, it is usually that of its base image. */
  readonly revision?: string;
  /** Why an already published image is not reused, as the end of a sentence. */
  readonly notTaken?: string;
}

/**
 * Why a tag cannot be written:
 * - `other-commit`: a version tag points to an image of another or unknown commit
 * - `rebuilt`: a version tag points to another build of this commit
 * - `commit-tag`: a commit tag points to an image of another commit
 */
export type Conflict = 'other-commit' | 'rebuilt' | 'commit-tag';

/**
 * - `create`: the tag does not exist and will be written
 * - `move`: it points elsewhere and will be written
 * - `keep`: it already points to the wanted digest
 * - `leave`: it points to something newer or, for a commit tag, to an earlier build of its commit; not an error (P3,
 *   P4)
 * - `conflict`: it must not change (P3)
 */
export interface TagDecision {
  readonly image: string;
  readonly tag: string;
  readonly kind: PlannedTag['kind'];
  readonly action: 'create' | 'move' | 'keep' | 'leave' | 'conflict';
  /** What the tag points to before this run. */
  readonly from?: Digest;
  /** A phrase for the plan and the summary. */
  readonly reason: string;
  readonly warning?: string;
  /** With `conflict`. */
  readonly conflict?: Conflict;
}

/** Decides for each tag of one repository, immutable ones first: the order of writing. Pure. */
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
      return { ...about, action: 'keep', reason: 'points to this image already' };
    }
    if (tag.kind === 'moving') return { ...about, ...decideMoving(tag, held, wanted, state.existing ?? []) };
    return { ...about, ...(tag.kind === 'version' ? decideVersion(held, wanted) : decideCommit(held, wanted)) };
  });
  return decisions.toSorted((a, b) => Number(a.kind === 'moving') - Number(b.kind === 'moving'));
}

type Decision = Pick<TagDecision, 'action' | 'reason' | 'warning' | 'conflict'>;

/** The commit recorded in an image. */
type Origin = 'this' | 'other' | 'unknown';

/** A revision that is not a commit id is ignored; a short one is compared as a prefix. */
export function originOf({ revision }: TagState, wanted: Pick<Wanted, 'sha' | 'revision'>): Origin {
  if (revision === undefined) return 'unknown';
  if (revision === wanted.revision) return 'this';
  if (!/^[0-9a-f]{7,64}$/i.test(revision)) return 'unknown';
  return wanted.sha.startsWith(revision.toLowerCase()) ? 'this' : 'other';
}

function decideVersion(held: TagState, wanted: Wanted): Decision {
  if (held.digest === undefined) return { action: 'create', reason: 'new' };
  const name = shortDigest(held.digest);
  const origin = originOf(held, wanted);
  if (origin === 'other') {
    const reason = `points to ${name}, which was built from ${shortRevision(held)}`;
    return { action: 'conflict', conflict: 'other-commit', reason };
  }
  if (origin === 'unknown') {
    // Other builders usually record no commit: for a `source` this does not indicate another one.
    const conflict = wanted.fingerprint === undefined ? 'rebuilt' : 'other-commit';
    return { action: 'conflict', conflict, reason: `points to ${name}, which records no commit` };
  }
  const build = isSameBuild(held, wanted)
    ? `which was published from this commit${wanted.notTaken === undefined ? '' : `, and is not taken: ${wanted.notTaken}`}`
    : 'which is another build of this commit';
  return { action: 'conflict', conflict: 'rebuilt', reason: `points to ${name}, ${build}` };
}

function decideCommit(held: TagState, wanted: Wanted): Decision {
  if (held.digest === undefined) return { action: 'create', reason: 'new' };
  const commit = wanted.sha.slice(0, 7);
  switch (originOf(held, wanted)) {
    case 'this':
      return { action: 'leave', reason: `stays: points to the first published build of ${commit}` };
    case 'unknown':
      return {
        action: 'leave',
        reason: 'stays: exists, and its image records no commit',
        warning: `The image under the commit tag has no label org.opencontainers.image.revision, so nothing shows that it was built from ${commit}. The tag was left as it is.`,
      };
    case 'other':
      return {
        action: 'conflict',
        conflict: 'commit-tag',
        reason: `points to ${shortDigest(held.digest)}, which was built from ${shortRevision(held)} and not from ${commit}`,
      };
  }
}

/** From an image, but validated as a commit id by {@link originOf}. Long enough to distinguish two. */
function shortRevision({ revision = '' }: TagState): string {
  return COMMIT.test(revision) ? revision.slice(0, 12) : revision.slice(0, 40);
}

function decideMoving(
  tag: Extract<PlannedTag, { kind: 'moving' }>,
  held: TagState,
  wanted: Wanted,
  existing: readonly string[],
): Decision {
  const release =
    held.digest === undefined
      ? undefined
      : tag.lines?.map((line) => releaseUnder(line, existing, held.version)).find((each) => each !== undefined);
  if (release !== undefined) {
    return { action: 'leave', reason: `stays: is release ${release}, and this run is not a release` };
  }
  // A new tag of a version line may still be outdated: `1` may be missing while 1.2.0 exists.
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

/** Whether an image records the same build that this run would do. */
export function isSameBuild({ revision, fingerprint }: TagState, wanted: Pick<Wanted, 'sha' | 'fingerprint'>): boolean {
  return revision === wanted.sha && wanted.fingerprint !== undefined && fingerprint === wanted.fingerprint;
}

/**
 * Whether a repository is complete: the image has at least one tag there, and no tag has to be written. (An outdated
 * run whose only tag stays with something newer still pushes its content, so that its digest can be pulled.)
 */
export function isInPlace(decisions: readonly TagDecision[]): boolean {
  const actions = new Set(decisions.map(({ action }) => action));
  return actions.has('keep') && !actions.has('create') && !actions.has('move') && !actions.has('conflict');
}
