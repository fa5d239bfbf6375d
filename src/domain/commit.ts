/** A full commit id, of SHA-1 or SHA-256, as git writes it. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** The commit whose files are built (P11): the only source of labels, annotations, commit tags and ancestry. */
export interface BuiltCommit {
  readonly sha: string;
  /**
   * - `checkout`: HEAD of the repository with the build context
   * - `context`: the commit of the git URL in `context`
   * - `image`: the commit recorded in another builder's image (`source`)
   * - `event`: without a checkout nothing contradicts the event
   */
  readonly source: 'checkout' | 'context' | 'image' | 'event';
  /** The top folder of the checkout. */
  readonly directory?: string;
  /** The checked-out branch: `main`. Absent when HEAD is detached. */
  readonly branch?: string;
  /** The clone lacks part of the history. */
  readonly isShallow: boolean;
}
