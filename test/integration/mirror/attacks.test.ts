import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { expectWhole } from '../../support/copy-scene.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, STATE_KEY, TARGET_NAME } from '../../support/mirror/scene.ts';

test('a source tag that moves during the run: the target gets the whole image of the plan, the next run the new one', async () => {
  await using scene = await mirrorScene();
  const old = scene.index([scene.image(['old'])], {}, 'latest');
  const next = scene.index([scene.image(['new'])], { annotations: { next: 'yes' } });
  scene.source.addFault({
    match: { method: 'GET', path: /\/blobs\// },
    action: { moves: { repository: SOURCE_NAME, tag: 'latest', to: next.descriptor.digest }, when: 'before' },
  });
  const config = scene.config('[latest]');
  const run = await runMirror({ config });
  expect(run.exitCode, run.log).toBe(0);
  expect(scene.target.tags(TARGET_NAME).latest).toBe(old.descriptor.digest);
  expectWhole(scene.target, TARGET_NAME, [old.descriptor.digest]);
  expect(rowsOf(await runMirror({ config }))).toEqual(['latest update done']);
  expect(scene.target.tags(TARGET_NAME).latest).toBe(next.descriptor.digest);
});

test.each([
  ['a failing list', { status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } }],
  ['a list that is cut off', { truncate: true }],
  ['a list of nothing', { status: 200, body: { name: SOURCE_NAME, tags: [] } }],
  ['a repository that is gone', { status: 404, body: { errors: [{ code: 'NAME_UNKNOWN', message: 'gone' }] } }],
] as const)('`delete: untag-missing` removes nothing after %s', async (_, action) => {
  await using scene = await mirrorScene();
  for (const tag of ['v1', 'v2']) scene.image([tag], {}, tag);
  const inputs = { config: scene.config('["*"]', 'delete: untag-missing'), 'state-key': STATE_KEY };
  expect((await runMirror(inputs)).outputs['copied-tags']).toBe('2');
  scene.source.addFault({ match: { method: 'GET', path: /\/tags\/list/, nth: 'all' }, action });
  const run = await runMirror(inputs);
  expect(run.exitCode).toBe(1);
  expect(run.outputs['removed-tags']).toBe('0');
  const tags = Object.keys(scene.target.tags(TARGET_NAME)).filter((tag) => /^v\d$/.test(tag));
  expect(tags.toSorted()).toEqual(['v1', 'v2']);
});

test('an image of the first schema fails alone, and says why', async () => {
  await using scene = await mirrorScene();
  scene.image(['fine'], {}, 'v2');
  const old = Buffer.from(
    JSON.stringify({ schemaVersion: 1, name: SOURCE_NAME, tag: 'v1', fsLayers: [], history: [] }),
  );
  scene.source.putManifest(SOURCE_NAME, 'v1', 'application/vnd.docker.distribution.manifest.v1+prettyjws', old);
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.exitCode).toBe(1);
  expect(rowsOf(run)).toEqual(['v1 failed', 'v2 copy done']);
  expect(run.log).toContain('schema 1');
});

test('layers that are not distributed stay where their URLs lead', async () => {
  await using scene = await mirrorScene();
  const foreign = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: `sha256:${'f'.repeat(64)}`,
    size: 5,
    urls: ['https://example.com/layer'],
  };
  const config = { ...scene.blob('windows'), mediaType: MEDIA_TYPES.dockerConfig };
  const image = scene.store(MEDIA_TYPES.dockerManifest, { config, layers: [foreign, scene.blob('own')] }, 'v1');
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.exitCode, run.log).toBe(0);
  expect(scene.target.tags(TARGET_NAME).v1).toBe(image.descriptor.digest);
  expect(scene.source.log.some(({ path }) => path.includes('ffffffff'))).toBe(false);
});

test('one of two targets is down: the other gets everything, and the run names the one', async () => {
  await using scene = await mirrorScene();
  scene.usual();
  // Nothing listens on the port that is reserved for discarding.
  const down = '127.0.0.1:9';
  const config = scene.config('[v1]').replace(/to: \[(.*)\]/, `to: [$1, ${down}/mirror/app]`);
  const run = await runMirror({ config, 'metrics-file': 'm.prom' });
  expect(run.exitCode).toBe(1);
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toEqual(['v1']);
  expect(run.log).toContain(down);
  const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
  const success = metrics.split('\n').filter((line) => line.startsWith('registry_action_target_success{'));
  expect(success).toHaveLength(2);
  expect(success.find((line) => line.includes(scene.target.host))).toMatch(/ 1$/);
  expect(success.find((line) => line.includes(down))).toMatch(/ 0$/);
});

test('two entries for one source and different targets', async () => {
  await using scene = await mirrorScene({ targets: [{}, {}] });
  scene.usual();
  const to = scene.targets.map(
    ({ host }) => `  - {from: ${scene.source.host}/${SOURCE_NAME}, to: ${host}/x/y, tags: [v1]}`,
  );
  const run = await runMirror({ config: ['version: 1', 'mirrors:', ...to].join('\n') });
  expect(run.exitCode, run.log).toBe(0);
  for (const target of scene.targets) expect(Object.keys(target.tags('x/y'))).toEqual(['v1']);
});

test.each([
  ['newest: 0', 'from 1 to 100000'],
  ['referrers: &a true\n    moved: *a', 'aliases'],
])('%j is an error with line and column, before any request', async (more, text) => {
  await using scene = await mirrorScene();
  const run = await runMirror({ config: scene.config('["*"]', more) });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain(text);
  expect(run.log).toMatch(/:\d+:\d+: /);
  expect(scene.source.log).toEqual([]);
});
