import type { Digest } from '../digest.ts';
import type { TagPattern } from '../patterns/tag-pattern.ts';
import type { ImageName } from '../reference.ts';

/** What to do with a tag that points to another image at the source than at the target. */
export const MOVED = ['update', 'keep', 'fail'] as const;
export type Moved = (typeof MOVED)[number];

/** What to do with a tag that this mirror wrote and that the source does not have any more. */
export const DELETIONS = ['none', 'untag-missing'] as const;
type Deletion = (typeof DELETIONS)[number];

/** One line of `tags`. */
export interface TagLine {
  readonly pattern: TagPattern;
  /** `1.2.3@sha256:…`: the only image that the tag may point to. */
  readonly pin?: Digest;
}

/** One source with its targets. */
export interface Mirror {
  readonly from: ImageName;
  /** At least one. */
  readonly to: readonly ImageName[];
  readonly tags: readonly TagLine[];
  /** Of the tags that patterns select, the newest versions only. */
  readonly newest?: number;
  /** Normalised; absent: the whole image. */
  readonly platforms?: readonly string[];
  /** Whether to copy what is attached to images, or only these artifact types. */
  readonly referrers: boolean | readonly string[];
  readonly moved: { readonly moving: Moved; readonly versions: Moved };
  readonly deletion: Deletion;
}

/** What one run may take from a registry. */
export interface HostLimits {
  /** Pulls to leave of what the registry allows. */
  readonly keepPulls?: number;
  /** Pulls in one run. */
  readonly maxPulls?: number;
}

export interface MirrorLimits {
  /** By host, as in image names. */
  readonly hosts: ReadonlyMap<string, HostLimits>;
  /** Bytes that one run reads from sources. */
  readonly maxBytes?: number;
  /** Images at a time. */
  readonly parallel: number;
}

/** A whole file. */
export interface MirrorConfig {
  readonly mirrors: readonly Mirror[];
  readonly limits: MirrorLimits;
}
