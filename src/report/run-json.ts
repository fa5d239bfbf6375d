import type { Finding } from '../domain/gate/finding.ts';
import type { GateResult } from '../domain/gate/policy.ts';

/** The version of the `json` output: raised when a field is renamed or removed, not when one is added. */
export const JSON_VERSION = 1;

/** A finding without what is only for comparing it. */
function findingJson({ context: _context, ...finding }: Finding): Finding {
  return finding;
}

/** The scan for programs, of a publish and of a promotion. */
export function gateJson({ passed, counts, gated, suppressed, notes, comparison }: GateResult) {
  return {
    passed,
    counts,
    gated: gated.map(findingJson),
    suppressed: suppressed.map(({ finding, ...rest }) => ({ finding: findingJson(finding), ...rest })),
    ...(comparison === undefined ? {} : { baseline: { ...comparison, fixed: comparison.fixed.map(findingJson) } }),
    notes,
  };
}
