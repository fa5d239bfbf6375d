import { daysAfter } from './days.ts';
import type { Finding } from './finding.ts';
import { type FindingRow, findingRows } from './finding-rows.ts';

/** Days for which an offered entry holds. */
const DAYS = 30;
/** Entries that are offered; whoever has more findings should not accept them one by one. */
const MAX_ENTRIES = 100;
/** Files of one entry; an entry for more of them is for the package anywhere. */
const MAX_PATHS = 10;

/**
 * An ignore file for exactly these findings, gravest first: each entry has an empty reason, with which the file is refused
 * until somebody fills it in, and ends 30 days after `today`.
 * @param today `YYYY-MM-DD`
 * @param platforms of the image: an entry for a finding of one of several names it
 * @returns YAML, and how many entries were left out
 */
export function ignoreSkeleton(
  findings: readonly Finding[],
  { today, platforms }: { readonly today: string; readonly platforms: readonly string[] },
): { readonly yaml: string; readonly entries: number; readonly omitted: number } {
  // Versions make no difference to an entry.
  const rows = mergeVersions(findingRows(findings));
  const expires = daysAfter(today, DAYS);
  const shown = rows.slice(0, MAX_ENTRIES);
  const yaml = shown.map((row) => entryOf(row, expires, platforms).join('\n')).join('\n');
  return { yaml, entries: shown.length, omitted: rows.length - shown.length };
}

function mergeVersions(rows: readonly FindingRow[]): readonly FindingRow[] {
  const key = ({ finding }: FindingRow) =>
    JSON.stringify([finding.class, finding.id, finding.package?.name ?? finding.path ?? finding.target]);
  return [...Map.groupBy(rows, key).values()].flatMap((same) => {
    const [first] = same;
    return first === undefined
      ? []
      : {
          ...first,
          platforms: [...new Set(same.flatMap((row) => row.platforms))],
          findings: same.flatMap((row) => row.findings),
        };
  });
}

function entryOf({ finding, findings, platforms }: FindingRow, expires: string, all: readonly string[]): string[] {
  const paths = [...new Set(findings.flatMap(({ path }) => path ?? []))];
  const isInFiles = findings.every(({ path }) => path !== undefined) && paths.length <= MAX_PATHS;
  const [platform] = platforms;
  return [
    ...(finding.class === 'secret' ? ['# A secret: remove it and revoke it, rather than accept it.'] : []),
    `- id: ${quoted(finding.id)}`,
    ...(finding.package === undefined ? [] : [`  package: ${quoted(finding.package.name)}`]),
    ...(isInFiles ? ['  paths:', ...paths.map((path) => `    - ${quoted(literal(path))}`)] : []),
    ...(platform !== undefined && platforms.length === 1 && new Set(all).size > 1
      ? [`  platform: ${quoted(platform)}`]
      : []),
    '  reason: ""',
    `  expires: "${expires}"`,
  ];
}

/** A path as a glob that matches nothing else. */
function literal(path: string): string {
  return path.replaceAll(/[\\*?[\]{}()!+@|^$]/g, (sign) => `\\${sign}`);
}

/** Text of others as YAML: JSON is YAML, and a backtick could end the block that shows it. */
function quoted(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text).replaceAll('`', '\\u0060');
}
