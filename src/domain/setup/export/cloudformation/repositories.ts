import type { DesiredRegistry } from '../../desired-state.ts';
import type { Properties, Resources } from './resource.ts';

/** Repositories of one vendor: what there is, what there is once the plan is applied, and how one becomes a resource. */
interface RepositorySource<Repository> {
  readonly type: string;
  readonly desired: DesiredRegistry;
  readonly live: ReadonlyMap<string, Repository>;
  readonly planned: ReadonlyMap<string, Repository>;
  /** Why one cannot be in a template, a sentence. */
  readonly obstacle: (repository: Repository) => string | undefined;
  readonly properties: (name: string, repository: Repository) => Properties;
}

const AFTERWARDS = 'Change that, and export again; until then apply it with `command: setup`.';

/** A resource for each repository that exists or is to be made. */
export function repositoryResources<Repository>(source: RepositorySource<Repository>): Resources {
  const { type, desired, live, planned, obstacle, properties } = source;
  const parts = desired.repositories.map(({ name, line }): Resources => {
    const after = planned.get(name);
    if (after === undefined) return { resources: [], leftOut: [] };
    const before = live.get(name);
    const reason = obstacle(after) ?? (before === undefined ? undefined : obstacle(before));
    if (reason !== undefined) return { resources: [], leftOut: [{ what: name, reason, instead: AFTERWARDS }] };
    const resource = {
      type,
      name,
      about: `${name} on ${desired.key}`,
      line,
      properties: properties(name, after),
      present: before === undefined ? undefined : properties(name, before),
      identifier: { RepositoryName: name },
    };
    return { resources: [resource], leftOut: [] };
  });
  return together(parts);
}

export function together(parts: readonly Resources[]): Resources {
  return {
    resources: parts.flatMap(({ resources }) => resources),
    leftOut: parts.flatMap(({ leftOut }) => leftOut),
  };
}
