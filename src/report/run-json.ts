import type { Finding } from '../domain/gate/finding.ts';
import type { GateResult } from '../domain/gate/policy.ts';
import type { ActionError } from '../errors/action-error.ts';
import { errorFacts } from './errors.ts';
import type { FindingJson, GateJson } from './json-schema.ts';

/** The first fields of every command's `json`. */
export function commonJson<C extends string>(
  command: C,
  result: {
    readonly outcome: string;
    readonly errors: readonly ActionError[];
    readonly warnings: readonly string[];
  },
) {
  const { outcome, errors, warnings } = result;
  return { schemaVersion: 1 as const, command, outcome, errors: errors.map(errorFacts), warnings };
}

/** A finding without fields for comparisons only. */
function findingJson({ context: _context, ...finding }: Finding): FindingJson {
  return finding;
}

/** The gate in the `json` output of publish and promote. */
export function gateJson(mode: GateJson['mode'], result: GateResult | undefined): GateJson {
  if (result === undefined) return { mode };
  const { passed, counts, gated, suppressed, notes, comparison, platforms } = result;
  const earlier = platforms.flatMap(({ platform, scannedAt }) =>
    scannedAt === undefined ? [] : [[platform, scannedAt]],
  );
  return {
    mode,
    passed,
    counts,
    gated: gated.map(findingJson),
    suppressed: suppressed.map(({ finding, ...rest }) => ({ finding: findingJson(finding), ...rest })),
    ...(comparison === undefined ? {} : { baseline: { ...comparison, fixed: comparison.fixed.map(findingJson) } }),
    notes,
    ...(earlier.length === 0 ? {} : { scannedAt: Object.fromEntries(earlier) }),
  };
}
