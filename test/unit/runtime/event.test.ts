import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEvent } from '../../../src/runtime/event.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'event-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function environment(payload: unknown, over: Record<string, string> = {}) {
  const path = join(directory, 'event.json');
  await writeFile(path, typeof payload === 'string' ? payload : JSON.stringify(payload));
  return {
    GITHUB_EVENT_NAME: 'push',
    GITHUB_EVENT_PATH: path,
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: SHA,
    GITHUB_REPOSITORY: 'org/app',
    GITHUB_RUN_ID: '7',
    ...over,
  };
}

const repository = {
  html_url: 'https://github.com/org/app',
  description: 'An app',
  license: { spdx_id: 'MIT' },
  default_branch: 'main',
  private: false,
};

test('a push becomes a plain value', async () => {
  expect(readEvent(await environment({ repository }))).toEqual({
    name: 'push',
    ref: 'refs/heads/main',
    sha: SHA,
    repository: {
      owner: 'org',
      name: 'app',
      url: 'https://github.com/org/app',
      description: 'An app',
      license: 'MIT',
      defaultBranch: 'main',
      isPrivate: false,
    },
    runUrl: 'https://github.com/org/app/actions/runs/7/attempts/1',
    serverUrl: 'https://github.com',
    apiUrl: 'https://api.github.com',
    actor: '',
  });
});

test('a repository counts as private unless the payload says otherwise', async () => {
  expect(readEvent(await environment({ schedule: '0 3 * * *' })).repository.isPrivate).toBe(true);
});

test('pull_request_target is about the pull request, not the base branch', async () => {
  const event = readEvent(
    await environment(
      { number: 15, pull_request: { number: 15, head: { sha: 'b'.repeat(40) }, base: { ref: 'main' } }, repository },
      { GITHUB_EVENT_NAME: 'pull_request_target' },
    ),
  );
  expect(event).toMatchObject({
    ref: 'refs/pull/15/merge',
    sha: SHA,
    pullRequest: { number: 15, headSha: 'b'.repeat(40), baseRef: 'main' },
  });
});

test('DOCKER_METADATA_PR_HEAD_SHA names images after the head commit', async () => {
  const payload = { number: 15, pull_request: { number: 15, head: { sha: 'b'.repeat(40) } }, repository };
  expect(
    readEvent(await environment(payload, { GITHUB_EVENT_NAME: 'pull_request', DOCKER_METADATA_PR_HEAD_SHA: 'true' }))
      .sha,
  ).toBe('b'.repeat(40));
});

test('everything that is missing is named at once', () => {
  expect(() => readEvent({ GITHUB_REF: 'main' })).toThrow(
    /GITHUB_EVENT_NAME is not set; GITHUB_SHA is "".*GITHUB_REF is "main".*GITHUB_REPOSITORY is ""/,
  );
});

test.each([
  ['not json', /not JSON/],
  ['[]', undefined],
])('payload %s', async (payload, message) => {
  const env = await environment(payload);
  if (message === undefined) expect(readEvent(env).repository.isPrivate).toBe(true);
  else expect(() => readEvent(env)).toThrow(message);
});
