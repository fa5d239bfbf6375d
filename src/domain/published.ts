import type { Digest } from './digest.ts';
import { isSameBuild, originOf, type RepositoryState, type TagState, type Wanted } from './publish-plan.ts';

/** An image published by an earlier run as the same build. */
export interface Candidate {
  readonly digest: Digest;
  /** Whether an earlier attempt of this step and run published it. */
  readonly isOwnRun: boolean;
  /** Whether a version tag points to it, which no other build can take over. */
  readonly isReleased: boolean;
}

/**
 * The images that record the same build as this run, best first: targets of version tags, which cannot change; current
 * targets of moving tags; the first build of the commit. Without duplicates.
 * @param run identity of this run in a later attempt, undefined in the first
 */
export function candidatesFor(
  wanted: Wanted,
  states: readonly RepositoryState[],
  run: string | undefined,
): readonly Candidate[] {
  const ranks = { version: 0, moving: 1, commit: 2 } as const;
  const found = new Map<Digest, Candidate>();
  for (const tag of wanted.tags.toSorted((a, b) => ranks[a.kind] - ranks[b.kind])) {
    for (const { tags } of states) {
      const held = tags.get(tag.name);
      if (held?.digest === undefined || found.has(held.digest) || !isSameBuild(held, wanted)) continue;
      found.set(held.digest, {
        digest: held.digest,
        isOwnRun: run !== undefined && held.run === run,
        // Version tags come first, so a digest with one is found under it.
        isReleased: tag.kind === 'version',
      });
    }
  }
  return [...found.values()];
}

/** The image that `if-published: keep` keeps. */
export type Kept =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'one';
      readonly digest: Digest;
      readonly image: string;
      readonly tag: string;
      readonly held: TagState;
    }
  /** Version tags point to different images, so this run cannot publish any of them. */
  | { readonly kind: 'several'; readonly tags: readonly string[] };

/**
 * The image that this run's version tags already point to. Never keeps one that records another commit: the run would
 * report the digest of something else.
 */
export function keptImage(wanted: Wanted, states: readonly RepositoryState[]): Kept {
  const held = wanted.tags.flatMap((tag) =>
    states.flatMap(({ image, tags }) => {
      const state = tags.get(tag.name);
      return tag.kind === 'version' && state?.digest !== undefined && state.digest !== wanted.digest
        ? [{ image, tag: tag.name, held: state, digest: state.digest }]
        : [];
    }),
  );
  const [first] = held;
  if (first === undefined || held.some((each) => originOf(each.held, wanted) === 'other')) return { kind: 'none' };
  const all = wanted.tags.flatMap((tag) =>
    states.flatMap(({ image, tags }) => {
      const digest = tag.kind === 'version' ? tags.get(tag.name)?.digest : undefined;
      return digest === undefined ? [] : [{ text: `${image}:${tag.name} is ${digest}`, digest }];
    }),
  );
  return new Set(all.map(({ digest }) => digest)).size > 1
    ? { kind: 'several', tags: all.map(({ text }) => text) }
    : { kind: 'one', ...first };
}
