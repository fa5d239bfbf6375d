import type { CleanupPolicy } from '../retention/policy.ts';
import { quoted } from '../suggestion.ts';
import type { Given, RepositorySettings, Retention, RetentionFile } from './desired-state.ts';
import { PRINCIPALS, type Principal, type PrincipalGroup, type PrincipalKind } from './principal.ts';
import type { Mistake } from './setting.ts';

interface Context {
  /** Key of the registry. */
  readonly key: string;
  readonly traits: { readonly principals: readonly PrincipalKind[] };
  readonly policies: ReadonlyMap<string, CleanupPolicy>;
  readonly mistakes: Mistake[];
}

/** Settings as one registry understands them: principals that it knows, and the policy instead of its path. */
export function groupsToPrincipals(
  settings: RepositorySettings<readonly PrincipalGroup[], RetentionFile>,
  context: Context,
): RepositorySettings<readonly Principal[], Retention> {
  const { pull, push, admin, retention, ...others } = settings;
  return {
    ...others,
    ...(pull === undefined ? {} : { pull: known(pull, context) }),
    ...(push === undefined ? {} : { push: known(push, context) }),
    ...(admin === undefined ? {} : { admin: known(admin, context) }),
    ...(retention === undefined ? {} : { retention: readPolicy(retention, context) }),
  };
}

/** A group without members at this registry grants nothing there, silently. */
function known(
  { value, line }: Given<readonly PrincipalGroup[] | null>,
  { key, traits, mistakes }: Context,
): Given<readonly Principal[] | null> {
  if (value === null) return { value, line };
  const members = value.flatMap((group) => {
    const own = group.members.filter(({ kind }) => traits.principals.includes(kind));
    if (own.length === 0 && traits.principals.length > 0) {
      const expected = traits.principals.map((kind) => PRINCIPALS[kind]).join(', ');
      const message = `${quoted(group.name)} has no principal for \`${key}\`: expected ${expected}`;
      if (!mistakes.some((each) => each.line === group.line && each.message === message))
        mistakes.push({ severity: 'error', line: group.line, message });
    }
    return traits.principals.length === 0 ? group.members : own;
  });
  const seen = new Set<string>();
  return {
    line,
    value: members.filter(({ kind, id }) => {
      const name = `${kind} ${id}`;
      return !seen.has(name) && seen.add(name);
    }),
  };
}

function readPolicy(
  { value, line }: Given<RetentionFile | null>,
  { policies, mistakes }: Context,
): Given<Retention | null> {
  if (value === null) return { value, line };
  const policy = policies.get(value.from);
  if (policy !== undefined) return { line, value: { ...value, policy } };
  mistakes.push({ severity: 'error', line, message: `the cleanup policy ${quoted(value.from)} was not read` });
  return { line, value: null };
}
