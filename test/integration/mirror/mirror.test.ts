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
