import type { DesiredRegistry } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Setting } from '../setting.ts';
import { type EcrPublicLive, planEcrPublic } from './plan.ts';
import { plannedPublicState } from './planned-state.ts';

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
  const requests = steps.map(({ request }) => request);
  const planned = plannedPublicState(live, requests, '');
  const repositories = desired.repositories.flatMap(({ name, line, creates }): readonly EcrPublicRepositoryState[] => {
    const before = live.repositories.get(name);
    if (before === undefined && !creates) return [];
    const { catalog, tags, policy } = planned.repositories.get(name) ?? {};
    return [
      {
        name,
        line,
        exists: before !== undefined,
        catalog: catalog?.ok === true ? catalog.value : {},
        tags: tags?.ok === false ? undefined : ownTags(tags?.value ?? {}),
        policy: {
          value: policy?.ok === true ? policy.value : null,
          exists: before?.policy?.ok === true && before.policy.value !== null,
        },
      },
    ];
  });
  return { kind: 'ecr-public', repositories, live, settings };
}

/** Tags that begin with `aws:` are written by AWS itself. */
function ownTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(tags)
      .filter(([key]) => !key.startsWith('aws:'))
      .sort(),
  );
}
