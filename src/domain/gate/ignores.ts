import picomatch from 'picomatch/posix.js';
import { normalPlatform } from '../platform.ts';
import type { Finding, FindingClass } from './finding.ts';
import { fromRoot } from './glob.ts';
import { parsePurl, purlMatches } from './purl.ts';

/** An accepted finding with an expiry date. */
export interface IgnoreEntry {
  readonly id: string;
  readonly reason: string;
  /** The last day of validity, `YYYY-MM-DD`, until its end in UTC. */
  readonly lastDay: string;
  readonly class?: FindingClass | undefined;
  /** Name of the package. */
  readonly package?: string | undefined;
  /** Globs of files in the image, any of which must match. */
  readonly paths: readonly string[];
  /** Package URLs, any of which must match. */
  readonly purls: readonly string[];
  readonly platform?: string | undefined;
  /** Its position, for messages. */
  readonly file: string;
  readonly line: number;
}

/** `.security/accepted.yaml:12`. */
export function placeOf(entry: IgnoreEntry): string {
  return `${entry.file}:${entry.line}`;
}

/** @param today `YYYY-MM-DD` in UTC */
export function hasEnded(entry: IgnoreEntry, today: string): boolean {
  return entry.lastDay < today;
}

/** Whole days left after today; 0 on the last day. */
export function daysLeft(entry: IgnoreEntry, today: string): number {
  return Math.round((Date.parse(`${entry.lastDay}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / 86_400_000);
}

/**
 * Whether an entry matches a finding, expired or not. Everything that the entry names must be present: an entry with a
 * path does not match a finding without one.
 */
export function ignoreMatches(entry: IgnoreEntry, finding: Finding): boolean {
  return (
    isAbout(entry, finding) &&
    (entry.class === undefined || entry.class === finding.class) &&
    (entry.package === undefined || entry.package === finding.package?.name) &&
    (entry.platform === undefined || normalPlatform(entry.platform) === normalPlatform(finding.platform)) &&
    (entry.paths.length === 0 || entry.paths.some((glob) => globMatches(glob, finding.path))) &&
    (entry.purls.length === 0 || entry.purls.some((purl) => isPackage(purl, finding.package?.purl)))
  );
}

/** Whether an entry has the id of a finding; ids are compared without case. */
export function isAbout({ id }: IgnoreEntry, finding: Finding): boolean {
  const ids = finding.class === 'misconfiguration' ? [finding.id, ...(finding.aliases ?? [])] : [finding.id];
  return ids.some((each) => each.toUpperCase() === id.toUpperCase());
}

function globMatches(glob: string, path: string | undefined): boolean {
  return path !== undefined && picomatch.isMatch(path, fromRoot(glob), { dot: true });
}

function isPackage(pattern: string, purl: string | undefined): boolean {
  const parsed = parsePurl(pattern);
  return parsed !== undefined && purlMatches(parsed, parsePurl(purl));
}
