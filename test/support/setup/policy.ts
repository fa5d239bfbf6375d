import { parsePolicy } from '../../../src/domain/retention/read-policy.ts';
import type { Retention } from '../../../src/domain/setup/desired-state.ts';

/** A cleanup policy as the desired state refers to it. */
export function retentionOf(text: string, replace = false): Retention {
  const read = parsePolicy(text, 'cleanup.yml');
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return { from: 'cleanup.yml', replace, policy: read.value };
}
