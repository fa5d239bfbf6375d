import { expect, test } from 'vitest';
import { expectWhole } from '../../support/copy-scene.ts';
import {
  manifestRequests,
  mirrorScene,
  rowsOf,
  runMirror,
  SOURCE_NAME,
  TARGET_NAME,
} from '../../support/mirror/scene.ts';

test('a first run copies images with everything attached; a second one changes nothing and reads no manifest', async () => {
  await using scene = await mirrorScene();
  const { source, target, config } = scene;
  const { root, referrers } = scene.usual();
  scene.image(['edge'], {}, 'edge');
  scene.image(['other'], {}, 'other');
  const written = config('["v*", edge]');

  const plan = await runMirror({ config: written, 'dry-run': 'true' });
  expect(plan.exitCode).toBe(0);
  expect(plan.outputs).toMatchObject({ outcome: 'planned', 'copied-tags': '2' });
  expect(target.writes()).toEqual([]);
  expect(rowsOf(plan)).toEqual(['edge copy', 'v1 copy']);

  const first = await runMirror({ config: written });
  expect(first.exitCode).toBe(0);
  expect(first.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '2', 'equal-tags': '0' });
  expect(target.tags(TARGET_NAME)).toEqual({ edge: source.tags(SOURCE_NAME).edge, v1: root.descriptor.digest });
  expectWhole(target, TARGET_NAME, target.digests(TARGET_NAME));
  for (const { descriptor } of referrers) expect(target.digests(TARGET_NAME)).toContain(descriptor.digest);

  scene.clear();
  const second = await runMirror({ config: written });
  expect(second.outputs).toMatchObject({ outcome: 'unchanged', 'copied-tags': '0', 'equal-tags': '2' });
  expect(target.writes()).toEqual([]);
  expect(manifestRequests(source, 'GET')).toEqual([]);
  expect(manifestRequests(source, 'HEAD')).toHaveLength(2);
});

test('without attachments, an unchanged tag takes one request at each side', async () => {
  await using scene = await mirrorScene();
  for (let at = 0; at < 20; at++) scene.image([`layer ${at}`], {}, `1.${at}.0`);
  const written = scene.config('["*"]', 'referrers: false');
  expect((await runMirror({ config: written })).outputs.outcome).toBe('mirrored');
  scene.clear();
  expect((await runMirror({ config: written })).outputs.outcome).toBe('unchanged');
  expect(scene.source.requests()).toBe(21);
  expect(scene.target.requests()).toBe(20);
});

test('a first copy takes no request that cannot matter', async () => {
  await using scene = await mirrorScene();
  for (let at = 0; at < 3; at++) {
    const children = [scene.image([`amd64 ${at}`, 'base']), scene.image([`arm64 ${at}`, 'base'])];
    scene.index(children, { annotations: { at: `${at}` } }, `1.${at}.0`);
  }
  const run = await runMirror({ config: scene.config('["*"]', 'referrers: false') });
  expect(run.outputs['copied-tags']).toBe('3');
  const { log } = scene.target;
  const puts = manifestRequests(scene.target, 'PUT').map((path) => path.split('/').at(-1) ?? '');
  // Each image once, and each index under its tag only.
  expect(puts.filter((reference) => !reference.startsWith('sha256:')).toSorted()).toEqual(['1.0.0', '1.1.0', '1.2.0']);
  expect(puts.filter((reference) => reference.startsWith('sha256:'))).toHaveLength(6);
  const blobs = log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
  expect(blobs).toHaveLength(13);
  // Layers are asked for, configs of missing images are not.
  const asked = log.filter(({ method, path }) => method === 'HEAD' && path.includes('/blobs/'));
  expect(new Set(asked.map(({ path }) => path)).size).toBe(7);
  // An empty repository is not asked for each tag before, only when it is written.
  const tags = manifestRequests(scene.target, 'HEAD').filter((path) => !path.includes('sha256:'));
  expect(tags).toHaveLength(4);
});
