/** A full commit id, of SHA-1 or SHA-256, as git writes it. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** The commit whose files are built (P11): the one source of labels, annotations, commit tags and ancestry. */
export interface BuiltCommit {
  readonly sha: string;
  /**
   * - `checkout`: HEAD of the repository that the build context lies in
   * - `context`: what the git URL in `context` names
   * - `image`: what the image of another builder (`source`) records
   * - `event`: there is no checkout, so nothing contradicts the event
   */
  readonly source: 'checkout' | 'context' | 'image' | 'event';
  /** The top folder of the checkout. */
  readonly directory?: string;
  /** The branch that is checked out: `main`. Absent when HEAD is detached. */
  readonly branch?: string;
  /** The clone does not hold the whole history. */
  readonly isShallow: boolean;
}
