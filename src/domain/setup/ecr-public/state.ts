import type { DesiredRegistry } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Setting } from '../setting.ts';
import { type EcrPublicLive, type EcrPublicRequest, planEcrPublic } from './plan.ts';

/** What an account of Amazon ECR Public has once the file is applied. */
export interface EcrPublicState {
  readonly kind: 'ecr-public';
  readonly repositories: readonly EcrPublicRepositoryState[];
  /** As it was read, before anything is applied. */
  readonly live: EcrPublicLive;
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

interface EcrPublicRepositoryState {
  readonly name: string;
  readonly line: number;
  readonly exists: boolean;
  /** Texts of the gallery, by the names of the API. */
  readonly catalog: Readonly<Record<string, Json>>;
  /** Undefined: those of a repository that exists could not be read. */
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** The text; its value is null where there is to be none. */
  readonly policy: { readonly value: string | null; readonly exists: boolean };
}

/** Applies the plan to what was read. Pure. */
export function ecrPublicState(desired: DesiredRegistry, live: EcrPublicLive): EcrPublicState {
  const { settings, steps } = planEcrPublic(desired, live);
  const repositories = desired.repositories.flatMap(({ name, line, creates }): readonly EcrPublicRepositoryState[] => {
    const present = live.repositories.get(name);
    if (present === undefined && !creates) return [];
    const own = steps.flatMap(({ subject, request }) => (subject === name ? [request] : []));
    const before = present?.policy?.ok === true ? present.policy.value : null;
    const written = own.find((each) => each.operation === 'SetRepositoryPolicy');
    return [
      {
        name,
        line,
        exists: present !== undefined,
        catalog: { ...(present?.catalog?.ok === true ? present.catalog.value : {}), ...catalogOf(own) },
        tags: present?.tags?.ok === false ? undefined : tagsOf(present?.tags?.value ?? {}, own),
        policy: { value: written === undefined ? before : written.input.policyText, exists: before !== null },
      },
    ];
  });
  return { kind: 'ecr-public', repositories, live, settings };
}

function catalogOf(requests: readonly EcrPublicRequest[]): Readonly<Record<string, Json>> {
  const data = requests.flatMap((each) =>
    each.operation === 'CreateRepository' || each.operation === 'PutRepositoryCatalogData'
      ? Object.entries(each.input.catalogData ?? {})
      : [],
  );
  return Object.fromEntries(
    data.flatMap(([name, value]): readonly (readonly [string, Json])[] =>
      typeof value === 'string' ? [[name, value]] : Array.isArray(value) ? [[name, value.map(String)]] : [],
    ),
  );
}

function tagsOf(
  before: Readonly<Record<string, string>>,
  requests: readonly EcrPublicRequest[],
): Readonly<Record<string, string>> {
  const set = requests.flatMap((each) =>
    each.operation === 'CreateRepository' || each.operation === 'TagResource' ? (each.input.tags ?? []) : [],
  );
  const removed = new Set(
    requests.flatMap((each) => (each.operation === 'UntagResource' ? (each.input.tagKeys ?? []) : [])),
  );
  const after = { ...before, ...Object.fromEntries(set.map(({ Key = '', Value = '' }) => [Key, Value])) };
  // Tags that begin so are written by AWS itself.
  return Object.fromEntries(
    Object.entries(after)
      .filter(([key]) => !removed.has(key) && !key.startsWith('aws:'))
      .sort(),
  );
}
