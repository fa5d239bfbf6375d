import { type Digest, shortDigest } from '../../domain/digest.ts';
import type { DeploymentEvidence } from '../../domain/promotion/judge.ts';
import type { InUse, InUseImage, InUseSource } from '../../domain/retention/in-use.ts';
import type { RepositoryInventory } from '../../domain/retention/inventory.ts';
import { MAX_DEPLOYMENTS, readDeployments } from '../../evidence/deployments.ts';
import type { GitHubApi } from '../../runtime/runtime.ts';

/**
 * Images deployed to GitHub environments: the latest successful deployment of each, and those in progress since. The
 * image is identified by the digest in a deployment status, as `command: promote` writes it, or by tags that name the
 * commit.
 * @param api absent without a token
 */
export async function readGitHubDeployments(
  api: GitHubApi | undefined,
  environments: readonly string[],
  inventories: readonly RepositoryInventory[],
): Promise<InUse> {
  if (environments.length === 0) {
    const reason = '`github-deployments` needs `environments`, such as `[production]`';
    return { images: [], unreadable: [{ source: sourceOf('GitHub deployments'), reason }] };
  }
  const all = await Promise.all(
    environments.map(async (environment) =>
      usedIn(environment, await readDeployments(api, environment, undefined), inventories),
    ),
  );
  return { images: all.flatMap(({ images }) => images), unreadable: all.flatMap(({ unreadable }) => unreadable) };
}

function sourceOf(where: string): InUseSource {
  return { kind: 'github-deployments', where };
}

function usedIn(
  environment: string,
  deployments: readonly DeploymentEvidence[] | undefined,
  inventories: readonly RepositoryInventory[],
): InUse {
  const source = sourceOf(`GitHub deployments to ${environment}`);
  const unreadable = (reason: string): InUse => ({ images: [], unreadable: [{ source, reason }] });
  if (deployments === undefined) {
    return unreadable('GitHub did not list them: the job needs a token and the permission `deployments: read`');
  }
  // A misspelled environment protects nothing.
  if (deployments.length === 0) return unreadable('GitHub has none: check the name of the environment');
  const newest = deployments.findIndex(({ state }) => state === 'success');
  if (newest < 0 && deployments.length >= MAX_DEPLOYMENTS) {
    return unreadable(`the last ${MAX_DEPLOYMENTS} did not succeed, so what was deployed before them is unknown`);
  }
  const live = deployments.slice(0, newest < 0 ? deployments.length : newest + 1);
  const images: InUseImage[] = [];
  for (const { state, digest, commit } of live) {
    if (state === 'unknown')
      return unreadable(`the state of the deployment of ${commit.slice(0, 7)} could not be read`);
    const found = digest === undefined ? taggedWith(commit, inventories) : holding(digest, inventories);
    if (found.length === 0 && digest === undefined && state === 'success') {
      return unreadable(
        `the deployment of commit ${commit.slice(0, 7)} names no image, and no tag names the commit. Deploy with \`command: promote\`, or name what is in use in a list`,
      );
    }
    images.push(
      ...found.map((each) => ({
        ...each,
        source: { ...source, where: `${source.where} (${nameOf(digest, commit)})` },
      })),
    );
  }
  return { images, unreadable: [] };
}

const nameOf = (digest: Digest | undefined, commit: string) =>
  digest === undefined ? commit.slice(0, 7) : shortDigest(digest);

/** Several repositories may contain the same image. */
function holding(digest: Digest, inventories: readonly RepositoryInventory[]) {
  return inventories
    .filter(({ manifests }) => manifests.some((each) => each.digest === digest))
    .map(({ repository }) => ({ repository, digest }));
}

/** Tags such as `sha-0123abc`, `main-0123abc4` or the full commit id. */
function taggedWith(commit: string, inventories: readonly RepositoryInventory[]) {
  return inventories.flatMap(({ repository, tags }) =>
    tags
      .filter(({ name }) =>
        name.split(/[^0-9a-zA-Z]/).some((part) => part.length >= 7 && commit.startsWith(part.toLowerCase())),
      )
      .map(({ name, digest }) => ({ repository, tag: name, digest })),
  );
}
