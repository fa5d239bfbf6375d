import { daysAfter } from './days.ts';
import type { Finding } from './finding.ts';
import { type FindingRow, findingRows } from './finding-rows.ts';

/** Validity of a suggested entry in days. */
const VALID_DAYS = 30;
/** Maximum suggested entries; more findings should not be accepted one by one. */
const MAX_ENTRIES = 100;
/** Maximum files per entry; an entry with more covers the package anywhere. */
const MAX_PATHS = 10;

/**
 * An ignore file for exactly these findings, most severe first. Each entry has an empty reason, which is rejected until
 * it is filled in, and expires 30 days after `today`.
 * @param today `YYYY-MM-DD`
 * @param platforms of the image: in a multi-platform image each entry names its platform
 * @returns YAML, and the number of entries left out
 */
export function ignoreSkeleton(
  findings: readonly Finding[],
  { today, platforms }: { readonly today: string; readonly platforms: readonly string[] },
): { readonly yaml: string; readonly entries: number; readonly omitted: number } {
  // Entries do not depend on versions.
  const rows = mergeVersions(findingRows(findings));
  const expires = daysAfter(today, VALID_DAYS);
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

/** A glob that matches only this path. */
function literal(path: string): string {
  return path.replaceAll(/[\\*?[\]{}()!+@|^$]/g, (sign) => `\\${sign}`);
}

/** Untrusted text as YAML: JSON is YAML, and a backtick could end the Markdown block around it. */
function quoted(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text).replaceAll('`', '\\u0060');
}
