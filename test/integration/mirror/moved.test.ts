import { expect, test } from 'vitest';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

test('a tag that is meant to move is updated, and the former digest is told', async () => {
  await using scene = await mirrorScene();
  const before = scene.image(['before'], {}, 'latest');
  const config = scene.config('[latest]');
  await runMirror({ config });
  const after = scene.image(['after'], {}, 'latest');
  const run = await runMirror({ config });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).latest).toBe(after.descriptor.digest);
  expect(JSON.parse(run.outputs.json ?? '').sources[0].tags[0]).toMatchObject({
    action: 'update',
    previousDigest: before.descriptor.digest,
    digest: after.descriptor.digest,
  });
});

test('P3: a version that the source changed is blocked and fails the run, and everything else is copied', async () => {
  await using scene = await mirrorScene();
  const before = scene.image(['before'], {}, '1.2.3');
  const config = scene.config('["*"]');
  await runMirror({ config });
  scene.image(['after'], {}, '1.2.3');
  const other = scene.image(['other'], {}, '1.2.4');
  const run = await runMirror({ config });
  expect(run.exitCode).toBe(1);
  expect(run.outputs).toMatchObject({ outcome: 'tag-conflict', 'blocked-tags': '1', 'copied-tags': '1' });
  expect(scene.target.tags(TARGET_NAME)).toEqual({
    '1.2.3': before.descriptor.digest,
    '1.2.4': other.descriptor.digest,
  });
  expect(run.summary).toContain('⛔');
  expect(run.log).toContain('a version or commit must not change');
});

test('`moved` decides by kind of tag', async () => {
  await using scene = await mirrorScene();
  for (const tag of ['1.2.3', 'edge', 'sha-0123456']) scene.image([`before ${tag}`], {}, tag);
  await runMirror({ config: scene.config('["*"]') });
  const held = scene.target.tags(TARGET_NAME);
  for (const tag of ['1.2.3', 'edge', 'sha-0123456']) scene.image([`after ${tag}`], {}, tag);
  const keep = await runMirror({ config: scene.config('["*"]', 'moved: {moving: keep, versions: keep}') });
  expect(keep.exitCode).toBe(0);
  expect(keep.outputs.outcome).toBe('unchanged');
  expect(rowsOf(keep)).toEqual(['1.2.3 keep', 'edge keep', 'sha-0123456 keep']);
  const fail = await runMirror({ config: scene.config('["*"]', 'moved: fail') });
  expect(rowsOf(fail)).toEqual(['1.2.3 blocked', 'edge blocked', 'sha-0123456 blocked']);
  expect(fail.exitCode).toBe(1);
  expect(scene.target.tags(TARGET_NAME)).toEqual(held);
  const update = await runMirror({ config: scene.config('["*"]', 'moved: {versions: update}') });
  expect(rowsOf(update)).toEqual(['1.2.3 update done', 'edge update done', 'sha-0123456 update done']);
  expect(scene.target.tags(TARGET_NAME)).toEqual(scene.source.tags(SOURCE_NAME));
});

test('a tag that somebody moves at the target during the run is left to them', async () => {
  await using scene = await mirrorScene();
  scene.image(['before'], {}, 'latest');
  const config = scene.config('[latest]', 'referrers: false');
  await runMirror({ config });
  const foreign = scene.target.putManifest(
    TARGET_NAME,
    'theirs',
    'application/vnd.oci.image.index.v1+json',
    Buffer.from('{"schemaVersion":2,"manifests":[]}'),
  );
  scene.image(['after'], {}, 'latest');
  scene.target.addFault({
    match: { method: 'HEAD', path: /manifests\/latest/, nth: 2 },
    action: { moves: { repository: TARGET_NAME, tag: 'latest', to: foreign }, when: 'before' },
  });
  const run = await runMirror({ config });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('tag-conflict');
  expect(scene.target.tags(TARGET_NAME).latest).toBe(foreign);
});

test('a pinned tag is copied only while it points to its digest', async () => {
  await using scene = await mirrorScene();
  const right = scene.image(['right'], {}, '2.0.0');
  const config = scene.config(`["2.0.0@${right.descriptor.digest}"]`);
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  scene.image(['wrong'], {}, '2.0.0');
  const run = await runMirror({ config });
  expect(run.outputs.outcome).toBe('tag-conflict');
  expect(run.log).toContain('pins it to');
  expect(scene.target.tags(TARGET_NAME)['2.0.0']).toBe(right.descriptor.digest);
});
