import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRuntime } from '../../../src/runtime/github.ts';
import type { CloudReply, CloudRequest } from '../../support/cloud.ts';
import { checked } from '../../support/contract/checked.ts';
import { readContract } from '../../support/contract/read.ts';
import { startService } from '../../support/loopback.ts';
import {
  GITHUB_TOKEN,
  type GitHubRepositoryOptions,
  gitHubRepositoryDouble,
} from '../../support/vendors/github-deployments.ts';

const COMMIT = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);
const RUN = 'https://github.com/org/app/actions/runs/1/attempts/1';

function runtime() {
  vi.stubEnv('RUNNER_TEMP', tmpdir());
  vi.stubEnv('RUNNER_TOOL_CACHE', tmpdir());
  return createRuntime(new AbortController().signal);
}

function gitHub(apiUrl: string) {
  return runtime().github(GITHUB_TOKEN, { apiUrl, owner: 'org', name: 'app' });
}

/** The double behind HTTP, what it was asked, and the product's API of it. */
async function start(options: GitHubRepositoryOptions = {}) {
  const double = gitHubRepositoryDouble(options);
  const service = checked(double.service, await readContract('github'), ({ url }) =>
    /\/deployments/.test(url.pathname),
  );
  const server = await startService(service);
  return {
    api: gitHub(server.url),
    state: double.state,
    requests: server.requests,
    problems: service.problems,
    [Symbol.asyncDispose]: server.close,
  };
}

const deployment = (id: number, sha = COMMIT, environment = 'staging', second = id) => ({
  id,
  sha,
  environment,
  createdAt: `2026-01-02T03:04:${String(second).padStart(2, '0')}Z`,
  statuses: [],
});
const refusing = (status: number, body: unknown = { message: 'no' }) => ({
  before: (_request: CloudRequest): CloudReply => ({ status, body }),
});

/** What .NET calls white space, which the runner takes off the beginning of a line before it looks for a command. */
const SPACES = ['', ' ', '\t', '\u000b', '\f', '\u0085', '\u00a0', '\u1680', '\u2003', '\u2028', '\u202f', '\u3000'];

test.each(SPACES)('a line of somebody else gives the runner no command behind %j', (space) => {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const { log } = runtime();
  log.info(`said\n${space}${space}::save-state name=temp::/\r${space}::set-output name=x::y\n${space}##[set-output]x`);
  write.mockRestore();
  for (const line of written.join('').split(/\r?\n|\r/)) {
    expect(line.replace(/^[\s\u0085]+/, '').startsWith('::'), JSON.stringify(line)).toBe(false);
    expect(line).not.toContain('##[');
  }
});

test('a sleep that is cancelled fails at once, with the reason of the cancellation', async () => {
  const controller = new AbortController();
  const sleeping = runtime().clock.sleep(60_000, controller.signal);
  controller.abort(new Error('cancelled'));
  await expect(sleeping).rejects.toThrow('cancelled');
});

describe('deployments', () => {
  test('are those to the environment, of the commit, newest first', async () => {
    await using github = await start({
      deployments: [deployment(2), deployment(4, OTHER), deployment(3), deployment(5, COMMIT, 'production')],
    });
    const ids = async (ask: { environment: string; sha?: string }) =>
      (await github.api.deployments(ask))?.map(({ id }) => id);
    expect(await ids({ environment: 'staging' })).toEqual([4, 3, 2]);
    expect(await ids({ environment: 'staging', sha: COMMIT })).toEqual([3, 2]);
    // As GitHub has it: names of environments are not case sensitive.
    expect(await ids({ environment: 'Staging', sha: OTHER })).toEqual([4]);
    expect(await ids({ environment: 'qa' })).toEqual([]);
    expect((await github.api.deployments({ environment: 'production' }))?.[0]).toEqual({
      id: 5,
      sha: COMMIT,
      createdAt: new Date('2026-01-02T03:04:05Z'),
    });
    expect(github.problems).toEqual([]);
  });

  test('without a name of the environment nothing is asked, for that would be all of them', async () => {
    await using github = await start({ deployments: [deployment(1)] });
    expect(await github.api.deployments({ environment: '' })).toBeUndefined();
    expect(github.requests).toEqual([]);
  });

  test('an answer that holds others than those asked for is not taken for an answer', async () => {
    const record = { id: 1, sha: OTHER, environment: 'production', created_at: '2026-01-02T03:04:05Z' };
    await using github = await start(refusing(200, [record, { ...record, environment: 'staging' }]));
    expect(await github.api.deployments({ environment: 'staging', sha: COMMIT })).toEqual([]);
  });

  test('statuses come newest first, even from a server that lists them otherwise', async () => {
    const status = (id: number, state: string, second: number, description: string | null) => ({
      id,
      state,
      description,
      created_at: `2026-01-02T03:04:0${second}Z`,
    });
    const listed = [status(1, 'queued', 1, null), status(3, 'success', 5, 'x'), status(2, 'in_progress', 5, '')];
    await using github = await start(refusing(200, listed));
    const statuses = await github.api.deploymentStatuses(7);
    expect(statuses?.map(({ state }) => state)).toEqual(['success', 'in_progress', 'queued']);
    expect(statuses?.[2]).toEqual({ state: 'queued', description: '', createdAt: new Date('2026-01-02T03:04:01Z') });
  });

  test.each([401, 403, 404, 422, 500])('what is answered with %i is not known', async (status) => {
    await using github = await start(refusing(status));
    expect(await github.api.deployments({ environment: 'staging' })).toBeUndefined();
    expect(await github.api.deploymentStatuses(1)).toBeUndefined();
    expect(await github.api.setDeploymentStatus(1, { state: 'success', description: '', logUrl: RUN })).toBe(false);
    expect(github.requests).toHaveLength(3);
  });

  test('what is no list is not known', async () => {
    await using github = await start(refusing(200, { message: 'a page of a proxy' }));
    expect(await github.api.deployments({ environment: 'staging' })).toBeUndefined();
    expect(await github.api.deploymentStatuses(1)).toBeUndefined();
  });
});

describe('a status of a deployment', () => {
  test('is added with what it says, cut at the length that GitHub takes', async () => {
    await using github = await start({ permissions: { deployments: 'write' }, deployments: [deployment(1)] });
    // The last character that has room is one of two UTF-16 units.
    const description = `${'x'.repeat(139)}🚢 and more`;
    expect(await github.api.setDeploymentStatus(1, { state: 'success', description, logUrl: RUN })).toBe(true);
    expect(github.state.deployments[0]?.statuses).toMatchObject([
      { state: 'success', description: `${'x'.repeat(139)}🚢`, logUrl: RUN },
    ]);
    expect(github.problems).toEqual([]);
  });

  test('leaves the deployments before it as they are', async () => {
    const before = { state: 'success', description: '', createdAt: '2026-01-01T00:00:00Z' };
    await using github = await start({
      permissions: { deployments: 'write' },
      deployments: [deployment(2), { ...deployment(1, OTHER), statuses: [before] }],
    });
    await github.api.setDeploymentStatus(2, { state: 'success', description: 'done', logUrl: RUN });
    expect(github.state.deployments[1]?.statuses).toEqual([before]);
  });

  test('is refused without `deployments: write`', async () => {
    await using github = await start({ deployments: [deployment(1)] });
    expect(await github.api.setDeploymentStatus(1, { state: 'success', description: '', logUrl: RUN })).toBe(false);
    expect(github.state.deployments[0]?.statuses).toEqual([]);
  });
});

describe('a file', () => {
  const POLICY = '.github/promotion policy.yml';
  const text = `stages: [dev, staging]\n# Größe ${'.'.repeat(200)}\n`;
  const commits = {
    [COMMIT]: {
      [POLICY]: { type: 'file', bytes: Buffer.from(text) },
      empty: { type: 'file' },
      picture: { type: 'file', bytes: Buffer.from([0xff, 0xfe, 0x00, 0x80]) },
      large: { type: 'file', size: 1024 * 1024 + 1 },
      folder: { type: 'dir' },
      module: { type: 'submodule' },
    },
  } satisfies GitHubRepositoryOptions['commits'];

  test('is read as it is at the commit', async () => {
    await using github = await start({ commits });
    expect(await github.api.file(POLICY, COMMIT)).toEqual({ kind: 'file', text });
    expect(await github.api.file('empty', COMMIT)).toEqual({ kind: 'file', text: '' });
  });

  test('is missing only when the commit can be read', async () => {
    await using github = await start({ commits });
    expect(await github.api.file('gone.yml', COMMIT)).toEqual({ kind: 'missing' });
    // GitHub says 404 of a commit that it does not have, too.
    expect(await github.api.file(POLICY, OTHER)).toMatchObject({ kind: 'unknown' });
  });

  test('is not missing where the repository or its contents are hidden', async () => {
    await using hidden = await start({ commits, hidden: true });
    expect(await hidden.api.file(POLICY, COMMIT)).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/Not Found/),
    });
    await using refused = await start({ commits, permissions: { contents: 'none' } });
    expect(await refused.api.file(POLICY, COMMIT)).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/not accessible/),
    });
  });

  test.each([
    ['large', /1 MiB/],
    ['folder', /not a file/],
    ['module', /not a file/],
    ['picture', /UTF-8/],
  ])('%s is there and cannot be used', async (path, reason) => {
    await using github = await start({ commits });
    expect(await github.api.file(path, COMMIT)).toEqual({ kind: 'unknown', reason: expect.stringMatching(reason) });
  });

  test('that did not come whole is unknown', async () => {
    const cut = { type: 'file', encoding: 'base64', size: 10, content: 'YWJj' };
    await using github = await start(refusing(200, cut));
    expect(await github.api.file(POLICY, COMMIT)).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/whole/),
    });
  });

  test.each([403, 422, 429, 500])('an answer %i says nothing of it, though the commit can be read', async (status) => {
    const body = { message: 'no' };
    await using github = await start({
      commits,
      before: ({ url }) => (url.pathname.includes('/contents/') ? { status, body } : undefined),
    });
    expect(await github.api.file(POLICY, COMMIT)).toMatchObject({ kind: 'unknown' });
  });

  test.each([
    ['', COMMIT],
    ['..', COMMIT],
    ['a/../../b', COMMIT],
    ['/etc/passwd', COMMIT],
    // The default branch would be meant.
    [POLICY, ''],
    [POLICY, '..'],
  ])('is not asked for by the path %j at %j', async (path, ref) => {
    await using github = await start({ commits });
    expect(await github.api.file(path, ref)).toMatchObject({ kind: 'unknown' });
    expect(github.requests).toEqual([]);
  });

  test('is unknown when there is no server, and the token is not in the reason', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const answer = await gitHub(`http://127.0.0.1:${port}`).file(POLICY, COMMIT);
    expect(answer).toMatchObject({ kind: 'unknown' });
    expect(JSON.stringify(answer)).not.toContain(GITHUB_TOKEN);
  });
});
