import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ActionOptions, runAction, type WorkflowEvent } from '../support/action.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { startRegistry } from '../support/registry.ts';
import {
  createRepository,
  dispatchEvent,
  pullRequestEvent,
  pushEvent,
  REPOSITORY_PAYLOAD,
  type Repository,
  scheduleEvent,
  tagEvent,
} from '../support/repository.ts';

const run = promisify(execFile);
const short = (sha: string) => `sha-${sha.slice(0, 7)}`;

let repository: Repository;
beforeEach(async () => {
  repository = await createRepository();
  await repository.commit('first', { Dockerfile: 'FROM scratch\n', 'app/Dockerfile': 'FROM scratch\n' });
});
afterEach(() => repository.dispose());

/** Names without anything else: what the tags, the labels and the commit are. */
async function name(
  event: WorkflowEvent,
  inputs: Readonly<Record<string, string>> = {},
  options: Partial<ActionOptions> = {},
) {
  await using done = await runAction({
    event,
    workspace: repository.directory,
    ...options,
    inputs: { images: 'ghcr.io/org/app', 'dry-run': 'true', push: 'false', ...inputs },
  });
  const json = JSON.parse(done.outputs.json ?? '{}');
  return {
    exitCode: done.exitCode,
    log: done.log,
    outcome: done.outputs.outcome,
    code: json.errors?.[0]?.code,
    message: json.errors?.[0]?.message ?? '',
    tags: json['tag-names'],
    commit: json.commit?.sha,
    revision: json.labels?.['org.opencontainers.image.revision'],
    labels: json.labels,
    warnings: json.warnings,
  };
}

async function workflowRun(branch: string, headSha: string, fork = 'org/app'): Promise<WorkflowEvent> {
  return {
    name: 'workflow_run',
    ref: 'refs/heads/main',
    sha: await repository.git('rev-parse', 'main'),
    payload: {
      workflow_run: { head_sha: headSha, head_branch: branch, head_repository: { full_name: fork }, event: 'push' },
      repository: REPOSITORY_PAYLOAD,
    },
  };
}

async function pullRequestTarget(number: number): Promise<WorkflowEvent> {
  const event = await pullRequestEvent(repository, number);
  const sha = await repository.git('rev-parse', 'main');
  return { ...event, name: 'pull_request_target', ref: 'refs/heads/main', sha };
}

/** A refusal names both commits and both ways out. */
function expectRefused(named: Awaited<ReturnType<typeof name>>, wanted: string, built: string) {
  expect(named).toMatchObject({ exitCode: 1, outcome: 'invalid-input', code: 'COMMIT_MISMATCH' });
  expect(named.message).toContain(wanted);
  expect(named.message).toContain(built);
  expect(named.message).toMatch(/check out/i);
  expect(named.message).toMatch(/type=sha/);
}

describe('P11: the commit is HEAD of the checkout', () => {
  test('workflow_dispatch on main with an older git tag checked out: main is refused, a commit tag is that of the checkout', async () => {
    const old = await repository.tag('v1.0.0');
    const main = await repository.commit('second');
    const event = await dispatchEvent(repository);
    await repository.checkout('v1.0.0');
    expectRefused(await name(event), main, old);
    expect(await name(event, { tags: 'type=sha\ntype=semver,pattern={{version}},value=v1.0.0' })).toMatchObject({
      exitCode: 0,
      tags: ['1.0.0', short(old), 'latest'],
      commit: old,
      revision: old,
    });
  });

  test.each([
    ['type=ref,event=branch'],
    ['type=edge'],
    ['type=raw,value={{branch}}-x'],
    ['latest,enable={{is_default_branch}}'],
  ])('workflow_dispatch with another ref: `%s` comes from the ref, too', async (tags) => {
    const old = await repository.head();
    const main = await repository.commit('second');
    const event = await dispatchEvent(repository);
    await repository.checkout(old);
    expectRefused(await name(event, { tags }), main, old);
    // What is written out is the user's word.
    expect(await name(event, { tags: `${tags}\nmain\nedge\nmain-x\nlatest` })).toMatchObject({
      exitCode: 0,
      revision: old,
    });
  });

  test('workflow_dispatch on main with a branch checked out that is ahead of it', async () => {
    const main = await repository.head();
    const event = await dispatchEvent(repository);
    await repository.branch('feature');
    const feature = await repository.commit('not reviewed');
    const named = await name(event);
    expectRefused(named, main, feature);
    expect(named.message).toContain('on the branch feature');
    // As actions/checkout leaves it for a commit id, with all branches fetched.
    const clone = await repository.clone();
    await run('git', ['checkout', '--quiet', '--detach', feature], { cwd: clone });
    expectRefused(await name(event, {}, { workspace: clone }), main, feature);
  });

  test("a release job's bump commit is built and recorded", async () => {
    const event = await pushEvent(repository);
    const bump = await repository.commit('1.2.3', { version: '1.2.3' });
    await repository.tag('v1.2.3');
    const tags = 'type=ref,event=branch\ntype=sha\ntype=semver,pattern={{version}},value=v1.2.3';
    expect(await name(event, { tags })).toMatchObject({
      exitCode: 0,
      tags: ['1.2.3', 'main', short(bump), 'latest'],
      commit: bump,
      revision: bump,
    });
    // The same without a branch, as actions/checkout leaves a commit id, and with the branch pushed.
    await repository.git('checkout', '--quiet', '--detach');
    expect(await name(event, { tags })).toMatchObject({ exitCode: 0, revision: bump });
    const clone = await repository.clone();
    expect(await name(event, { tags }, { workspace: clone })).toMatchObject({ exitCode: 0, revision: bump });
  });

  test('workflow_run with the commit of a feature branch: not main, also where it is ahead of main', async () => {
    const main = await repository.head();
    await repository.branch('feature');
    const feature = await repository.commit('not reviewed');
    const event = await workflowRun('feature', feature);
    await repository.git('checkout', '--quiet', '--detach');
    expectRefused(await name(event), main, feature);
    // A fork's branch may be called main.
    expectRefused(await name(await workflowRun('main', feature, 'evil/app')), main, feature);
    expect(await name(event, { tags: 'type=sha' })).toMatchObject({ tags: [short(feature)], revision: feature });
  });

  test('workflow_run with the commit that was pushed to main is main, also when main is newer', async () => {
    const tested = await repository.head();
    await repository.commit('newer');
    const event = await workflowRun('main', tested);
    await repository.git('checkout', '--quiet', '--detach', tested);
    expect(await name(event)).toMatchObject({ exitCode: 0, tags: ['main', short(tested)], revision: tested });
  });

  test('pull_request_target: the head is the pull request, the base branch is not', async () => {
    const base = await repository.head();
    await repository.branch('feature');
    const head = await repository.commit('change');
    const event = await pullRequestTarget(15);
    expect(await name(event)).toMatchObject({ exitCode: 0, tags: ['pr-15'], commit: head, revision: head });
    await repository.checkout('main');
    expectRefused(await name(event), head, base);
  });

  test("pull_request: the merge commit and the head are both the pull request's, each with its own revision", async () => {
    await repository.branch('feature');
    const head = await repository.commit('change');
    const event = await pullRequestEvent(repository, 15);
    expect(await name(event)).toMatchObject({ exitCode: 0, tags: ['pr-15'], revision: head });
    await repository.checkout('refs/pull/15/merge');
    expect(await name(event)).toMatchObject({ exitCode: 0, tags: ['pr-15'], revision: event.sha });
    // The merge commit that GitHub makes for the next push to the base has the same head.
    await repository.checkout('main');
    await repository.commit('main moves');
    const next = await pullRequestTarget(15);
    await repository.checkout('feature');
    const again = await repository.git('commit-tree', `${head}^{tree}`, '-p', 'main', '-p', head, '-m', 'merge');
    await repository.checkout(again);
    const shallow = await pullRequestTarget(15);
    expect(await name({ ...next, payload: shallow.payload }, { tags: 'type=ref,event=pr' })).toMatchObject({
      exitCode: 0,
    });
    await repository.checkout('main');
    expect(await name(event)).toMatchObject({ exitCode: 1, code: 'COMMIT_MISMATCH' });
  });

  test('a shallow checkout: the commit of the event is enough, another one is refused with `fetch-depth`', async () => {
    const old = await repository.head();
    await repository.commit('second');
    const tip = await repository.commit('third');
    const event = await pushEvent(repository);
    const clone = await repository.clone({ depth: 1 });
    expect(await name(event, {}, { workspace: clone })).toMatchObject({
      exitCode: 0,
      tags: ['main', short(tip)],
      revision: tip,
    });
    const unknown = await name({ ...event, sha: old }, {}, { workspace: clone });
    expectRefused(unknown, old, tip);
    expect(unknown.message).toContain('fetch-depth: 0');
    // The commit before it is recorded in the commit itself.
    const parent = await repository.git('rev-parse', 'HEAD~1');
    expect(await name({ ...event, sha: parent }, {}, { workspace: clone })).toMatchObject({
      exitCode: 0,
      revision: tip,
    });
  });

  test('a detached checkout of a git tag, annotated and moved', async () => {
    const sha = await repository.tag('v1.2.3', 'a release');
    const event = await tagEvent(repository, 'v1.2.3');
    await repository.commit('later');
    await repository.git('checkout', '--quiet', '--detach', 'v1.2.3');
    const tags = ['1.2.3', '1.2', '1', short(sha), 'latest'];
    expect(await name(event)).toMatchObject({ exitCode: 0, tags, commit: sha, revision: sha });
    const clone = await repository.clone({ depth: 1, ref: 'refs/tags/v1.2.3' });
    expect(await name(event, {}, { workspace: clone })).toMatchObject({ exitCode: 0, tags, revision: sha });
    await repository.git('checkout', '--quiet', '--orphan', 'elsewhere');
    const other = await repository.commit('another history');
    expectRefused(await name(event), sha, other);
  });

  test('schedule and merge_group', async () => {
    const main = await repository.head();
    expect(await name(await scheduleEvent(repository))).toMatchObject({ tags: ['main', short(main)], revision: main });
    const group: WorkflowEvent = {
      name: 'merge_group',
      ref: `refs/heads/gh-readonly-queue/main/pr-42-${main}`,
      sha: main,
      payload: { merge_group: { base_ref: 'refs/heads/main', head_sha: main }, repository: REPOSITORY_PAYLOAD },
    };
    expect(await name(group)).toMatchObject({ tags: ['pr-42'], revision: main });
    await repository.branch('elsewhere');
    await repository.git('commit', '--quiet', '--amend', '--allow-empty', '--message', 'rewritten');
    expectRefused(await name(group), main, await repository.head());
  });
});

describe('P11: the repository is that of the context', () => {
  test('a folder of the checkout is in its repository', async () => {
    const event = await pushEvent(repository);
    expect(await name(event, { context: 'app' })).toMatchObject({ exitCode: 0, revision: event.sha });
  });

  test('a context that is a repository of its own: its commit, and none of the event’s names', async () => {
    const event = await pushEvent(repository);
    const nested = join(repository.directory, 'vendor/lib');
    await mkdir(nested, { recursive: true });
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=d', '-c', 'user.email=d@e.f', ...args], { cwd: nested });
    await git('init', '--quiet');
    await git('commit', '--quiet', '--allow-empty', '-m', 'other');
    await git('remote', 'add', 'origin', 'https://token@github.com/other/lib.git');
    const sha = (await git('rev-parse', 'HEAD')).stdout.trim();
    const refused = await name(event, { context: 'vendor/lib' });
    expectRefused(refused, event.sha, sha);
    expect(refused.message).toContain('other/lib');
    const named = await name(event, { context: 'vendor/lib', tags: 'type=sha' });
    expect(named).toMatchObject({ exitCode: 0, tags: [short(sha)], revision: sha });
    expect(named.labels['org.opencontainers.image.source']).toBe('https://github.com/other/lib');
    expect(named.log).not.toContain('token@');
  });

  test('a submodule at the commit that is recorded for it belongs to the repository around it', async () => {
    await using library = await createRepository();
    await library.commit('library', { Dockerfile: 'FROM scratch\n' });
    await repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.directory, 'lib');
    await repository.commit('with a submodule');
    const event = await pushEvent(repository);
    expect(await name(event, { context: 'lib' })).toMatchObject({ exitCode: 0, revision: event.sha });
    const newer = await library.commit('newer');
    await run('git', ['pull', '--quiet'], { cwd: join(repository.directory, 'lib') });
    expectRefused(await name(event, { context: 'lib' }), event.sha, newer);
  });

  test('without a checkout the commit of the event stands', async () => {
    const event = await pushEvent(repository);
    const empty = await mkdtemp(join(tmpdir(), 'empty-'));
    expect(await name(event, {}, { workspace: empty })).toMatchObject({ exitCode: 0, revision: event.sha });
    await rm(empty, { recursive: true });
  });

  test('a repository around the workspace is not the one of the job', async () => {
    const event = { ...(await pushEvent(repository)), sha: 'd'.repeat(40) };
    const workspace = join(repository.directory, 'runner/work');
    expect(await name(event, {}, { workspace })).toMatchObject({ exitCode: 0, revision: event.sha });
  });

  test('a work tree, a checkout of another user, and a machine without git', async () => {
    const event = await pushEvent(repository);
    const tree = join(repository.directory, '../tree');
    await repository.git('worktree', 'add', '--quiet', '--detach', tree);
    expect(await name(event, {}, { workspace: tree })).toMatchObject({ exitCode: 0, revision: event.sha });
    await repository.git('pack-refs', '--all');
    if (process.getuid?.() === 0) await chown(join(repository.directory, '.git'), 12_345, 12_345);
    if (process.getuid?.() === 0) await chown(repository.directory, 12_345, 12_345);
    expect(await name(event)).toMatchObject({ exitCode: 0, revision: event.sha });
    const env = { PATH: '/nowhere' };
    expect(await name(event, {}, { env })).toMatchObject({ exitCode: 0, revision: event.sha });
    expect(await name(event, {}, { env, workspace: tree })).toMatchObject({ exitCode: 0, revision: event.sha });
    expect(await name({ ...event, sha: 'e'.repeat(40) }, {}, { env })).toMatchObject({ code: 'COMMIT_MISMATCH' });
  });

  test('a repository that cannot be read is not passed over', async () => {
    const event = await pushEvent(repository);
    await rename(join(repository.directory, '.git/HEAD'), join(repository.directory, '.git/HEAD.gone'));
    expect(await name(event)).toMatchObject({ exitCode: 1, code: 'EVENT_INVALID' });
  });

  test('a git URL names its own commit, never that of the event', async () => {
    const event = await pushEvent(repository);
    const other = 'a'.repeat(40);
    const context = `https://github.com/other/lib.git#${other}`;
    const refused = await name(event, { context });
    expectRefused(refused, event.sha, other);
    expect(await name(event, { context, tags: 'type=sha' })).toMatchObject({ tags: [short(other)], revision: other });
    expect(await name(event, { context: `https://github.com/org/app.git#${event.sha}:app` })).toMatchObject({
      exitCode: 0,
      tags: ['main', short(event.sha)],
      revision: event.sha,
    });
    expect(await name(event, { context: '{{defaultContext}}' })).toMatchObject({ exitCode: 0, revision: event.sha });
    expect(await name(event, { context: 'https://me:pw@github.com/other/lib.git#main' })).toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.not.stringContaining('pw@'),
    });
  });

  test('the branch of a git URL is resolved before the build', async () => {
    const sha = await repository.head();
    await using registry = await startRegistry();
    await repository.tag('v1', 'annotated');
    await repository.clone();
    const event = await pushEvent(repository);
    await repository.commit('newer, here only');
    for (const ref of ['main', 'v1', 'refs/heads/main']) {
      const context = `file://${repository.origin}#${ref}`;
      const named = await name(event, { context, tags: 'type=sha', push: 'true', images: `${registry.host}/org/app` });
      expect(named).toMatchObject({ revision: sha });
    }
  });
});

test('P11: what is built says the same in its labels, its annotations and its build arguments', async () => {
  const event = await pushEvent(repository);
  const bump = await repository.commit('1.2.3');
  const folder = await mkdtemp(join(tmpdir(), 'docker-'));
  const docker = await fakeDocker(folder);
  // The build is made up, and so has no layout: what it was asked for is looked at.
  await using done = await runAction({
    event,
    workspace: repository.directory,
    inputs: {
      images: 'ghcr.io/org/app',
      push: 'false',
      scan: 'off',
      'build-metadata': 'true',
      labels: `org.opencontainers.image.revision=${event.sha}`,
      annotations: 'index:w={{sha}}',
    },
    env: { PATH: docker.path },
  });
  expect(done.outputs.outcome).toBe('image-rejected');
  const calls = (await docker.calls()).map(({ args }) => args.join('\n')).join('\n');
  expect(calls).toContain(`index:org.opencontainers.image.revision=${bump}`);
  expect(calls).toContain(`\norg.opencontainers.image.revision=${bump}`);
  expect(calls).not.toContain(`revision=${event.sha}`);
  expect(done.log).toMatch(/::warning.*revision.*HEAD/);
  expect(calls).toContain(`VCS_REF=${bump}`);
  expect(calls).toContain(`index:w=${bump.slice(0, 7)}`);
  expect(calls).not.toContain('{{sha}}');
  await rm(folder, { recursive: true });
});

describe('events that lack something', () => {
  test.each([
    ['deployment', /deployment\.ref/],
    ['release', /draft release has no git tag yet.*release\.tag_name/],
    ['repository_dispatch', /client_payload/],
  ])('%s without a ref says what it lacks and which tags work', async (event, hint) => {
    const sha = await repository.head();
    const without = { name: event, ref: '', sha: '', payload: { repository: REPOSITORY_PAYLOAD } };
    const named = await name(without, { tags: 'type=ref,event=branch', push: 'true' });
    expect(named).toMatchObject({ exitCode: 1, code: 'NO_TAGS' });
    expect(named.message).toMatch(hint);
    expect(named.message).toContain(`The event ${event} has no ref`);
    const written = await name(without, { tags: 'type=sha\ntype=semver,pattern={{version}},value=v1.2.3' });
    expect(written).toMatchObject({ exitCode: 0, tags: ['1.2.3', short(sha), 'latest'], revision: sha });
  });

  test.each([[''], ['  \n'], ['{'], ['[]'], ['null']])(
    'an event file of %j has an outcome and a message',
    async (content) => {
      const event = await pushEvent(repository);
      const file = join(repository.directory, 'event.json');
      await writeFile(file, content);
      const named = await name(event, {}, { env: { GITHUB_EVENT_PATH: file } });
      expect(named.outcome).toMatch(/^(?:planned|invalid-input)$/);
      expect(named.log).not.toMatch(/^(?!::debug).*at .*index\.js/m);
      if (named.exitCode !== 0) expect(named.message).toMatch(/event payload/);
    },
  );
});
