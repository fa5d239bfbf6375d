import compare from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';
import { toTag } from './grammar.ts';
import { pep440Versions } from './rule-libraries.ts';

export type Scheme = 'semver' | 'pep440';

/** A full version, parsed by its scheme. */
export interface Version {
  readonly scheme: Scheme;
  /** Without a leading `v` and without build metadata. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  /** `post`: a PEP 440 post-release, which has no tag besides its full name. */
  readonly stage: 'final' | 'pre' | 'post';
  /** First word of a pre-release: `beta`, `rc`. */
  readonly channel?: string;
}

/**
 * Reads a full version. Semver is parsed loosely, which allows a leading `v` and, for calendar versions, leading zeros:
 * `2024.05.01` is a version, `2024.05` is not.
 * @returns undefined when it is not a version
 */
export function readVersion(text: string, scheme: Scheme): Version | undefined {
  return scheme === 'semver' ? readSemver(text) : readPep440(text);
}

/** Negative when `a` is lower. Both must use the same scheme. */
export function compareVersions(a: Version, b: Version): number {
  return a.scheme === 'semver' ? compare(a.text, b.text) : pep440Versions().comparePep440(a.text, b.text);
}

/**
 * A version with three numbers (semver, also loose, such as calendar versions) or four, with any suffix:
 * `1.2.3_alpine`, `5.4.0.Final`.
 */
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
