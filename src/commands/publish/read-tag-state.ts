import type { Digest } from '../../domain/digest.ts';
import type { RepositoryState, TagState } from '../../domain/publish-plan.ts';
import { decideByVersion } from '../../domain/tags/moving.ts';
import type { PlannedTag } from '../../domain/tags/planned.ts';
import { readRecorded } from '../../evidence/image-origin.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { History } from '../../tools/commits/history.ts';

/**
 * The tags in reading order: the first request also fetches the token, and a version or commit tag most likely points
 * to the same image as the others.
 */
function readingOrder(tags: readonly PlannedTag[]): readonly PlannedTag[] {
  const ranks = { version: 0, commit: 1, moving: 2 } as const;
  return tags.toSorted((a, b) => ranks[a.kind] - ranks[b.kind]);
}

export interface Question {
  readonly image: string;
  readonly tags: readonly PlannedTag[];
  readonly ref: string;
  readonly sha: string;
  /** If known, tags that point to it need no further requests. */
  readonly digest?: Digest;
}

/**
 * Reads the state of a repository with as few requests as the decision needs: one per tag, and more only for tags that
 * point elsewhere (the commit recorded there) or belong to a version line (the list of tags).
 */
export async function readState(repository: Repository, history: History, asked: Question): Promise<RepositoryState> {
  const [first, ...rest] = readingOrder(asked.tags);
  if (first === undefined) return { image: asked.image, tags: new Map() };
  const head = await readTag(repository, history, asked, first);
  // If this run repeats an earlier one, the other tags most likely point to the immutable tag's image.
  const likely = asked.digest === undefined && first.kind !== 'moving' ? head : undefined;
  const states = await Promise.all(
    rest.map(async (tag) => [tag.name, await readTag(repository, history, asked, tag, likely)] as const),
  );
  const tags = new Map([[first.name, head], ...states]);

  const digest = asked.digest ?? likely?.digest;
  const needsList = asked.tags.some(
    (tag) =>
      isLine(tag) &&
      // A branch's image has the branch's name as its version, so that no release can be under its tag.
      !(tag.kind === 'moving' && tag.order.by === 'commit' && tags.get(tag.name)?.version === tag.name) &&
      (tags.get(tag.name)?.digest !== undefined || (tag.kind === 'moving' && tag.order.by === 'version')) &&
      (digest === undefined || tags.get(tag.name)?.digest !== digest),
  );
  if (!needsList) return { image: asked.image, tags };
  const existing = await repository.listTags();
  const versions = rest.concat(first).map(async (tag) => {
    const held = tags.get(tag.name);
    if (tag.kind !== 'moving' || tag.order.by !== 'version' || held?.digest === undefined || held.digest === digest)
      return;
    // Usually the tags show the existing versions.
    if (decideByVersion(tag.order, existing).highest !== undefined) return;
    const manifest = await repository.get(tag.name);
    if (manifest === undefined) return;
    tags.set(tag.name, {
      ...(await readRecorded(repository, manifest, ['version'])),
      digest: manifest.descriptor.digest,
    });
  });
  await Promise.all(versions);
  return { image: asked.image, tags, existing };
}

/** Whether the versions in the repository decide about a tag. */
function isLine(tag: PlannedTag): boolean {
  return tag.kind === 'moving' && (tag.order.by === 'version' || tag.lines !== undefined);
}

/** @param likely the expected digest of the tag: then a HEAD is enough */
async function readTag(
  repository: Repository,
  history: History,
  asked: Question,
  tag: PlannedTag,
  likely?: TagState,
): Promise<TagState> {
  const onlyDigest = tag.kind === 'moving' && tag.order.by === 'version';
  if (onlyDigest || asked.digest !== undefined || likely?.digest !== undefined) {
    const held = await repository.head(tag.name);
    if (held === undefined) return {};
    if (onlyDigest || held.digest === asked.digest) return { digest: held.digest };
    if (likely !== undefined && held.digest === likely.digest && !(tag.kind === 'moving' && tag.lines !== undefined)) {
      return likely.revision === asked.sha ? { ...likely, relation: 'same' } : likely;
    }
  }
  const manifest = await repository.get(tag.name);
  if (manifest === undefined) return {};
  const recorded = await readRecorded(repository, manifest, isLine(tag) ? ['revision', 'version'] : ['revision']);
  const state = { digest: manifest.descriptor.digest, ...recorded };
  if (tag.kind !== 'moving' || recorded.revision === undefined) return state;
  const relation = await history.relation(recorded.revision, asked.sha);
  if (relation !== 'diverged' && relation !== 'unknown') return { ...state, relation };
  const isTip = await history.isTip(asked.ref, asked.sha);
  return { ...state, relation, ...(isTip === undefined ? {} : { isTip }) };
}
