import type { NativePolicy, NativeRule } from '../../domain/retention/native/native.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../../domain/retention/policy.ts';
import { entriesFor } from '../../domain/retention/repository-match.ts';
import type { Retention } from '../../domain/setup/desired-state.ts';
import type { Change } from './change.ts';

/** What of a cleanup policy a registry can do itself. */
export interface CompiledRetention<T> {
  /** By what it is for; absent: nothing can be expressed. */
  readonly documents: readonly { readonly names: readonly string[]; readonly document: T }[];
  readonly problems: readonly Change<never>[];
}

/**
 * Compiles the entry of a cleanup policy for every repository; those with the same entry are compiled once. A rule that the
 * registry would apply to more than this action does is left out, and said.
 * @param names of repositories in full, with the host
 */
export function compileRetention<T>(
  { value: { policy, from }, line }: { readonly value: Retention; readonly line: number },
  names: readonly string[],
  compile: (policy: CleanupPolicy, own: RepositoryPolicy, names: readonly string[]) => NativePolicy<T>,
): CompiledRetention<T> {
  const groups = new Map<RepositoryPolicy, string[]>();
  const problems: Change<never>[] = [];
  const lacks = (reason: string, name = 'retention') => problems.push({ action: 'unsupported', name, reason, line });
  for (const name of names) {
    const [own, ...others] = entriesFor(policy, name);
    if (own === undefined) lacks(`No entry of ${from} matches ${name}: add one, or write \`retention: none\`.`);
    else if (others.length > 0)
      lacks(`${others.length + 1} entries of ${from} match ${name}: one repository has one entry.`);
    else groups.set(own, [...(groups.get(own) ?? []), name]);
  }
  const documents = [...groups].flatMap(([own, group]) => {
    const { document, rules } = compile(policy, own, group);
    for (const rule of rules.filter(isImpossible)) lacks(impossibleWords(rule, from), `retention.${rule.rule}`);
    return document === undefined ? [] : [{ names: group, document }];
  });
  return { documents, problems };
}

const isImpossible = ({ fit }: NativeRule) => fit === 'impossible';

function impossibleWords({ rule, reason }: NativeRule, from: string): string {
  return `The registry cannot do "${rule}" of ${from} itself: ${reason}. Run it with \`command: cleanup\`.`;
}
