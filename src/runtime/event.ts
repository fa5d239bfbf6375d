import { readFileSync } from 'node:fs';
import { COMMIT } from '../domain/commit.ts';
import type { GitEvent, RepositoryFacts } from '../domain/event.ts';
import { type Fields, fieldsOf } from '../domain/fields.ts';
import type { WorkflowRepository } from '../domain/setup/export/iam/trust.ts';
import { ActionError } from '../errors/action-error.ts';

const REPOSITORY = /^([A-Za-z0-9._-]+)\/([A-Za-z0-9._-]+)$/;
const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;

/**
 * The event of this run, from the runner's variables and the webhook payload.
 * https://docs.github.com/actions/reference/workflows-and-actions/variables
 * @throws ActionError EVENT_INVALID naming every variable that is missing or malformed
 */
export function readEvent(env: Readonly<Record<string, string | undefined>>): GitEvent {
  const payload = readPayload(env.GITHUB_EVENT_PATH);
  const name = env.GITHUB_EVENT_NAME ?? '';
  const sha = pullRequestHead(env, payload) ?? env.GITHUB_SHA ?? '';
  const number = pullRequestNumber(payload);
  // On pull_request_target the ref is the base branch. The event is about the pull request, as in metadata-action.
  const ref =
    name === 'pull_request_target' && number !== undefined ? `refs/pull/${number}/merge` : (env.GITHUB_REF ?? '');
  const [, owner, repository] = REPOSITORY.exec(env.GITHUB_REPOSITORY ?? '') ?? [];

  const problems = [
    ...(name === '' ? ['GITHUB_EVENT_NAME is not set'] : []),
    ...(COMMIT.test(sha) || (sha === '' && !hasRef(name))
      ? []
      : [`GITHUB_SHA is "${sha.slice(0, 80)}", expected a full commit id`]),
    ...(ref.startsWith('refs/') || (ref === '' && !hasRef(name))
      ? []
      : [`GITHUB_REF is "${ref.slice(0, 80)}", expected a full ref such as refs/heads/main`]),
    ...(owner === undefined
      ? [`GITHUB_REPOSITORY is "${(env.GITHUB_REPOSITORY ?? '').slice(0, 80)}", expected owner/name`]
      : []),
  ];
  if (problems.length > 0 || owner === undefined || repository === undefined) {
    throw new ActionError('EVENT_INVALID', `This does not look like a job of GitHub Actions: ${problems.join('; ')}.`);
  }

  const serverUrl = env.GITHUB_SERVER_URL ?? 'https://github.com';
  const pullRequest = fieldsOf(payload.pull_request);
  const headSha = text(fieldsOf(pullRequest.head).sha);
  const pullBase = text(fieldsOf(pullRequest.base).ref);
  const causedBy = text(fieldsOf(payload.workflow_run).event);
  const workflowRun = workflowRunOf(payload, `${owner}/${repository}`);
  const baseRef = text(payload.base_ref) ?? text(fieldsOf(payload.merge_group).base_ref);
  return {
    name,
    ref,
    sha,
    repository: repositoryFacts(payload.repository, { owner, name: repository, serverUrl }),
    ...(number === undefined
      ? {}
      : {
          pullRequest: {
            number,
            ...(headSha === undefined ? {} : { headSha }),
            ...(pullBase === undefined ? {} : { baseRef: pullBase }),
          },
        }),
    ...(workflowRun === undefined ? {} : { workflowRun }),
    ...(baseRef === undefined ? {} : { baseRef }),
    ...(causedBy === undefined ? {} : { causedBy }),
    runUrl: `${serverUrl}/${owner}/${repository}/actions/runs/${env.GITHUB_RUN_ID ?? '0'}/attempts/${env.GITHUB_RUN_ATTEMPT ?? '1'}`,
    serverUrl,
    apiUrl: env.GITHUB_API_URL ?? 'https://api.github.com',
    actor: env.GITHUB_ACTOR ?? '',
  };
}

/** The repository whose workflow runs; undefined outside of GitHub Actions. */
export function workflowRepository(env: Readonly<Record<string, string | undefined>>): WorkflowRepository | undefined {
  const { GITHUB_REPOSITORY: name, GITHUB_REPOSITORY_ID: repository, GITHUB_REPOSITORY_OWNER_ID: owner } = env;
  if (name === undefined || !/^[\w.-]+\/[\w.-]+$/.test(name)) return undefined;
  // A scheduled workflow runs on the default branch.
  const scheduled = env.GITHUB_EVENT_NAME === 'schedule' ? env.GITHUB_REF_NAME : undefined;
  const payload = fieldsOf(readPayload(env.GITHUB_EVENT_PATH).repository);
  const areKnown = /^\d+$/.test(repository ?? '') && /^\d+$/.test(owner ?? '');
  return {
    name,
    ids: areKnown && repository !== undefined && owner !== undefined ? { repository, owner } : undefined,
    defaultBranch: text(payload.default_branch) ?? scheduled ?? 'main',
  };
}

/** The time of a commit, if it is the head of a push payload. */
export function commitDateOfPayload(env: Readonly<Record<string, string | undefined>>, sha: string): Date | undefined {
  const commit = fieldsOf(readPayload(env.GITHUB_EVENT_PATH).head_commit);
  const date = new Date(text(commit.timestamp) ?? '');
  return commit.id === sha && !Number.isNaN(date.getTime()) ? date : undefined;
}

/** Repository facts from a webhook payload or the REST API, which use the same format. */
export function repositoryFacts(
  value: unknown,
  known: { readonly owner: string; readonly name: string; readonly serverUrl: string },
): RepositoryFacts {
  const repository = fieldsOf(value);
  const description = text(repository.description);
  const license = text(fieldsOf(repository.license).spdx_id);
  const defaultBranch = text(repository.default_branch);
  return {
    owner: known.owner,
    name: known.name,
    url: text(repository.html_url) ?? `${known.serverUrl}/${known.owner}/${known.name}`,
    ...(description === undefined ? {} : { description }),
    ...(license === undefined ? {} : { license }),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    isPrivate: repository.private !== false,
  };
}

/** metadata-action's switch for pull requests: name images after the head commit instead of the merge commit. */
function pullRequestHead(env: Readonly<Record<string, string | undefined>>, payload: Fields): string | undefined {
  if (!/^true$/i.test(env.DOCKER_METADATA_PR_HEAD_SHA ?? '')) return undefined;
  return text(fieldsOf(fieldsOf(payload.pull_request).head).sha);
}

/**
 * Events that always have a ref and a commit. Others may lack them, such as a draft release or a deployment of a
 * commit.
 */
function hasRef(name: string): boolean {
  return /^(?:push|pull_request(?:_target)?|merge_group|schedule|workflow_dispatch|workflow_run|)$/.test(name);
}

/** https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_run */
function workflowRunOf(payload: Fields, repository: string): GitEvent['workflowRun'] {
  const run = fieldsOf(payload.workflow_run);
  const headSha = text(run.head_sha);
  if (headSha === undefined || !COMMIT.test(headSha)) return undefined;
  const branch = text(run.head_branch);
  // A branch of a fork may share its name with one of this repository.
  const isOwn = text(fieldsOf(run.head_repository).full_name)?.toLowerCase() === repository.toLowerCase();
  return { headSha, ...(isOwn && branch !== undefined ? { branch } : {}) };
}

function pullRequestNumber(payload: Fields): number | undefined {
  const number = fieldsOf(payload.pull_request).number ?? payload.number;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function readPayload(path: string | undefined): Fields {
  if (path === undefined || path === '') return {};
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ActionError('EVENT_INVALID', `The event payload ${path} cannot be read.`, { cause: error });
  }
  if (content.length > MAX_PAYLOAD_BYTES)
    throw new ActionError('EVENT_INVALID', `The event payload ${path} is larger than 32 MiB.`);
  try {
    return fieldsOf(JSON.parse(content));
  } catch (error) {
    throw new ActionError('EVENT_INVALID', `The event payload ${path} is not JSON.`, { cause: error });
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
