import type { Digest } from '../digest.ts';
import { shortDigest } from '../digest.ts';
import type { Mirror } from './config.ts';
import { kindOf } from './select-tags.ts';

/** What a plan does with one tag at one target. */
export const ACTIONS = [
  /** The target does not have the tag. */
  'copy',
  /** The tag points to another image and is moved. */
  'update',
  /** The tag is right, and something that is attached to the image is missing. */
  'attach',
  /** Everything is there. */
  'equal',
  /** The tag points to another image and stays, as `moved: keep` says. */
  'keep',
  /** The tag points to another image and must not be moved. */
  'blocked',
  /** This mirror wrote the tag, and the source does not have it any more. */
  'untag',
  /** To be copied by a later run. */
  'over-budget',
  /** Could not be read or written. */
  'failed',
] as const;
export type Action = (typeof ACTIONS)[number];

export interface Decision {
  readonly action: Extract<Action, 'copy' | 'update' | 'equal' | 'keep' | 'blocked'>;
  readonly reason: string;
}

/**
 * What to do with a tag at a target.
 * @param wanted what the tag is to point to
 * @param held what it points to; undefined when the target does not have it
 */
export function decideTag(
  tag: string,
  wanted: Digest,
  held: Digest | undefined,
  { moved }: Pick<Mirror, 'moved'>,
): Decision {
  if (held === undefined) return { action: 'copy', reason: 'new' };
  if (held === wanted) return { action: 'equal', reason: 'in place' };
  const kind = kindOf(tag);
  const rule = kind === 'version' ? moved.versions : moved.moving;
  const change = `points to ${shortDigest(held)}, the source to ${shortDigest(wanted)}`;
  if (rule === 'update') return { action: 'update', reason: `moves from ${shortDigest(held)}` };
  if (rule === 'keep') return { action: 'keep', reason: `${change}; kept by \`moved\`` };
  return {
    action: 'blocked',
    reason:
      kind === 'version' ? `${change}, and a version or commit must not change` : `${change}; blocked by \`moved\``,
  };
}
