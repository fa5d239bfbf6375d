import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeLayout } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import { createSetting, GOOD } from './setting.ts';

type Status = 'ahead' | 'behind' | 'diverged' | 'identical';

/** GitHub's API as far as it is asked: compare two commits, and what a ref points at. Whatever else is asked is a 404. */
async function startGitHub(answer: { readonly status?: Status; readonly tip?: string }) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    asked.push(`${request.method} ${path} ${request.headers.authorization}`);
    const body = /^\/repos\/org\/app\/compare\/[0-9a-f]{40}\.\.\.[0-9a-f]{40}$/.test(path)
      ? answer.status && { status: answer.status, ahead_by: 1, behind_by: 0, total_commits: 1, commits: [], files: [] }
      : path === '/repos/org/app/git/ref/heads/main'
        ? answer.tip && { ref: 'refs/heads/main', object: { type: 'commit', sha: answer.tip } }
        : undefined;
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body || { message: 'Not Found' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each([
  ['ahead', undefined, true],
  ['behind', undefined, false],
  ['diverged', 'ours', true],
  ['diverged', 'theirs', false],
  [undefined, undefined, false],
] as const)(
  'P4: in a shallow clone GitHub is asked: compare says %s, the branch is at %s → moved: %s',
  async (status, tip, moved) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const before = await setting.image({ ...GOOD, annotations: { which: 'before' } }, 'before');
    await registry.putLayout('org/app', 'main', before.directory);
    const recorded = await setting.repository.head();
    await setting.repository.commit('second');
    const event = await setting.push();
    const workspace = await setting.repository.clone({ depth: 1 });
    await setting.repository.git('-C', workspace, 'remote', 'remove', 'origin');
    const annotations = { 'org.opencontainers.image.revision': event.sha };
    const image = await writeLayout(join(workspace, 'image'), { ...GOOD, annotations });
    await using github = await startGitHub({
      ...(status === undefined ? {} : { status }),
      ...(tip === undefined ? {} : { tip: tip === 'ours' ? event.sha : 'f'.repeat(40) }),
    });
    const run = await setting.publish(
      { images: `${registry.host}/org/app`, 'github-token': 'job-token' },
      { event, workspace, env: { GITHUB_API_URL: github.url } },
    );
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app').main).toBe(moved ? image.digest : before.digest);
    expect(github.asked).toContain(`GET /repos/org/app/compare/${recorded}...${event.sha} token job-token`);
    expect(run.masks).toContain('job-token');
  },
);
