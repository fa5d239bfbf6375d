import compare from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';
import { toTag } from './grammar.ts';
import { pep440Versions } from './rule-libraries.ts';

export type Scheme = 'semver' | 'pep440';

/** A full version, read by its scheme. */
export interface Version {
  readonly scheme: Scheme;
  /** Without a leading `v` and without build metadata. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  /** `post`: a post-release of PEP 440, which has no tags of its own but its full name. */
  readonly stage: 'final' | 'pre' | 'post';
  /** First word of a pre-release: `beta`, `rc`. */
  readonly channel?: string;
}

/**
 * Reads a full version. Semver is read loosely, which allows a leading `v` and, for calendar versions, leading zeros:
 * `2024.05.01` is a version, `2024.05` is none.
 * @returns undefined for what is none
 */
export function readVersion(text: string, scheme: Scheme): Version | undefined {
  return scheme === 'semver' ? readSemver(text) : readPep440(text);
}

/** Negative when `a` is the lower one. Both are of the same scheme. */
export function compareVersions(a: Version, b: Version): number {
  return a.scheme === 'semver' ? compare(a.text, b.text) : pep440Versions().comparePep440(a.text, b.text);
}

/** A version of three numbers (semver, also loosely, as calendar versions are) or of four, with any suffix: `1.2.3_alpine`, `5.4.0.Final`. */
export function isFullVersion(name: string): boolean {
  const tag = toTag(name)?.tag ?? '';
  return (
    readVersion(tag, 'semver') !== undefined ||
    /^v?\d+(?:\.\d+){2,3}(?:[-_][A-Za-z0-9._-]*|\.[A-Za-z][A-Za-z0-9._-]*)?$/i.test(tag)
  );
}

function readSemver(text: string): Version | undefined {
  const found = parse(text, { loose: true });
  if (found === null) return undefined;
  const [channel] = found.prerelease;
  return {
    scheme: 'semver',
    text: found.version,
    major: found.major,
    minor: found.minor,
    stage: channel === undefined ? 'final' : 'pre',
    ...(channel === undefined ? {} : { channel: String(channel) }),
  };
}

function readPep440(text: string): Version | undefined {
  const found = pep440Versions().readPep440(text);
  if (found === undefined) return undefined;
  const { release, ...version } = found;
  const [major = 0, minor = 0] = release;
  return { scheme: 'pep440', ...version, major, minor };
}
