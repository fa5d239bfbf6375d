import { isFields } from '../../../domain/fields.ts';
import type { DesiredRegistry, DesiredRepository, Given } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { didYouMean } from '../../../domain/suggestion.ts';
import type { Mode, Upstream } from './desired.ts';

type Settings = Pick<DesiredRepository['settings'], 'own'>;

/** Fields of `google:`, by their name in the API, and what they take. */
const FIELDS = {
  mode: {
    isRight: (value: Json) => value === 'STANDARD_REPOSITORY' || value === 'VIRTUAL_REPOSITORY',
    takes: '`STANDARD_REPOSITORY` or `VIRTUAL_REPOSITORY` (a remote repository is an entry of `cache`)',
  },
  virtualRepositoryConfig: {
    isRight: (value: Json) => upstreamsOf(value) !== undefined,
    takes: '`{upstreamPolicies: [{id: hub, repository: hub, priority: 10}]}`',
  },
  cleanupPolicyDryRun: { isRight: (value: Json) => typeof value === 'boolean', takes: '`true` or `false`' },
} as const;

/** Fields with a key of their own, so that one thing is said in one place. */
const TAKEN: Readonly<Record<string, string>> = {
  dockerConfig: 'immutable',
  cleanupPolicies: 'retention',
  vulnerabilityScanningConfig: 'scan',
  kmsKeyName: 'key',
  labels: 'labels',
  description: 'description',
  remoteRepositoryConfig: 'cache',
};

interface Own {
  readonly mode?: Mode;
  readonly virtual?: Given<readonly Upstream[]>;
  readonly isCleanupDryRun?: Given<boolean>;
}

/** The fields of a repository that the file sets by Google's own names. */
export function ownOf(settings: Settings): Own {
  const block = settings.own.get('google');
  const virtual = block?.get('virtualRepositoryConfig');
  const upstreams = virtual === undefined ? undefined : upstreamsOf(virtual.value);
  const dryRun = block?.get('cleanupPolicyDryRun');
  const isVirtual = block?.get('mode')?.value === 'VIRTUAL_REPOSITORY' || upstreams !== undefined;
  return {
    ...(isVirtual ? { mode: 'VIRTUAL_REPOSITORY' } : {}),
    ...(virtual === undefined || upstreams === undefined ? {} : { virtual: { value: upstreams, line: virtual.line } }),
    ...(dryRun === undefined ? {} : { isCleanupDryRun: { value: dryRun.value === true, line: dryRun.line } }),
  };
}

function upstreamsOf(value: Json): readonly Upstream[] | undefined {
  const policies =
    isFields(value) && Object.keys(value).join() === 'upstreamPolicies' ? value.upstreamPolicies : undefined;
  if (!Array.isArray(policies) || policies.length === 0) return undefined;
  const upstreams: Upstream[] = [];
  for (const policy of policies) {
    const { id, repository, priority, ...others } = isFields(policy) ? policy : {};
    if (typeof id !== 'string' || typeof repository !== 'string' || Object.keys(others).length > 0) return undefined;
    if (typeof priority !== 'number' || !Number.isInteger(priority)) return undefined;
    upstreams.push({ id, repository, priority });
  }
  return upstreams;
}

/** What is wrong with fields of `google:`. */
export function ownMistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const inRegistry = [...(desired.own.get('google') ?? [])].map(([field, { line }]) =>
    error(
      line,
      `\`google.${field}\`: fields of Google belong to repositories. Move it to an entry of \`repositories\`.`,
    ),
  );
  const inRepositories = desired.repositories.flatMap(({ settings }) =>
    [...(settings.own.get('google') ?? [])].flatMap(([field, { value, line }]) => {
      const instead = TAKEN[field];
      if (instead !== undefined)
        return [error(line, `\`google.${field}\` has a key of its own: write \`${instead}\`.`)];
      const row = isKnown(field) ? FIELDS[field] : undefined;
      if (row === undefined) {
        const known = Object.keys(FIELDS);
        return [
          error(
            line,
            `\`google.${field}\` is not supported here: expected ${known.map((each) => `\`${each}\``).join(', ')}.${didYouMean(field, known)}`,
          ),
        ];
      }
      return row.isRight(value) ? [] : [error(line, `\`google.${field}\` takes ${row.takes}.`)];
    }),
  );
  return [...inRegistry, ...inRepositories];
}

function isKnown(field: string): field is keyof typeof FIELDS {
  return Object.hasOwn(FIELDS, field);
}
