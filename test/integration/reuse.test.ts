import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ActionOptions, runAction } from '../support/action.ts';
import { buildingDocker } from '../support/building-docker.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { dispatchEvent } from '../support/repository.ts';
import { createSetting, GOOD, LODASH } from './setting.ts';

/** A job that builds with docker, in a checkout with a Dockerfile. */
async function createJob() {
  const setting = await createSetting();
  const root = await realpath(await mkdtemp(join(tmpdir(), 'reuse-')));
  const docker = await buildingDocker(join(root, 'docker'));
  await setting.repository.commit('the app', { Dockerfile: 'FROM scratch AS debug\n', '.gitignore': 'dist\n' });
  const path = `${docker.directory}:${process.env.TEST_TRIVY_DIR}:/usr/bin:/bin`;
  let runs = 0;
  /** Each publish is a run of its own unless it says which. */
  const publish = (inputs: Readonly<Record<string, string>>, options: Partial<ActionOptions> = {}) => {
    runs += 1;
    const env = { PATH: path, GITHUB_RUN_ID: String(1000 + runs), ...options.env };
    return setting.publish({ source: '', 'github-token': '', ...inputs }, { ...options, env });
  };
  return {
    ...setting,
    publish,
    builds: docker.builds,
    /** Outside of the checkout; removed with the job. */
    directory: root,
    [Symbol.asyncDispose]: async () => {
      await setting[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

type Job = Awaited<ReturnType<typeof createJob>>;

const shortTag = async ({ repository }: Job) => `sha-${(await repository.head()).slice(0, 7)}`;
const attempt = (run: string, number: number) => ({ GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: String(number) });
const READ = /read from the registry, not built by this run/;

/** What the config and the build arguments under a tag say. */
function inside(registry: TestRegistry, tag: string) {
  const read = (digest: string) => JSON.parse(registry.manifest('org/app', digest)?.bytes.toString() ?? '{}');
  const index = read(tag);
  const manifest = read(index.manifests[0].digest);
  const config = JSON.parse(registry.blob('org/app', manifest.config.digest)?.toString() ?? '{}');
  return { annotations: index.annotations, labels: config.config.Labels };
}

describe('a release of a commit that its branch has published', () => {
  test.each([
    ['alone', {}],
    ['with build-metadata', { 'build-metadata': 'true' }],
    ['with VERSION=<ref>', { 'build-args': 'VERSION={{ref}}' }],
  ])('%s: is built as the release, the commit tag stays, and re-runs change nothing', async (_, more) => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const inputs = (version: string) =>
      Object.fromEntries(
        Object.entries({ images, ...more }).map(([key, value]) => [key, value.replace('{{ref}}', version)]),
      );
    const main = await job.publish(inputs('main'), { env: attempt('1', 1) });
    expect(main, main.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    const event = await job.tag('v1.2.3');
    const release = await job.publish(inputs('1.2.3'), { event, env: attempt('2', 1) });
    expect(release, release.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(release.summary).toMatch(/sha-\w+.*left.*points to the first published build/);

    const VERSION = 'org.opencontainers.image.version';
    const { annotations, labels } = inside(registry, '1.2.3');
    expect([annotations[VERSION], labels[VERSION]]).toEqual(['1.2.3', '1.2.3']);
    const sha = await shortTag(job);
    const [first, second] = [main.outputs.digest ?? '', release.outputs.digest ?? ''];
    expect(first).not.toBe(second);
    const tags = { main: first, [sha]: first, '1.2.3': second, '1.2': second, '1': second, latest: second };
    expect(registry.tags('org/app')).toEqual(tags);

    for (const [version, run, options] of [
      ['main', '1', {}],
      ['1.2.3', '2', { event }],
    ] as const) {
      registry.clearLog();
      const again = await job.publish(inputs(version), { ...options, env: attempt(run, 2) });
      expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
      for (const text of [again.log, again.summary, again.outputs.json]) expect(text).toMatch(READ);
      expect(registry.writes()).toEqual([]);
    }
    expect(registry.tags('org/app')).toEqual(tags);
    expect(await job.builds()).toHaveLength(2);
  });
});

test('the released digest is promoted under its own version, not under the name of the branch', async () => {
  await using job = await createJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  const main = await job.publish({ images });
  expect(main, main.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const event = await job.tag('v1.2.3');
  const release = await job.publish({ images }, { event });
  const { digest = '' } = release.outputs;
  const onMain = await job.push();
  const promote = (from: string) =>
    runAction({
      inputs: {
        command: 'promote',
        images,
        from,
        to: `${registry.host}/org/prod:{{version}}\nproduction`,
        environment: 'production',
      },
      workspace: job.repository.directory,
      event: onMain,
    });
  await using promoted = await promote(digest);
  expect(promoted, promoted.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted', digest } });
  expect(registry.tags('org/prod')).toMatchObject({ '1.2.3': digest });
  expect(registry.tags('org/app')).toMatchObject({ production: digest });
  // The build of the branch has no version to be promoted under.
  await using refused = await promote('main');
  expect(refused.outputs.outcome, refused.log).toBe('invalid-input');
  expect(refused.log).toContain('{{version}} is "main", which is not a version');
  expect(registry.tags('org/prod')).not.toHaveProperty('main');
});

test("P11: a release job's bump commit is built and recorded, although its parent is published", async () => {
  await using job = await createJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  const event = await job.push();
  const before = await job.publish({ images, scan: 'off' }, { event });
  expect(before, before.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const bump = await job.repository.commit('1.2.3', { version: '1.2.3' });
  await job.repository.tag('v1.2.3');
  const tags = 'type=ref,event=branch\ntype=sha\ntype=semver,pattern={{version}},value=v1.2.3';
  const run = await job.publish({ images, tags, scan: 'off' }, { event });
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  expect(await job.builds()).toHaveLength(2);
  const { annotations, labels } = inside(registry, '1.2.3');
  const REVISION = 'org.opencontainers.image.revision';
  expect([annotations[REVISION], labels[REVISION]]).toEqual([bump, bump]);
  const released = run.outputs.digest;
  expect(registry.tags('org/app')).toMatchObject({
    '1.2.3': released,
    main: released,
    [await shortTag(job)]: released,
  });
});

describe('an earlier publish is taken only where nothing differs', () => {
  test.each<[string, Record<string, string>, Record<string, string>, number]>([
    ['nothing', {}, {}, 1],
    ['a cache', { 'cache-from': 'type=gha' }, {}, 1],
    ['no-cache', { 'no-cache': 'true' }, {}, 2],
    ['pull', { pull: 'true' }, {}, 2],
    ['no-cache-filters', { 'no-cache-filters': 'build' }, {}, 2],
    ['a build argument', { 'build-args': 'A=1' }, {}, 2],
    ['a label', { labels: 'a=1' }, {}, 2],
    ['an annotation', { annotations: 'index:a=1' }, {}, 2],
    ['build-metadata', { 'build-metadata': 'true' }, {}, 2],
    ['the target', { target: 'debug' }, {}, 2],
    ['another id of a secret', { secrets: 'token=abcdefgh' }, {}, 2],
    ['provenance', { provenance: 'mode=min' }, {}, 2],
    ['another tag', { tags: 'type=ref,event=branch\ntype=sha\ntype=raw,value=edge' }, {}, 2],
    ['SOURCE_DATE_EPOCH', {}, { SOURCE_DATE_EPOCH: '1' }, 2],
    ['a setting of buildx', {}, { BUILDX_GIT_LABELS: '1' }, 2],
    ['the architecture of the runner', {}, { RUNNER_ARCH: 'ARM64' }, 2],
  ])('%s', async (_, inputs, env, builds) => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const first = await job.publish({ images, scan: 'off' });
    expect(first, first.log).toMatchObject({ exitCode: 0 });
    const second = await job.publish({ images, scan: 'off', ...inputs }, { env });
    expect(second, second.log).toMatchObject({ exitCode: 0 });
    expect(await job.builds()).toHaveLength(builds);
    expect(registry.tags('org/app')[await shortTag(job)]).toBe(first.outputs.digest);
    expect(registry.tags('org/app').main).toBe(second.outputs.digest);
  });

  test('the value of a bare build argument counts', async () => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const inputs = { images: `${registry.host}/org/app`, 'build-args': 'API_URL', scan: 'off' };
    for (const API_URL of ['https://staging', 'https://production', 'https://production'])
      expect((await job.publish(inputs, { env: { API_URL } })).exitCode).toBe(0);
    expect(await job.builds()).toHaveLength(2);
  });

  test('a label with the time of the run does not make a re-run another build', async () => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const labels = "built={{date 'x'}}";
    const inputs = { images: `${registry.host}/org/app`, labels, 'build-metadata': 'true', scan: 'off' };
    for (let run = 0; run < 2; run++) expect((await job.publish(inputs)).exitCode).toBe(0);
    expect(await job.builds()).toHaveLength(1);
  });

  test('files that an earlier step made are built again; in a later attempt of the same run they are its own', async () => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const inputs = { images: `${registry.host}/org/app`, scan: 'off' };
    const dist = async (text: string) => {
      await mkdir(join(job.repository.directory, 'dist'), { recursive: true });
      await writeFile(join(job.repository.directory, 'dist/app.js'), text);
    };
    await dist('staging');
    const staging = await job.publish(inputs, { env: attempt('1', 1) });
    await dist('production');
    const production = await job.publish(inputs, { env: attempt('2', 1) });
    expect(production.log).toMatch(/is not taken: the folder dist is not in the commit/);
    expect(production.outputs.digest).not.toBe(staging.outputs.digest);
    expect(registry.tags('org/app').main).toBe(production.outputs.digest);
    const again = await job.publish(inputs, { env: attempt('2', 2) });
    expect(again, again.log).toMatchObject({ outputs: { outcome: 'unchanged', digest: production.outputs.digest } });
    const other = await job.publish(inputs, { env: { ...attempt('2', 2), GITHUB_ACTION: 'publish_2' } });
    expect(other.outputs.outcome).toBe('published');
    expect(await job.builds()).toHaveLength(3);
  });

  test('an image in another registry is never brought over: it is built again, and both converge', async () => {
    await using job = await createJob();
    await using full = await startRegistry();
    await using empty = await startRegistry();
    const images = `${full.host}/org/app\n${empty.host}/org/app`;
    const failing = {
      match: { method: 'PUT', path: /\/manifests\/main$/, nth: 'all' as const },
      action: { status: 403 },
    };
    await using broken = await startRegistry({ faults: [failing] });
    const names = `${full.host}/org/app\n${broken.host}/org/app`;
    const first = await job.publish({ images: names }, { env: attempt('1', 1) });
    expect(first.exitCode, first.log).toBe(1);
    const sha = await shortTag(job);
    const [built] = await job.builds();
    expect(full.tags('org/app')[sha]).toBe(built);
    // The broken one holds the content: the re-run publishes that.
    const second = await job.publish({ images: names }, { env: attempt('1', 2) });
    expect(await job.builds()).toHaveLength(1);
    expect(second.exitCode).toBe(1);

    const third = await job.publish({ images }, { env: attempt('1', 3) });
    expect(third, third.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(await job.builds()).toHaveLength(2);
    expect(full.tags('org/app')).toEqual({ [sha]: built, main: third.outputs.digest });
    expect(empty.tags('org/app')).toEqual({ [sha]: third.outputs.digest, main: third.outputs.digest });
    expect(empty.manifest('org/app', built ?? '')).toBeUndefined();
  });

  test('what is taken has to pass the gate of today', async () => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const inputs = { images: `${registry.host}/org/app` };
    expect((await job.publish({ ...inputs, scan: 'off' })).exitCode).toBe(0);
    const scanned = await job.publish(inputs);
    expect(scanned, scanned.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged', 'scan-gated': '0' } });
    expect(await job.builds()).toHaveLength(1);
  });
});

describe('"Re-run all jobs" of a release', () => {
  test.each<[string, Record<string, string>]>([
    ['pull', { pull: 'true' }],
    ['no-cache', { 'no-cache': 'true' }],
    ['no-cache-filters', { 'no-cache-filters': 'build' }],
  ])(
    'with `%s`: what the first attempt built as asked is published; another run builds, and conflicts',
    async (name, asked) => {
      await using job = await createJob();
      await using registry = await startRegistry();
      const inputs = { images: `${registry.host}/org/app`, scan: 'off', ...asked };
      const event = await job.tag('v1.2.3');
      const first = await job.publish(inputs, { event, env: attempt('1', 1) });
      expect(first, first.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
      const again = await job.publish(inputs, { event, env: attempt('1', 2) });
      expect(again, again.log).toMatchObject({
        exitCode: 0,
        outputs: { outcome: 'unchanged', digest: first.outputs.digest },
      });
      expect(await job.builds()).toHaveLength(1);
      const other = await job.publish(inputs, { event, env: attempt('2', 1) });
      expect(other).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
      expect(other.log).toContain(`\`${name}\` requires a build`);
      // A branch tag can move to another build, so that is what a re-run with it makes.
      for (const number of [1, 2]) expect((await job.publish(inputs, { env: attempt('3', number) })).exitCode).toBe(0);
      expect(await job.builds()).toHaveLength(3);
    },
  );

  test.each<[string, string, RegExp, number, Record<string, string>]>([
    ['in the pre-flight', 'POST', /\/blobs\/uploads\//, 1, {}],
    ['at its content', 'PUT', /\/blobs\/uploads\//, 2, {}],
    ['at its version tag', 'PUT', /\/manifests\/1\.2\.3$/, 1, {}],
    ['at its version tag, with `pull`', 'PUT', /\/manifests\/1\.2\.3$/, 1, { pull: 'true' }],
    ['at a moving tag', 'PUT', /\/manifests\/latest$/, 1, {}],
  ])('whose second registry failed %s: both converge on one digest', async (_, method, path, builds, more) => {
    await using job = await createJob();
    await using one = await startRegistry();
    const hasVersion = path.source.includes('manifests');
    const fault = { match: { path, method }, action: { status: 403 } };
    await using two = await startRegistry({ faults: [fault] });
    const inputs = { images: `${one.host}/org/app\n${two.host}/org/app`, scan: 'off', ...more };
    const event = await job.tag('v1.2.3');
    const first = await job.publish(inputs, { event, env: attempt('1', 1) });
    expect(first, first.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(one.tags('org/app')['1.2.3']).toBe(hasVersion ? first.outputs.digest : undefined);
    if (!path.source.includes('latest')) expect(one.tags('org/app').latest).toBeUndefined();

    const again = await job.publish(inputs, { event, env: attempt('1', 2) });
    expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(await job.builds()).toHaveLength(builds);
    const digest = again.outputs.digest ?? '';
    if (hasVersion) expect(digest).toBe(first.outputs.digest);
    const tags = Object.fromEntries(['1.2.3', '1.2', '1', 'latest', await shortTag(job)].map((tag) => [tag, digest]));
    for (const registry of [one, two]) expect(registry.tags('org/app')).toEqual(tags);
    expect((await job.publish(inputs, { event, env: attempt('1', 3) })).outputs.outcome).toBe('unchanged');
  });

  test.each<[string, (sha: string) => readonly string[]]>([
    ['the commit tag', (sha) => [sha]],
    ['the commit tag and `latest`', (sha) => [sha, 'latest']],
    ['the version', () => ['1.2.3']],
  ])('P13: %s planted at one registry becomes the release of no other', async (_, planted) => {
    await using job = await createJob();
    const fault = { match: { method: 'PUT', path: /\/manifests\/(?:1\.2\.3|sha-)/ }, action: { status: 403 } };
    await using dev = await startRegistry({ faults: [fault] });
    await using prod = await startRegistry({ faults: [fault] });
    const event = await job.tag('v1.2.3');
    const sha = await shortTag(job);
    const inputs = { images: `${dev.host}/org/app\n${prod.host}/org/app`, scan: 'off' };
    expect((await job.publish(inputs, { event, env: attempt('1', 1) })).exitCode).toBe(1);
    // Everything that a run writes on its image can be read and copied.
    const [built = ''] = await job.builds();
    const { annotations } = JSON.parse(dev.manifest('org/app', built)?.bytes.toString() ?? '{}');
    expect(annotations).toMatchObject({ 'org.opencontainers.image.version': '1.2.3' });
    const { directory } = await writeLayout(join(job.directory, 'planted'), { ...GOOD, annotations });
    let evil = '';
    for (const tag of planted(sha)) evil = await dev.putLayout('org/app', tag, directory);

    const run = await job.publish(inputs, { event, env: attempt('1', 2) });
    expect(run.outputs.digest).not.toBe(evil);
    expect(prod.manifest('org/app', evil)).toBeUndefined();
    expect(run.log).toMatch(/is not in .*, and is not copied there from another repository/);
    if (planted(sha).includes('1.2.3')) {
      expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
      expect(prod.tags('org/app')).toEqual({});
      return;
    }
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    const release = run.outputs.digest;
    const tags = { '1.2.3': release, '1.2': release, '1': release, latest: release };
    expect(prod.tags('org/app')).toEqual({ ...tags, [sha]: release });
    // A commit tag never moves: there dev shows what was planted, and the summary says that it stayed.
    expect(dev.tags('org/app')).toEqual({ ...tags, [sha]: evil });
    expect(run.summary).toMatch(/sha-\w+.*left/);
  });
});

describe('if-published', () => {
  const MINE = { ...GOOD, annotations: { 'org.opencontainers.image.revision': '' } };
  const unlabelled = (made: string, files = {}) => ({
    platforms: GOOD.platforms.map((each) => ({ ...each, files: { ...each.files, ...files, made } })),
    annotations: MINE.annotations,
    attestations: 'none' as const,
  });

  test.each([[true], [false]])(
    'a source that is not reproducible, re-run (records its commit: %s): moving tags move, the commit tag stays',
    async (labelled) => {
      await using setting = await createSetting();
      await using registry = await startRegistry();
      const images = `${registry.host}/org/app`;
      const image = async (made: string) =>
        setting.image(labelled ? { ...unlabelled(made), annotations: {} } : unlabelled(made));
      const first = await image('first');
      expect((await setting.publish({ images })).exitCode).toBe(0);
      const second = await image('second');
      const again = await setting.publish({ images });
      expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest: second.digest } });
      const sha = `sha-${(await setting.repository.head()).slice(0, 7)}`;
      expect(registry.tags('org/app')).toEqual({ main: second.digest, [sha]: first.digest });
      for (const text of [again.log, again.summary]) expect(text).toMatch(/sha-.*(?:stays|left)/);
    },
  );

  test('a version of a source: `fail` stops with the remedy, `keep` leaves it, scans it and reports its digest', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const event = await setting.tag('v1.2.3');
    const first = await setting.image(unlabelled('first'));
    expect((await setting.publish({ images }, { event })).exitCode).toBe(0);
    await setting.image(unlabelled('second', LODASH));
    const before = registry.tags('org/app');
    const failed = await setting.publish({ images }, { event });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(failed.log).toMatch(/if-published: keep/);
    const kept = await setting.publish({ images, 'if-published': 'keep' }, { event });
    expect(kept, kept.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged', digest: first.digest } });
    expect(kept.outputs['scan-gated']).toBe('0');
    for (const text of [kept.log, kept.summary, kept.outputs.json]) expect(text).toMatch(READ);
    expect(registry.tags('org/app')).toEqual(before);
  });

  test('`keep` completes the tags with the published image, which has to pass the gate', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const event = await setting.tag('v1.2.3');
    const bad = await setting.image(unlabelled('first', LODASH), 'bad');
    await registry.putLayout('org/app', '1.2.3', bad.directory);
    await setting.image(unlabelled('second'));
    const gated = await setting.publish({ images, 'if-published': 'keep' }, { event });
    expect(gated, gated.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings', digest: bad.digest } });
    const reported = await setting.publish({ images, 'if-published': 'keep', scan: 'report' }, { event });
    expect(reported).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(registry.tags('org/app')).toMatchObject({ '1.2.3': bad.digest, '1.2': bad.digest, latest: bad.digest });
  });

  test('`keep` never keeps an image of another commit, and copies none to another registry', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await using empty = await startRegistry();
    const images = `${registry.host}/org/app`;
    const other = { ...GOOD, annotations: { 'org.opencontainers.image.revision': 'f'.repeat(40) } };
    const event = await setting.tag('v1.2.3');
    await registry.putLayout('org/app', '1.2.3', (await setting.image(other, 'other')).directory);
    await setting.image();
    const moved = await setting.publish({ images, 'if-published': 'keep' }, { event });
    expect(moved).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(moved.log).toMatch(/built from ffffff/);
    await registry.putLayout('org/app', '1.2.3', (await setting.image(unlabelled('first'), 'first')).directory);
    const two = `${images}\n${empty.host}/org/app`;
    const apart = await setting.publish({ images: two, 'if-published': 'keep' }, { event });
    expect(apart).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(apart.log).toMatch(/not copied from one repository to another/);
    expect(empty.writes()).toEqual([]);
  });

  test('a build: another one of a released commit fails before docker is asked; with `keep` it is read', async () => {
    await using job = await createJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const event = await job.tag('v1.2.3');
    const first = await job.publish({ images }, { event });
    const inputs = { images, pull: 'true' };
    const failed = await job.publish(inputs, { event });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(failed.log).toMatch(/`pull` requires a build/);
    const kept = await job.publish({ ...inputs, 'if-published': 'keep' }, { event });
    expect(kept, kept.log).toMatchObject({ exitCode: 0, outputs: { digest: first.outputs.digest } });
    expect(await job.builds()).toHaveLength(1);
  });
});

test('a run by hand on a published commit reads it again', async () => {
  await using job = await createJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  expect((await job.publish({ images })).exitCode).toBe(0);
  const again = await job.publish({ images }, { event: await dispatchEvent(job.repository) });
  expect(again.outputs.outcome).toBe('unchanged');
});
