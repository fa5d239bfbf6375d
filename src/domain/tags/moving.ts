import type { ReleaseLine, VersionOrder } from './planned.ts';
import { compareVersions, readVersion, type Version } from './versions.ts';

/** Relation between this run's commit and the tag's; `ahead`: this run's is newer. */
export type CommitRelation = 'same' | 'ahead' | 'behind' | 'diverged' | 'unknown';

export interface MoveDecision {
  readonly move: boolean;
  /** For the plan and the summary: `moves: …` or `stays: …`. */
  readonly reason: string;
  readonly warning?: string;
}

/**
 * Whether a tag for a line of versions moves to this run's version: only if no version of its line in the registry is
 * higher. Existing pre-releases are ignored; a pre-release moves the tag only if its line has no stable version and no
 * later pre-release of the same kind. https://semver.org/#spec-item-11
 * @param existingTags all tags of the repository; those that are not full versions of the line are ignored
 * @param heldVersion the version recorded in the tag's image, which may have no tag (any more); `2.0` counts as 2.0.0,
 * because runs without a full version tag record such versions
 * @returns `highest`: the highest existing version of the line
 */
export function decideByVersion(
  order: VersionOrder,
  existingTags: readonly string[],
  heldVersion = '',
): MoveDecision & { readonly highest?: string } {
  const scheme = order.scheme ?? 'semver';
  const own = readVersion(order.version, scheme);
  const name = lineName(order, own);
  if (own === undefined) {
    return { move: false, reason: `stays: ${order.version} is not a full version, which ${name} needs` };
  }
  const highest = [...existingTags.map((tag) => versionIn(tag, order)), versionIn(heldVersion, order, '.0')]
    .filter((each) => each !== undefined && isOfLine(each, own, order.scope) && counts(each, own))
    .reduce((best, each) => (each && (best === undefined || isHigher(each, best)) ? each : best), undefined);
  if (highest === undefined) return { move: true, reason: `moves: ${own.text} is the first version of ${name}` };
  return isHigher(highest, own)
    ? {
        move: false,
        reason:
          own.stage === 'pre' && highest.stage !== 'pre'
            ? `stays: ${own.text} is a pre-release, and ${name} has ${highest.text}`
            : `stays: ${name} has ${highest.text}, which is higher than ${own.text}`,
        highest: highest.text,
      }
    : { move: true, reason: `moves: ${own.text} is the highest version of ${name}`, highest: highest.text };
}

/**
 * The release that a tag with a line's name points to, which no branch may replace (P4): the version recorded in its
 * image, if that is a tag of the line. An image without a version counts as the highest of them.
 * @param heldVersion undefined when the image records none
 * @returns undefined when the tag points to something else, such as an earlier build of a branch
 */
export function releaseUnder(
  { numbers, prefix, suffix }: ReleaseLine,
  existingTags: readonly string[],
  heldVersion: string | undefined,
): string | undefined {
  const order = { by: 'version', version: '', scope: 'all', prefix, suffix } as const;
  const released = existingTags
    .map((tag) => versionIn(tag, order))
    .filter((each) => each !== undefined)
    .filter(({ stage, major, minor }) => stage !== 'pre' && numbers.every((each, at) => each === [major, minor][at]));
  if (heldVersion === undefined) return released.toSorted(compareVersions).at(-1)?.text;
  const held = versionIn(heldVersion, order) ?? readVersion(heldVersion, 'semver');
  return released.find(({ text }) => text === held?.text)?.text;
}

/** A stable version ranks above any existing pre-release, even of a later version. */
function isHigher(a: Version, b: Version): boolean {
  const released = Number(a.stage !== 'pre') - Number(b.stage !== 'pre');
  return released !== 0 ? released > 0 : compareVersions(a, b) > 0;
}

/**
 * The version in a tag of the line, or undefined.
 * @param patch completes a version with two numbers
 */
function versionIn(
  tag: string,
  { prefix, suffix, scheme = 'semver' }: VersionOrder,
  patch?: string,
): Version | undefined {
  const isOfFamily =
    tag.length <= 128 && tag.length > prefix.length + suffix.length && tag.startsWith(prefix) && tag.endsWith(suffix);
  if (!isOfFamily) return undefined;
  const text = tag.slice(prefix.length, tag.length - suffix.length);
  const isShort = patch !== undefined && /^v?\d+\.\d+$/.test(text);
  const full = isShort ? text + patch : text;
  // In tags, a PEP 440 local version has a hyphen instead of a plus.
  return readVersion(full, scheme) ?? (scheme === 'pep440' ? readVersion(full.replace('-', '+'), scheme) : undefined);
}

function isOfLine(version: Version, own: Version, scope: VersionOrder['scope']): boolean {
  if (scope === 'all') return true;
  return version.major === own.major && (scope === 'major' || version.minor === own.minor);
}

/** `1.2.3-alpine` parses as a pre-release of 1.2.3, so only suffixes of the same kind are compared. */
function counts(version: Version, own: Version): boolean {
  if (version.stage === 'final') return true;
  return version.stage === own.stage && version.channel === own.channel;
}

function lineName({ scope, prefix, suffix }: VersionOrder, own: Version | undefined): string {
  const line = { all: 'the repository', major: `${own?.major}.x`, minor: `${own?.major}.${own?.minor}.x` }[scope];
  if (prefix === '' && suffix === '') return line;
  return scope === 'all' ? `${prefix}*${suffix}` : `${prefix}${line}${suffix}`;
}

const HOW_TO_KNOW =
  'Check out with `fetch-depth: 0`, or give `github-token` with `contents: read`, so that the history can be read.';

/**
 * Whether a tag that follows a ref moves to this run's commit: only forward. If the history does not show which commit
 * is newer (it was rewritten, or this is a pull request's merge commit, which each push recreates), the tag moves if
 * the ref currently points to the commit.
 * @param recorded the commit that the tag's image was built from (`org.opencontainers.image.revision`)
 * @param isTip whether the ref currently points to `current`; undefined when unknown
 */
export function decideByCommit(given: {
  readonly recorded: string | undefined;
  readonly current: string;
  readonly relation: CommitRelation;
  readonly isTip: boolean | undefined;
}): MoveDecision {
  const { recorded, relation, isTip } = given;
  const current = commitName(given.current);
  if (recorded === undefined) {
    return {
      move: true,
      reason: 'moves: the image it points to names no commit',
      warning: `The image under the tag has no label org.opencontainers.image.revision, so nothing shows whether it is older than ${current}.`,
    };
  }
  const held = commitName(recorded);
  switch (relation) {
    case 'same':
      return { move: true, reason: `moves: points to another build of ${current}` };
    case 'ahead':
      return { move: true, reason: `moves: ${current} comes after ${held}` };
    case 'behind':
      return { move: false, reason: `stays: points to ${held}, which is newer than ${current}` };
    case 'diverged':
    case 'unknown': {
      const between =
        relation === 'diverged'
          ? `neither ${held} nor ${current} comes after the other`
          : `${held} is not in the history`;
      if (isTip === true) return { move: true, reason: `moves: ${current} is the tip of its ref, and ${between}` };
      const reason =
        isTip === false
          ? `stays: points to ${held}; ${between}, and ${current} is not the tip of its ref any more`
          : `stays: points to ${held}; ${between}, and it is unknown whether ${current} is the tip of its ref. ${HOW_TO_KNOW}`;
      if (relation === 'diverged' && isTip === false) return { move: false, reason };
      return {
        move: false,
        reason: isTip === false ? `${reason}. ${HOW_TO_KNOW}` : reason,
        warning: `Nothing shows whether ${current} is newer than ${held}, so the tag was left. ${HOW_TO_KNOW}`,
      };
    }
  }
}

/** The revision comes from an untrusted image: shown only if it looks like a commit. */
function commitName(revision: string): string {
  return /^[0-9a-f]{7,64}$/i.test(revision) ? revision.slice(0, 7) : 'a revision that is no commit id';
}
