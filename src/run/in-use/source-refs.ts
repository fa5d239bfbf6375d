import { neededRefs, type SourceRefs } from '../../domain/retention/gone.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import type { GitHubApi } from '../../runtime/runtime.ts';

/**
 * Reads the refs for rules with `gone`: branches, git tags and pull requests of the workflow's repository. Requests
 * only what the rules need.
 * @param api absent without a token
 */
export async function readSourceRefs(policy: CleanupPolicy, api: GitHubApi | undefined): Promise<SourceRefs> {
  const needed = neededRefs(policy);
  const read = async <T>(list: (() => Promise<T | undefined>) | undefined, right: string) =>
    (await list?.()) ?? { unreadable: `GitHub did not list them: the step needs a token, and the job \`${right}\`` };
  return {
    ...(needed.has('branch') ? { branches: await read(api?.branches, 'contents: read') } : {}),
    ...(needed.has('git-tag') ? { gitTags: await read(api?.gitTags, 'contents: read') } : {}),
    ...(needed.has('pull-request') ? { pullRequests: await read(api?.pullRequests, 'pull-requests: read') } : {}),
  };
}
