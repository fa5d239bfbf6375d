import semverCompare from 'semver/functions/compare.js';
import semverValid from 'semver/functions/valid.js';
import type { Digest } from '../../domain/digest.ts';
import type { ImageName } from '../../domain/reference.ts';
import {
  type CommitRelation,
  type DriftReport,
  type EnvironmentState,
  environmentDrift,
  replicaDrift,
} from '../../domain/report/drift.ts';
import { type OpenTarget, openTargets } from '../../run/inventory/open-targets.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { createHistory, type History } from '../../tools/commits/history.ts';
import { openEvidence, readEnvironmentState } from './environment-state.ts';
import type { EnvironmentReference } from './environments.ts';
import type { ReportInputs } from './inputs.ts';

/** An environment in one repository. */
interface Placed {
  readonly environment: EnvironmentReference;
  readonly target: OpenTarget;
}

/**
 * Reads what the environments run, and compares them. A chain of environments per image; environments in repositories of their own are
 * in every chain.
 * @param promoted images of each repository, by its full name, that have promotion records
 */
export async function readDrift(
  runtime: Runtime,
  inputs: ReportInputs,
  known: readonly OpenTarget[],
  promoted: ReadonlyMap<string, readonly Digest[]>,
): Promise<{ readonly environments: readonly EnvironmentState[]; readonly drift: DriftReport }> {
  const { registries, images, environments } = inputs;
  const others = environments.flatMap(({ image }) =>
    image === undefined || known.some(({ name }) => name.name === image.name) ? [] : [image],
  );
  const opened = [...known, ...(await openTargets(runtime, registries, uniqueNames(others), 'pull'))];
  const targetOf = (image: ImageName) => opened.find(({ name }) => name.name === image.name);
  const hasOwn = environments.some(({ image }) => image === undefined);
  const chains = (hasOwn ? images : images.slice(0, 1)).map((image) =>
    environments.flatMap((environment): readonly Placed[] => {
      const target = targetOf(environment.image ?? image);
      return target === undefined ? [] : [{ environment, target }];
    }),
  );
  const evidence = openEvidence(runtime, inputs);
  const states = new Map<string, EnvironmentState>();
  for (const { environment, target } of chains.flat()) {
    const key = keyOf(environment, target);
    if (!states.has(key))
      states.set(key, await readEnvironmentState(environment, target, evidence, promoted.get(target.name.name) ?? []));
  }
  const stateOf = ({ environment, target }: Placed) => states.get(keyOf(environment, target));
  const lists = chains.map((chain) => chain.flatMap((placed) => stateOf(placed) ?? []));
  const relate = await relations(createHistory(runtime, gitHub(runtime, registries.githubToken), false), lists);
  const reports = lists.map((list, at) =>
    environmentDrift(
      (hasOwn ? images[at] : undefined)?.name ?? (list[0]?.reference ?? '').replace(/:[^:/]*$/, ''),
      list,
      relate,
      compareVersions,
    ),
  );
  const replicas = replicaGroups(images).flatMap(({ name, members }) =>
    environments
      .filter(({ image }) => image === undefined)
      .map((environment) =>
        replicaDrift(
          `${name}:${environment.tag}`,
          members.flatMap((image) => {
            const target = targetOf(image);
            return target === undefined ? [] : (stateOf({ environment, target }) ?? []);
          }),
        ),
      ),
  );
  const all = [...reports, ...replicas];
  return {
    environments: [...states.values()],
    drift: { drifts: all.flatMap(({ drifts }) => drifts), checks: all.flatMap(({ checks }) => checks) },
  };
}

const keyOf = ({ name, tag }: EnvironmentReference, { name: image }: OpenTarget) =>
  JSON.stringify([name, image.name, tag]);

const uniqueNames = (names: readonly ImageName[]) => [...new Map(names.map((each) => [each.name, each])).values()];

/** Repositories with the same path at different registries. */
function replicaGroups(images: readonly ImageName[]) {
  return [...Map.groupBy(images, ({ repository }) => repository)]
    .filter(([, members]) => members.length > 1)
    .map(([name, members]) => ({ name, members }));
}

/** How the commits of neighbouring environments relate, by the clone in the workspace or by GitHub; each pair once. */
async function relations(
  commits: History,
  lists: readonly (readonly EnvironmentState[])[],
): Promise<(earlier: string, later: string) => CommitRelation | undefined> {
  const found = new Map<string, CommitRelation>();
  for (const list of lists) {
    const present = list.filter(({ state }) => state === 'present');
    for (const [at, later] of present.entries()) {
      const [from, to] = [present[at - 1]?.revision, later.revision];
      if (from === undefined || to === undefined || from === to || found.has(`${from} ${to}`)) continue;
      const relation = await commits.relation(from, to);
      if (relation !== 'unknown' && relation !== 'same') found.set(`${from} ${to}`, relation);
    }
  }
  return (earlier, later) => found.get(`${earlier} ${later}`);
}

function compareVersions(a: string, b: string): number | undefined {
  const [first, second] = [semverValid(a), semverValid(b)];
  return first === null || second === null ? undefined : semverCompare(first, second);
}

/** GitHub's API for the repository of the workflow; undefined without a token or outside of a job. */
function gitHub({ env, github }: Runtime, token: string | undefined): GitHubApi | undefined {
  const [owner = '', name = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
  if (token === undefined || owner === '' || name === '') return undefined;
  return github(token, { apiUrl: env.GITHUB_API_URL ?? 'https://api.github.com', owner, name });
}
