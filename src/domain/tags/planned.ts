/** How a moving tag determines the newer of two images. */
export type TagOrder = { readonly by: 'commit' } | VersionOrder;

/** A line of versions by name: `latest` covers all, `1` and `1.2` those with that beginning. */
export interface ReleaseLine {
  /** The numbers at the start of the line's versions; none for `latest`. */
  readonly numbers: readonly number[];
  readonly prefix: string;
  readonly suffix: string;
}

/** A tag for the highest stable version of a line. */
export interface VersionOrder {
  readonly by: 'version';
  /** This run's version, without a leading `v`. */
  readonly version: string;
  /** The version scheme; semver by default. */
  readonly scheme?: 'semver' | 'pep440';
  /** The line: `latest` covers all versions, `1` one major number, `1.2` one minor number. */
  readonly scope: 'all' | 'major' | 'minor';
  /** The text around versions in tags of this line: `1.2-alpine` is only compared with `1.2.3-alpine`. */
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * A tag produced by the rules, and its promise:
 * - `version`: names one release, and never changes its digest
 * - `commit`: names one commit, and points to the first published build of it
 * - `moving`: only moves forward
 */
export type PlannedTag = {
  readonly name: string;
  /** Its rule, as the user wrote it. */
  readonly rule: string;
  /** Its name comes from the event's ref. Otherwise it is literal, or names the commit. */
  readonly fromRef?: boolean;
} & (
  | { readonly kind: 'version' | 'commit' }
  | {
      readonly kind: 'moving';
      readonly order: TagOrder;
      /**
       * The lines that the tag's name may be of, when this run is not a release: once the tag points to a release of
       * one, it does not move.
       */
      readonly lines?: readonly ReleaseLine[];
    }
);
