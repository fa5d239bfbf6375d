import { expect, test } from 'vitest';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

test('a source that lists paths as tags cannot write anywhere else', async () => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, 'v1');
  const tags = [
    'v1',
    '../../../victim/manifests/latest',
    'a/b',
    'x?y',
    '%2e%2e',
    '-x',
    'a b',
    '::set-output name=x::y',
  ];
  scene.source.addFault({
    match: { path: /tags\/list/, nth: 'all' },
    action: { status: 200, body: { name: SOURCE_NAME, tags } },
  });
  const run = await runMirror({ config: scene.config('["**", "/.*/"]') });
  expect(rowsOf(run)).toEqual(['v1 copy done']);
  expect(scene.target.repositories()).toEqual([TARGET_NAME]);
  expect(scene.source.log.some(({ path }) => path.includes('victim'))).toBe(false);
});

test('content that does not match its digest gets no tag', async () => {
  await using scene = await mirrorScene();
  scene.image(['first', 'second'], {}, 'v1');
  scene.source.addFault({ match: { method: 'GET', path: /blobs/, nth: 'all' }, action: { corrupt: 'answer' } });
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.exitCode).toBe(1);
  expect(scene.target.tags(TARGET_NAME)).toEqual({});
});

test('a server error for one tag does not keep the others of its repository', async () => {
  await using scene = await mirrorScene();
  for (const tag of ['a', 'b', 'c']) scene.image([tag], {}, tag);
  scene.source.addFault({ match: { path: /manifests\/b$/, nth: 'all' }, action: { status: 500 } });
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.exitCode).toBe(1);
  expect(rowsOf(run)).toEqual(['a copy done', 'b failed', 'c copy done']);
});

test('between two repositories of one registry, content is mounted', async () => {
  await using scene = await mirrorScene({ targets: [] });
  scene.usual();
  const { host } = scene.source;
  const config = `version: 1\nmirrors:\n  - {from: ${host}/${SOURCE_NAME}, to: ${host}/${TARGET_NAME}, tags: [v1]}`;
  const run = await runMirror({ config });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-bytes': '0' });
  expect(JSON.parse(run.outputs.json ?? '').totals.mounted).toBeGreaterThan(10);
});

test('many images between two repositories of one registry that mounts nothing do not wait for each other', async () => {
  await using scene = await mirrorScene({ targets: [] });
  for (let at = 0; at < 30; at++) scene.image([`${at} one`, `${at} two`, `${at} three`], {}, `1.${at}.0`);
  scene.source.addFault({ match: { method: 'POST', path: /mount=/, nth: 'all' }, action: { ignoreMount: true } });
  const { host } = scene.source;
  const config = `version: 1\nmirrors:\n  - {from: ${host}/${SOURCE_NAME}, to: ${host}/${TARGET_NAME}, tags: ["*"]}\nlimits: {parallel: 16}`;
  const run = await runMirror({ config }, { timeout: 60_000 });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '30' });
});

test('a cancelled run ends as cancelled, and no tag points to missing content', async () => {
  await using scene = await mirrorScene();
  scene.usual();
  scene.target.addFault({ match: { method: 'PUT', path: /\/blobs\//, nth: 4 }, action: { hang: 'before' } });
  const run = await runMirror(
    { config: scene.config('[v1]') },
    {
      onSpawn: (child) => {
        const timer = setInterval(() => {
          if (!scene.target.log.some(({ method }) => method === 'PUT')) return;
          clearInterval(timer);
          setTimeout(() => child.kill('SIGTERM'), 300);
        }, 20);
      },
    },
  );
  expect(run.exitCode).not.toBe(0);
  expect(run.outputs.outcome).toBe('cancelled');
  expect(scene.target.tags(TARGET_NAME)).toEqual({});
});

test.each(['ecr', 'harbor', 'quay'] as const)(
  'a target with immutable tags (%s) gets everything that is new',
  async (style) => {
    await using scene = await mirrorScene({ targets: [{ immutable: { tags: /./, style } }] });
    const before = scene.image(['before'], {}, 'latest');
    const config = scene.config('["*"]', 'referrers: false');
    await runMirror({ config });
    scene.image(['after'], {}, 'latest');
    scene.image(['new'], {}, 'new');
    const run = await runMirror({ config });
    expect(run.outputs.outcome).toBe('tag-conflict');
    expect(rowsOf(run)).toEqual(['latest failed', 'new copy done']);
    expect(scene.target.tags(TARGET_NAME).latest).toBe(before.descriptor.digest);
  },
);
