import { describe, expect, test } from 'vitest';
import { type DeploymentUpdate, readDeployments, updateDeployment } from '../../../src/evidence/deployments.ts';
import { createRuntime } from '../../../src/runtime/github.ts';
import { checked } from '../../support/contract/checked.ts';
import { readContract } from '../../support/contract/read.ts';
import { startService } from '../../support/loopback.ts';
import {
  type DeploymentState,
  GITHUB_TOKEN,
  type GitHubRepositoryOptions,
  gitHubRepositoryDouble,
  type StatusState,
} from '../../support/vendors/github-deployments.ts';

const COMMIT = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);
const DIGEST = `sha256:${'1'.repeat(64)}` as const;
const OLDER = `sha256:${'2'.repeat(64)}` as const;
const NOW = '2026-01-02T12:00:00Z';

async function start(options: GitHubRepositoryOptions) {
  const double = gitHubRepositoryDouble(options);
  const service = checked(double.service, await readContract('github'));
  const server = await startService(service);
  const runtime = createRuntime(new AbortController().signal);
  return {
    api: runtime.github(GITHUB_TOKEN, { apiUrl: server.url, owner: 'org', name: 'app' }),
    deployments: double.state.deployments,
    requests: server.requests,
    problems: service.problems,
    [Symbol.asyncDispose]: server.close,
  };
}

/** Statuses as pairs of state and description, newest first. */
const statuses = (...all: readonly (readonly [string, string?])[]): StatusState[] =>
  all.map(([state, description = '']) => ({ state, description, createdAt: NOW }));

const deployment = (id: number, more: Partial<DeploymentState> = {}): DeploymentState => ({
  id,
  sha: COMMIT,
  environment: 'staging',
  createdAt: `2026-01-02T11:00:${String(id).padStart(2, '0')}Z`,
  statuses: statuses(['in_progress']),
  ...more,
});

describe('what deployments tell of an environment', () => {
  test.each([
    [
      'the digest that our status names, below GitHub’s own',
      [['success'], ['success', `${DIGEST} from a:b`]],
      'success',
      DIGEST,
    ],
    [
      'the newest digest',
      [
        ['success', `${DIGEST} from x@${OLDER}`],
        ['success', `${OLDER} from x`],
      ],
      'success',
      DIGEST,
    ],
    ['no digest where none is named', [['success', 'all is well'], ['queued']], 'success', undefined],
    ['no digest that is cut off', [['success', DIGEST.slice(0, -1)]], 'success', undefined],
    ['no digest of too many digits', [['success', `${DIGEST}1`]], 'success', undefined],
    ['what GitHub says last', [['inactive'], ['success', DIGEST]], 'inactive', DIGEST],
    ['a failure that the job got over', [['success'], ['failure', DIGEST]], 'failure', DIGEST],
    ['what never came to an end, though the job did', [['success'], ['in_progress', DIGEST]], 'in_progress', DIGEST],
    ['a job that failed after our step', [['failure'], ['success', DIGEST]], 'failure', DIGEST],
    ['no status at all', [], 'pending', undefined],
  ] as const)('%s', async (_name, all, state, digest) => {
    await using github = await start({ deployments: [deployment(1, { statuses: statuses(...all) })] });
    const expected = { state, commit: COMMIT, ...(digest === undefined ? {} : { digest }) };
    expect(await readDeployments(github.api, 'staging', COMMIT)).toEqual([expected]);
    expect(github.problems).toEqual([]);
  });

  test('those of the commit when it is known, those of all commits otherwise', async () => {
    await using github = await start({
      deployments: [deployment(3, { sha: OTHER }), deployment(2), deployment(1, { environment: 'production' })],
    });
    const commits = async (commit?: string) =>
      (await readDeployments(github.api, 'staging', commit))?.map((each) => each.commit);
    expect(await commits(COMMIT)).toEqual([COMMIT]);
    expect(await commits()).toEqual([OTHER, COMMIT]);
    // Out of a label: never an answer about all commits.
    const asked = github.requests.length;
    expect(await commits('main')).toEqual([]);
    expect(github.requests.length).toBe(asked);
  });

  test('at most ten are looked into, the newest', async () => {
    const twelve = Array.from({ length: 12 }, (_, index) =>
      deployment(12 - index, { sha: String(index % 10).repeat(40) }),
    );
    await using github = await start({ deployments: twelve });
    const found = await readDeployments(github.api, 'staging', undefined);
    expect(found?.map(({ commit }) => commit[0]).join('')).toBe('0123456789');
    expect(github.requests).toHaveLength(11);
  });

  test('nothing without an api, and nothing that GitHub does not tell', async () => {
    expect(await readDeployments(undefined, 'staging', COMMIT)).toBeUndefined();
    await using refusing = await start({ deployments: [deployment(1)], permissions: { deployments: 'none' } });
    expect(await readDeployments(refusing.api, 'staging', COMMIT)).toBeUndefined();
    await using half = await start({
      deployments: [deployment(1, { statuses: statuses(['success', DIGEST]) })],
      before: ({ url }) => (url.pathname.endsWith('/statuses') ? { status: 500, body: {} } : undefined),
    });
    expect(await readDeployments(half.api, 'staging', COMMIT)).toEqual([{ state: 'unknown', commit: COMMIT }]);
  });
});

describe('telling the deployment of the job', () => {
  const told: DeploymentUpdate = {
    environment: 'staging',
    sha: COMMIT,
    digest: DIGEST,
    from: 'ghcr.io/org/app:dev',
    runUrl: 'https://github.com/org/app/actions/runs/1/attempts/1',
    state: 'success',
    now: new Date(NOW),
  };
  const write = { permissions: { deployments: 'write' } } as const;

  test('the newest one of the commit gets a status, and the next reader finds the digest there', async () => {
    const before = deployment(1, { statuses: statuses(['success', OLDER]) });
    await using github = await start({
      ...write,
      deployments: [deployment(4, { sha: OTHER }), deployment(3, { environment: 'production' }), deployment(2), before],
    });
    expect(await updateDeployment(github.api, told)).toBe('updated');
    expect(github.deployments.map((each) => each.statuses.length)).toEqual([1, 1, 2, 1]);
    expect(github.deployments[2]?.statuses[0]).toMatchObject({
      state: 'success',
      description: `${DIGEST} from ghcr.io/org/app:dev`,
      logUrl: told.runUrl,
    });
    expect(await readDeployments(github.api, 'staging', COMMIT)).toEqual([
      { state: 'success', commit: COMMIT, digest: DIGEST },
      { state: 'success', commit: COMMIT, digest: OLDER },
    ]);
    expect(github.problems).toEqual([]);
  });

  test('a long source is cut off, not the digest', async () => {
    await using github = await start({ ...write, deployments: [deployment(1)] });
    expect(await updateDeployment(github.api, { ...told, from: `registry.example.com/${'a'.repeat(200)}:dev` })).toBe(
      'updated',
    );
    const description = github.deployments[0]?.statuses[0]?.description ?? '';
    expect(description).toHaveLength(140);
    expect(description.startsWith(`${DIGEST} from registry.example.com/`)).toBe(true);
  });

  test('a second step of the same job tells it again', async () => {
    await using github = await start({ ...write, deployments: [deployment(1)] });
    await updateDeployment(github.api, { ...told, digest: OLDER });
    expect(await updateDeployment(github.api, told)).toBe('updated');
    expect(await readDeployments(github.api, 'staging', COMMIT)).toMatchObject([{ digest: DIGEST }]);
  });

  test('what an earlier step of the job has deployed stays so when another is refused', async () => {
    await using github = await start({ ...write, deployments: [deployment(1)] });
    expect(await updateDeployment(github.api, told)).toBe('updated');
    expect(await updateDeployment(github.api, { ...told, digest: OLDER, state: 'failure' })).toBe('none');
    expect(await readDeployments(github.api, 'staging', COMMIT)).toMatchObject([{ state: 'success', digest: DIGEST }]);
  });

  test.each(['success', 'failure', 'error', 'inactive'])(
    'a deployment that ended as %s is another job’s',
    async (state) => {
      const ended = deployment(1, { statuses: statuses([state], ['success', OLDER], ['in_progress']) });
      await using github = await start({ ...write, deployments: [ended] });
      expect(await updateDeployment(github.api, told)).toBe('none');
      expect(github.deployments[0]?.statuses).toHaveLength(3);
    },
  );

  test.each([
    ['2025-12-03T12:00:00Z', 'updated'],
    ['2025-12-03T11:59:59Z', 'none'],
    ['no time', 'none'],
  ])('one that was made at %s: %s', async (createdAt, expected) => {
    await using github = await start({ ...write, deployments: [deployment(1, { createdAt })] });
    expect(await updateDeployment(github.api, told)).toBe(expected);
  });

  test('there is none of this commit and environment', async () => {
    await using github = await start({ ...write, deployments: [deployment(1, { sha: OTHER })] });
    expect(await updateDeployment(github.api, told)).toBe('none');
    expect(await updateDeployment(github.api, { ...told, environment: 'production', sha: OTHER })).toBe('none');
    expect(github.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  test('a token that may only read, or not even that, is refused', async () => {
    await using reads = await start({ deployments: [deployment(1)] });
    expect(await updateDeployment(reads.api, told)).toBe('refused');
    await using none = await start({ deployments: [deployment(1)], permissions: { deployments: 'none' } });
    expect(await updateDeployment(none.api, told)).toBe('refused');
  });

  test('a status that GitHub does not take is refused', async () => {
    const before: GitHubRepositoryOptions['before'] = ({ method }) =>
      method === 'POST' ? { status: 422, body: { message: 'Validation Failed' } } : undefined;
    await using github = await start({ ...write, before, deployments: [deployment(1)] });
    expect(await updateDeployment(github.api, told)).toBe('refused');
  });
});
