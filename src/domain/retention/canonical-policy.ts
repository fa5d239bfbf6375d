import { canonicalJson } from '../canonical-json.ts';
import type { CleanupPolicy } from './policy.ts';

/**
 * What a policy says, as one text: comments, spaces and the order of keys do not count, and neither do lines of the file.
 * A plan carries its digest, so that apply refuses the plan of another policy.
 */
export function canonicalPolicy(policy: CleanupPolicy): string {
  const repositories = policy.repositories.map((entry) => ({
    ...entry,
    rules: entry.rules.map((rule) => ({ ...rule, line: 0 })),
  }));
  return canonicalJson({ ...policy, repositories });
}
