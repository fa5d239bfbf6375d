import type { Finding } from './finding.ts';
import { SEVERITIES } from './severity.ts';

/** One finding with all the platforms and files where it is. */
export interface FindingRow {
  /** One of them, for what all have in common. */
  readonly finding: Finding;
  /** Each once, in the order of the image. */
  readonly platforms: readonly string[];
  /** Files with lines, each once; empty when it is in none, such as a package of the system. */
  readonly places: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Findings that differ only by platform or file as one row, the gravest first, of equal ones those that have a fix: what is
 * shown of a long list is then as much as possible.
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
