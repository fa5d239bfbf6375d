import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HandOver, ImageIdentity } from '../../../src/domain/merge/hand-over.ts';
import type { ActionRun } from '../../support/action.ts';
import { startRegistry } from '../../support/registry.ts';
import { APP, createMergeJob, type MergeJob, single } from './job.ts';

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';

const errorsOf = ({ outputs }: ActionRun) => JSON.parse(outputs.json ?? '{}').errors;
const attempt = (number: number, id = '4242') => ({ id, attempt: number, job: 'build', runner: 'r, Linux ARM64' });

/** The layouts of one run: amd64 of attempt 1, and arm64 of attempts 1 and 2 with different content. */
async function twoAttempts(job: MergeJob, first: Partial<HandOver>, second: Partial<HandOver>) {
  await job.handOver(await job.image(single(AMD), 'layouts/amd'), second);
  await job.handOver(await job.image(single(ARM, {}, { content: 'one' }), 'layouts/arm-1'), first);
  const newest = await job.image(single(ARM, {}, { content: 'two' }), 'layouts/arm-2');
  await job.handOver(newest, { ...second, run: attempt(2) });
  return newest;
}

describe('another image of the same run is never taken for an earlier attempt', () => {
  const image = (more: Partial<ImageIdentity>) => ({ image: { ...APP, ...more } });
  test.each<[string, Partial<HandOver>, string, RegExp]>([
    [
      'another name',
      image({ repositories: ['ghcr.io/org/web'] }),
      'IMAGES_MIXED',
      /layouts\/amd \(ghcr\.io\/org\/app.*layouts\/arm-1 \(ghcr\.io\/org\/web/,
    ],
    [
      'another target',
      image({ target: 'debug' }),
      'IMAGES_MIXED',
      /layouts\/arm-1 \(ghcr\.io\/org\/app, version main, target debug\)/,
    ],
    [
      'another Dockerfile',
      image({ file: 'Dockerfile.alpine' }),
      'PLATFORM_CONFLICT',
      /layouts\/arm-1, ghcr\.io\/org\/app, version main, file Dockerfile\.alpine, run 4242, attempt 1\)/,
    ],
    ['no word on which image it is', { image: undefined }, 'PLATFORM_CONFLICT', /layouts\/arm-1, run 4242, attempt 1/],
    ['another run', { run: attempt(1, '4141') }, 'PLATFORM_CONFLICT', /run 4141, attempt 1/],
    ['the same attempt', { run: attempt(2) }, 'PLATFORM_CONFLICT', /layouts\/arm-2.* and .*layouts\/arm-1/],
  ])('with %s', async (_, first, code, message) => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    await twoAttempts(job, first, {});
    const run = await job.merge({ images: `${registry.host}/org/app` }, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(errorsOf(run), run.log).toMatchObject([{ code, message: expect.stringMatching(message) }]);
    expect(registry.writes()).toEqual([]);
  });

  test('with a file that was renamed on the way', async () => {
    await using job = await createMergeJob();
    const { directory } = await twoAttempts(job, {}, {});
    await rename(join(directory, 'registry-action.json'), join(directory, 'registry-action (1).json'));
    const run = await job.merge({ push: 'false' }, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(errorsOf(run), run.log).toMatchObject([{ code: 'PLATFORM_CONFLICT' }]);
  });

  test('when each platform is there once', async () => {
    await using job = await createMergeJob();
    await job.handOver(await job.image(single(AMD), 'layouts/1'), { image: { ...APP, target: 'debug' } });
    await job.handOver(await job.image(single(ARM), 'layouts/2'));
    const run = await job.merge({ push: 'false' });
    expect(errorsOf(run), run.log).toMatchObject([
      { code: 'IMAGES_MIXED', message: expect.stringMatching(/target debug.*no target/) },
    ]);
    expect(run.summary).toMatch(/Merge one image at a time/);
  });
});

describe('a changed file', () => {
  test.each<[string, Partial<HandOver>, RegExp]>([
    [
      'names an attempt that has not started',
      { run: attempt(3) },
      /attempt 2 of the run.*names a later one: layouts\/1/,
    ],
    [
      'is about another platform',
      { platforms: [ARM] },
      /is an image for linux\/amd64, and .* is about one for linux\/arm64/,
    ],
  ])('%s', async (_, facts, message) => {
    await using job = await createMergeJob();
    await job.handOver(await job.image(single(AMD), 'layouts/1'), facts);
    await job.handOver(await job.image(single(ARM), 'layouts/2'));
    const run = await job.merge({ push: 'false' }, { env: { GITHUB_RUN_ATTEMPT: '2' } });
    expect(errorsOf(run), run.log).toMatchObject([{ code: 'SOURCE_INVALID', message: expect.stringMatching(message) }]);
  });

  test('has its attempt as text', async () => {
    await using job = await createMergeJob();
    const layout = await job.image(single(AMD), 'layouts/1');
    await job.image(single(ARM), 'layouts/2');
    await job.handOver(layout);
    const file = join(layout.directory, 'registry-action.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"attempt": 1', '"attempt": "1"'));
    const run = await job.merge({ push: 'false' });
    expect(errorsOf(run), run.log).toMatchObject([
      { code: 'SOURCE_INVALID', message: expect.stringMatching(/it has no attempt/) },
    ]);
  });
});

// https://github.com/owncloud-docker/ubuntu/pull/283: the arm64 image of one version was merged into another.
test('platforms of two versions are not merged', async () => {
  await using job = await createMergeJob();
  await job.handOver(await job.image(single(AMD), 'layouts/1'), { image: { ...APP, version: '8.0', buildArgs: 'a' } });
  await job.handOver(await job.image(single(ARM), 'layouts/2'), { image: { ...APP, version: '8.1', buildArgs: 'b' } });
  const run = await job.merge({ push: 'false' });
  expect(errorsOf(run), run.log).toMatchObject([
    { code: 'IMAGES_MIXED', message: expect.stringMatching(/version 8\.0.*version 8\.1/) },
  ]);
});

test('artifacts that were downloaded into one folder: the message says how to download them', async () => {
  await using job = await createMergeJob();
  await job.image(single(AMD), 'layouts');
  const { directory } = await job.image(single(ARM), 'arm');
  await cp(directory, join(job.repository.directory, 'layouts'), { recursive: true });
  const run = await job.merge({ push: 'false' });
  expect(errorsOf(run), run.log).toMatchObject([{ code: 'PLATFORM_MISSING' }]);
  expect(run.log).toMatch(/without `merge-multiple`/);
});

test('other names and several runs are warned of', async () => {
  await using job = await createMergeJob();
  await job.handOver(await job.image(single(AMD), 'layouts/1'), { run: attempt(7, '4141') });
  await job.handOver(await job.image(single(ARM), 'layouts/2'));
  const run = await job.merge({ push: 'false', images: 'registry.example.com/org/web' });
  expect(run, run.log).toMatchObject({ exitCode: 0 });
  expect(run.log).toMatch(
    /::warning.*layouts\/1 was built as ghcr\.io\/org\/app, and is published as registry\.example\.com\/org\/web/,
  );
  expect(run.log).toMatch(/::warning.*different runs: layouts\/1 \(4141\), layouts\/2 \(4242\)/);
});

test('what the building jobs write tells images apart, and not the attempts of one on different runners', async () => {
  await using job = await createMergeJob();
  const build = async (platform: string, images: string, env: Readonly<Record<string, string>> = {}) => {
    await job.image(single(platform, {}, { images, ...env }));
    const name = [images.slice(-3), platform.slice(6), env.GITHUB_RUN_ATTEMPT ?? 1].join('-');
    const options = { images, push: 'false', scan: 'off', 'layout-directory': `layouts/${name}` };
    const run = await job.publish({ ...options, source: join(job.repository.directory, 'image') }, { env });
    expect(run, run.log).toMatchObject({ exitCode: 0 });
    return run.outputs.digest;
  };
  await build(AMD, 'ghcr.io/org/api');
  await build(ARM, 'ghcr.io/org/api');
  const second = await build(ARM, 'ghcr.io/org/api', { GITHUB_RUN_ATTEMPT: '2', RUNNER_NAME: 'another' });
  const again = { env: { GITHUB_RUN_ATTEMPT: '2' } };
  const merged = await job.merge({ images: 'ghcr.io/org/api', push: 'false' }, again);
  expect(merged, merged.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  expect(JSON.parse(merged.outputs.json ?? '{}').parts[1]).toMatchObject({ digest: second });
  await build(ARM, 'ghcr.io/org/web', { GITHUB_RUN_ATTEMPT: '2' });
  const mixed = await job.merge({ images: 'ghcr.io/org/api', push: 'false' }, again);
  expect(errorsOf(mixed), mixed.log).toMatchObject([{ code: 'IMAGES_MIXED' }]);
});
