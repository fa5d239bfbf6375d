import { COMMIT } from '../domain/commit.ts';
import { type Digest, isDigest } from '../domain/digest.ts';
import type { DeploymentEvidence } from '../domain/promotion/judge.ts';
import type { Deployment, DeploymentStatus, GitHubApi } from '../runtime/runtime.ts';

/** Deployments whose statuses are read, one request each. */
export const MAX_DEPLOYMENTS = 10;
/** The longest that a job waits for its reviewers: 30 days. https://docs.github.com/actions/reference/limits */
const MAX_WAIT_MS = 30 * 24 * 60 * 60 * 1000;
/** Final states of a deployment. https://docs.github.com/rest/deployments/statuses */
const FINAL_STATES = ['success', 'failure', 'error', 'inactive'];

/**
 * Deployments to an environment, newest first, at most 10. Undefined without an API, and when GitHub does not return
 * them (`deployments: read`).
 *
 * @param commit restricts them to those of this commit
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
    found.slice(0, MAX_DEPLOYMENTS).map(async (each) => evidenceOf(each, await api.deploymentStatuses(each.id))),
  );
}

/**
 * Summarises the statuses of a deployment. Only ours name an image, not those that GitHub adds at the end of a job. A
 * job may succeed after its promotion failed, so the state is `success` only if our last status is too.
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

export interface DeploymentUpdate {
  /** Name of the environment, also on GitHub. */
  readonly environment: string;
  /** The workflow's commit, which GitHub creates the deployment for. */
  readonly sha: string;
  readonly digest: Digest;
  /** Source of the image: `ghcr.io/org/app:staging`. */
  readonly from: string;
  readonly runUrl: string;
  /**
   * `success` as soon as the tag has moved, although the job continues: from then on the environment has the image, and
   * an `in_progress` would never be ended by us. At the end of the job GitHub adds its own state as the last one.
   * Without a state of ours, a dry run (`inactive`) or a failed promotion in a continued job (`failure`) would look
   * like a successful deployment.
   */
  readonly state: 'success' | 'failure' | 'inactive';
  /** Time by the clock of the runtime. */
  readonly now: Date;
}

/**
 * Adds the image to the deployment that GitHub creates for a job with `environment:`, as a status that starts with the
 * digest. The promotion does not depend on it, so it never throws.
 *
 * @returns `none`: no deployment of a running job; `refused`: GitHub denies access, which requires `deployments: write`
 */
export async function updateDeployment(
  api: GitHubApi,
  update: DeploymentUpdate,
): Promise<'updated' | 'none' | 'refused'> {
  const { environment, sha, digest, from, runUrl, state, now } = update;
  const deployments = await api.deployments({ environment, sha });
  if (deployments === undefined) return 'refused';
  const newest = deployments[0];
  if (newest === undefined || !(now.getTime() - newest.createdAt.getTime() <= MAX_WAIT_MS)) return 'none';
  const statuses = await api.deploymentStatuses(newest.id);
  if (statuses === undefined) return 'refused';
  // GitHub adds the last status at the end of a job: a final state that is not ours belongs to another job, whose
  // deployment must not change. One that names an image comes from an earlier step of a running job; what that step has
  // deployed stays deployed, even if a later step only plans or is refused.
  const last = statuses[0];
  const isOurs = last !== undefined && digestIn(last.description) !== undefined;
  if (last !== undefined && FINAL_STATES.includes(last.state) && !(isOurs && state === 'success')) return 'none';
  const description = `${digest} from ${from}`;
  return (await api.setDeploymentStatus(newest.id, { state, description, logUrl: runUrl })) ? 'updated' : 'refused';
}
