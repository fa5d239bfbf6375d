import type { Finding } from './finding.ts';
import { SEVERITIES } from './severity.ts';

/** One finding with all its platforms and files. */
export interface FindingRow {
  /** One of them, for the common fields. */
  readonly finding: Finding;
  /** Without duplicates, in image order. */
  readonly platforms: readonly string[];
  /** Files with lines, without duplicates; empty for findings without a file, such as a system package. */
  readonly places: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Merges findings that differ only by platform or file into one row, most severe first, then those with a fix, so that
 * a truncated list shows the most important ones.
 */
export function findingRows(findings: readonly Finding[]): readonly FindingRow[] {
  return [...Map.groupBy(findings, keyOf).values()]
    .flatMap((same): readonly FindingRow[] => {
      const [finding] = same;
      if (finding === undefined) return [];
      const places = same.flatMap(({ path, line }) => (path === undefined ? [] : [placeOf(path, line)]));
      return [
        {
          finding,
          platforms: [...new Set(same.map(({ platform }) => platform))],
          places: [...new Set(places)],
          findings: same,
        },
      ];
    })
    .toSorted(
      ({ finding: a }, { finding: b }) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || Number(hasFix(b)) - Number(hasFix(a)),
    );
}

function keyOf({ class: kind, id, severity, package: pkg, path, line, target, remark }: Finding): string {
  const subject = pkg === undefined ? [path ?? target, line] : [pkg.type, pkg.name, pkg.installed, pkg.fixed];
  return JSON.stringify([kind, id, severity, remark, ...subject]);
}

function hasFix({ package: pkg }: Finding): boolean {
  return pkg?.fixed !== undefined;
}

function placeOf(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}:${line}`;
}
