import { COMMIT } from '../domain/commit.ts';
import { type Digest, isDigest } from '../domain/digest.ts';
import type { DeploymentEvidence } from '../domain/promotion/judge.ts';
import type { Deployment, DeploymentStatus, GitHubApi } from '../runtime/runtime.ts';

/** Deployments whose statuses are read: each is a request. */
const LOOKED_INTO = 10;
/** Milliseconds for which a job waits for its reviewers at most: 30 days. https://docs.github.com/actions/reference/limits */
const LONGEST = 30 * 24 * 60 * 60 * 1000;
/** The states that no job changes any more. https://docs.github.com/rest/deployments/statuses */
const ENDED = ['success', 'failure', 'error', 'inactive'];

/**
 * The deployments to the environment of an environment, newest first, at most 10. Undefined without an api, and when GitHub does
 * not tell (`deployments: read`).
 *
 * @param commit when it is known, only deployments of it are looked for
 */
export async function readDeployments(
  api: GitHubApi | undefined,
  environment: string,
  commit: string | undefined,
): Promise<readonly DeploymentEvidence[] | undefined> {
  if (commit !== undefined && !COMMIT.test(commit)) return [];
  const found = await api?.deployments({ environment: environment, ...(commit === undefined ? {} : { sha: commit }) });
  if (api === undefined || found === undefined) return undefined;
  return Promise.all(
    found.slice(0, LOOKED_INTO).map(async (each) => evidenceOf(each, await api.deploymentStatuses(each.id))),
  );
}

/**
 * What statuses say of a deployment. GitHub's own, at the end of a job, name no image; ours do. A job that goes on after
 * its promotion failed may still end well: so the state is `success` only when our last word is that too.
 */
function evidenceOf({ sha }: Deployment, statuses: readonly DeploymentStatus[] | undefined): DeploymentEvidence {
  // Before its first status a deployment is `pending`.
  const newest = statuses === undefined ? 'unknown' : (statuses[0]?.state ?? 'pending');
  const named = (statuses ?? []).flatMap(({ state, description }) => {
    const digest = digestIn(description);
    return digest === undefined ? [] : [{ state, digest }];
  })[0];
  if (named === undefined) return { state: newest, commit: sha };
  return { state: newest === 'success' ? named.state : newest, commit: sha, digest: named.digest };
}

function digestIn(description: string): Digest | undefined {
  const found = /\b(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})(?!\w)/.exec(description)?.[0];
  return isDigest(found) ? found : undefined;
}

export interface Told {
  /** Name of the environment, which is the name of the environment. */
  readonly environment: string;
  /** The commit that the workflow runs on: what GitHub made the deployment of. */
  readonly sha: string;
  readonly digest: Digest;
  /** Where the image came from: `ghcr.io/org/app:staging`. */
  readonly from: string;
  readonly runUrl: string;
  /**
   * `success` as soon as the tag has moved, though the job goes on: the environment holds the image from then on, and nothing
   * of ours would ever end an `in_progress`. At the end of the job GitHub adds its own state, which then is the last: a
   * dry run (`inactive`), and a refusal (`failure`) that the job goes on after, would else be a deployment that went well.
   */
  readonly state: 'success' | 'failure' | 'inactive';
  /** Time by the clock of the runtime. */
  readonly now: Date;
}

/**
 * Names the image at the deployment that GitHub makes for a job with `environment:`: a status that begins with the
 * digest. Nothing of a promotion depends on it, so nothing is thrown.
 *
 * @returns `none`: there is no deployment of a job that is running; `refused`: GitHub does not let it be seen or told,
 * which takes `deployments: write`
 */
export async function tellDeployment(api: GitHubApi, told: Told): Promise<'told' | 'none' | 'refused'> {
  const { environment, sha, digest, from, runUrl, state, now } = told;
  const deployments = await api.deployments({ environment, sha });
  if (deployments === undefined) return 'refused';
  const newest = deployments[0];
  if (newest === undefined || !(now.getTime() - newest.createdAt.getTime() <= LONGEST)) return 'none';
  const statuses = await api.deploymentStatuses(newest.id);
  if (statuses === undefined) return 'refused';
  // GitHub has the last word at the end of a job: a state that is final and not ours is that of another job, whose
  // deployment is not to be told of. One that names an image is ours, of an earlier step of a job that still runs; what
  // that step has deployed stays deployed, whatever is only planned or refused after it.
  const last = statuses[0];
  const isOurs = last !== undefined && digestIn(last.description) !== undefined;
  if (last !== undefined && ENDED.includes(last.state) && !(isOurs && state === 'success')) return 'none';
  const description = `${digest} from ${from}`;
  return (await api.setDeploymentStatus(newest.id, { state, description, logUrl: runUrl })) ? 'told' : 'refused';
}
