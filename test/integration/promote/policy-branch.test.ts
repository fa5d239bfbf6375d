import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FileState } from '../../support/vendors/github-deployments.ts';
import { type Asked, createStages, NAME, startGitHub } from './stages.ts';

const FILE = '.github/promotion.yaml';
const STRICT = 'environments:\n  production: [signature]\n';
const LOOSE = 'environments:\n  production: []\n';
const file = (text: string): FileState => ({ type: 'file', bytes: Buffer.from(text) });

/** `main` requires a signature; the branch `feature` is checked out, and has a policy of its own. */
async function createBranch(own: string | undefined, onMain = STRICT) {
  const environments = await createStages();
  onTestFinished(environments[Symbol.asyncDispose]);
  const { repository } = environments.job;
  const main = await repository.commit('policy', { [FILE]: onMain });
  await repository.branch('feature');
  if (own === undefined) await repository.git('rm', '--quiet', FILE);
  const sha = await repository.commit('weaker', own === undefined ? {} : { [FILE]: own });
  await environments.layout({ platforms: [{ platform: 'linux/amd64' }] });
  const fetched = (commit = main) => repository.git('update-ref', 'refs/remotes/origin/main', commit);
  const at = (ref: string, commit = sha) => ({
    name: 'push',
    ref,
    sha: commit,
    payload: { repository: { default_branch: 'main' } },
  });
  const asked = (more: Asked = {}, event = at('refs/heads/feature')): Asked => ({
    ...more,
    options: { event, ...more.options },
  });
  return { environments, repository, main, sha, fetched, at, asked };
}

describe('a policy that was changed on a branch', () => {
  test.each([
    ['made weaker', LOOSE],
    ['emptied', '{}\n'],
    ['deleted', undefined],
  ])('%s: the one of the default branch counts, as git has fetched it', async (_, own) => {
    const { environments, fetched, asked } = await createBranch(own);
    await fetched();
    const run = await environments.refuses('', ['signature: '], asked());
    expect(run.log).toContain(`${FILE} is another one on main: the stricter of both counts.`);
    expect(run.log).toContain(`${FILE} on main requires signature of production.`);
  });

  test('the same for a git tag, and for a workflow that was started on another branch', async () => {
    const { environments, fetched, asked, at } = await createBranch(LOOSE);
    await fetched();
    await environments.refuses('', ['signature: '], asked({}, at('refs/tags/v1.2.3')));
    await environments.refuses(
      '',
      ['signature: '],
      asked({}, { ...at('refs/heads/feature'), name: 'workflow_dispatch' }),
    );
  });

  test('made stricter: that counts as well', async () => {
    const { environments, fetched, asked } = await createBranch(STRICT, LOOSE);
    await fetched();
    await environments.refuses('', ['signature: '], asked());
  });

  test('is read from GitHub where the default branch was not fetched', async () => {
    const { environments, asked, main } = await createBranch(LOOSE);
    await using github = await startGitHub({ commits: { main: { [FILE]: file(STRICT) }, [main]: {} } });
    await environments.refuses('', ['signature: '], github.asked(asked()));
  });

  test('refuses where neither tells, with the fix', async () => {
    const { environments, asked } = await createBranch(LOOSE);
    const message = await environments.fails('POLICY_INVALID', '', asked());
    expect(message).toContain(`Could not read ${FILE} on main`);
    expect(message).toContain('`fetch-depth: 0`');
    expect(message).toContain('`contents: read`');
    await using github = await startGitHub({ permissions: { contents: 'none' } });
    expect(await environments.fails('POLICY_INVALID', '', github.asked(asked()))).toContain('on main');
    expect(environments.registry.requests()).toBe(0);
  });

  test('checked out in a run of the default branch counts no more than before', async () => {
    const { environments, asked, at, main } = await createBranch(LOOSE);
    // actions/checkout with `ref: feature`: the clone has both commits here.
    await environments.refuses('', ['signature: '], asked({}, at('refs/heads/main', main)));
  });

  test('in the working tree, by a step before, does not either', async () => {
    const { environments, repository, at, main } = await createBranch(LOOSE);
    await repository.checkout('main');
    const onMain = { options: { event: at('refs/heads/main', main) } };
    await environments.refuses('', ['signature: '], onMain);
    await rm(join(repository.directory, FILE));
    expect(await environments.fails('POLICY_INVALID', '', onMain)).toContain(FILE);
  });

  test('a run of the default branch needs neither a fetch nor a token', async () => {
    const { environments, repository, at, main } = await createBranch(LOOSE, LOOSE);
    await repository.checkout('main');
    await environments.passes('', { options: { event: at('refs/heads/main', main) } });
  });

  test('how a scan is judged is the stricter of both too, and a broken file on the default branch is no policy', async () => {
    const strict = 'require: [{ scan: { max-age: 1d } }]\ngate: { severity: [LOW, CRITICAL] }\n';
    const loose = 'require: [{ scan: { max-age: 30d } }]\ngate: { severity: [HIGH], ignore-unfixed: true }\n';
    const { environments, fetched, asked, repository } = await createBranch(loose, strict);
    await fetched();
    const run = await environments.refuses('', ['scan,max-age=1d: this image has no gate result'], asked());
    expect(run.log).toContain('scan,max-age=1d');
    await repository.checkout('main');
    await fetched(await repository.commit('broken', { [FILE]: 'require: [sbom\n' }));
    await repository.checkout('feature');
    expect(await environments.fails('POLICY_INVALID', '', asked())).toContain(`${FILE}:2:1 on main: not YAML`);
  });

  test('the file that `policy` names has both versions as well', async () => {
    const { environments, repository, fetched, asked } = await createBranch(LOOSE, LOOSE);
    await repository.checkout('main');
    await fetched(await repository.commit('more', { 'ops/policy.yaml': STRICT }));
    await repository.checkout('feature');
    await repository.commit('less', { 'ops/policy.yaml': LOOSE });
    await environments.refuses('', ['signature: '], asked({ inputs: { policy: './ops/policy.yaml' } }));
  });
});

describe('another environment name', () => {
  const POLICY = `environments: { production: [signature] }\nrepositories: { 'org/*': production }\n`;

  test.each([
    ['on the production repository', { environment: 'foo' }],
    ['with a tag that is not its name', { environment: 'foo', to: 'latest' }],
    ['or none', { environment: '', to: 'latest' }],
    ['beside another target', { environment: 'foo', to: 'foo\nlatest' }],
  ])('%s leads around nothing', async (_, inputs) => {
    const { environments, repository, at } = await createBranch(POLICY, POLICY);
    await repository.checkout('main');
    const event = at('refs/heads/main', await repository.head());
    await environments.refuses('', ['signature: '], { inputs, options: { event } });
  });

  test('in a name that only the image fills in', async () => {
    const { environments, repository, at } = await createBranch('{}', `repositories: { 'org/9*': [signature] }\n`);
    await repository.checkout('main');
    const event = at('refs/heads/main', await repository.head());
    const annotations = { 'org.opencontainers.image.version': '9.0.0' };
    environments.source.image(['9'], { annotations }, 'nine');
    const to = `${environments.registry.host}/org/{{version}}:latest`;
    await environments.refuses('', ['signature: '], {
      inputs: { from: 'nine', environment: 'foo', to },
      options: { event },
    });
    expect(environments.registry.tags(NAME).latest).toBeUndefined();
  });
});

test('nothing required of an environment called production is a warning', async () => {
  const { environments, repository, at } = await createBranch('{}', '{}');
  await repository.checkout('main');
  const options = { event: at('refs/heads/main', await repository.head()) };
  const run = await environments.passes('', { options });
  expect(run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message)).toEqual([
    expect.stringContaining('Nothing is required of production'),
  ]);
  const qa = await environments.passes('', { inputs: { environment: 'qa' }, options });
  expect(qa.annotations).toEqual([]);
});
