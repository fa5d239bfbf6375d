import type { RepositorySettings } from './desired-state.ts';

/** Later wins: scalars and lists replace, `labels` and the vendor's own fields merge by key, `accept` adds. */
export function mergeSettings<Access, Kept>(
  before: RepositorySettings<Access, Kept>,
  after: RepositorySettings<Access, Kept>,
): RepositorySettings<Access, Kept> {
  const labels = new Map([...(before.labels ?? []), ...(after.labels ?? [])]);
  const blocks = new Set([...before.own.keys(), ...after.own.keys()]);
  return {
    ...before,
    ...after,
    ...(labels.size === 0 ? {} : { labels }),
    accept: [...new Set([...before.accept, ...after.accept])],
    own: new Map(
      [...blocks].map((name) => [name, new Map([...(before.own.get(name) ?? []), ...(after.own.get(name) ?? [])])]),
    ),
  };
}
