/** How a moving tag knows which of two images is the newer one. */
export type TagOrder = { readonly by: 'commit' } | VersionOrder;

/** A line of versions by its name: `latest` is all of them, `1` and `1.2` those that begin so. */
export interface ReleaseLine {
  /** The numbers that versions of the line begin with; none for `latest`. */
  readonly numbers: readonly number[];
  readonly prefix: string;
  readonly suffix: string;
}

/** A tag that stands for the highest stable version of a line of versions. */
export interface VersionOrder {
  readonly by: 'version';
  /** The version of this run, without a leading `v`. */
  readonly version: string;
  /** How versions are read; semver unless said otherwise. */
  readonly scheme?: 'semver' | 'pep440';
  /** The line: `latest` stands for all versions, `1` for those of one major number, `1.2` for those of one minor. */
  readonly scope: 'all' | 'major' | 'minor';
  /** What the tags of this line have around the version: `1.2-alpine` is compared with `1.2.3-alpine` only. */
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * A tag that the rules made, and what is promised of it:
 * - `version`: names one release, and never changes its digest
 * - `commit`: names one commit, and points to the first published build of it
 * - `moving`: only moves forward
 */
export type PlannedTag = {
  readonly name: string;
  /** The rule that made it, as the user wrote it. */
  readonly rule: string;
  /** It names what the event's ref stands for. Otherwise the user has written it out, or it names the commit. */
  readonly fromRef?: boolean;
} & (
  | { readonly kind: 'version' | 'commit' }
  | {
      readonly kind: 'moving';
      readonly order: TagOrder;
      /** The tag has the name of a line, and this run is none of a release: it does not move once the tag is a release. */
      readonly line?: ReleaseLine;
    }
);
