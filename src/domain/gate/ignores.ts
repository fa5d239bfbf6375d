import picomatch from 'picomatch/posix.js';
import { normalPlatform } from '../platform.ts';
import type { Finding, FindingClass } from './finding.ts';
import { fromRoot } from './glob.ts';
import { parsePurl, purlMatches } from './purl.ts';

/** A finding that somebody has accepted, until a day. */
export interface IgnoreEntry {
  readonly id: string;
  readonly reason: string;
  /** The last day on which it holds, `YYYY-MM-DD`, to its end in UTC. */
  readonly lastDay: string;
  readonly class?: FindingClass | undefined;
  /** Name of the package. */
  readonly package?: string | undefined;
  /** Globs of files in the image; any of them. */
  readonly paths: readonly string[];
  /** Package URLs; any of them. */
  readonly purls: readonly string[];
  readonly platform?: string | undefined;
  /** Where it stands, for messages. */
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
 * Whether an entry speaks of a finding, ended or not. What the entry names must be there: an entry for a path does not
 * match a finding that has none.
 */
export function ignoreMatches(entry: IgnoreEntry, finding: Finding): boolean {
  const ids = finding.class === 'misconfiguration' ? [finding.id, ...(finding.aliases ?? [])] : [finding.id];
  return (
    ids.includes(entry.id) &&
    (entry.class === undefined || entry.class === finding.class) &&
    (entry.package === undefined || entry.package === finding.package?.name) &&
    (entry.platform === undefined || normalPlatform(entry.platform) === normalPlatform(finding.platform)) &&
    (entry.paths.length === 0 || entry.paths.some((glob) => globMatches(glob, finding.path))) &&
    (entry.purls.length === 0 || entry.purls.some((purl) => isPackage(purl, finding.package?.purl)))
  );
}

function globMatches(glob: string, path: string | undefined): boolean {
  return path !== undefined && picomatch.isMatch(path, fromRoot(glob), { dot: true });
}

function isPackage(pattern: string, purl: string | undefined): boolean {
  const parsed = parsePurl(pattern);
  return parsed !== undefined && purlMatches(parsed, parsePurl(purl));
}
