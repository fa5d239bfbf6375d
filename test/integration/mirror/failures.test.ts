import { expect, test } from 'vitest';
import { expectWhole } from '../../support/copy-scene.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

/** A configuration with several sources of the same registry. */
function several(scene: Awaited<ReturnType<typeof mirrorScene>>, names: readonly string[]): string {
  const entries = names.map(
    (name) => `  - {from: ${scene.source.host}/${name}, to: ${scene.target.host}/mirror/${name}, tags: ["*"]}`,
  );
  return ['version: 1', 'mirrors:', ...entries].join('\n');
}

test('P9: a source that does not exist fails the run, and the others are copied', async () => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, 'v1');
  const run = await runMirror({ config: several(scene, ['library/none', SOURCE_NAME]) });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain('library/none has no tags, or does not exist');
  expect(Object.keys(scene.target.tags(`mirror/${SOURCE_NAME}`))).toEqual(['v1']);
  expect(run.summary).toContain('❌ failed');
});

test('one broken image does not keep the others of its repository', async () => {
  await using scene = await mirrorScene();
  const { children } = scene.usual();
  scene.image(['fine'], {}, 'v2');
  scene.source.drop(SOURCE_NAME, children[1].descriptor.digest);
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.exitCode).toBe(1);
  expect(rowsOf(run)).toEqual(['v1 failed', 'v2 copy done']);
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toEqual(['v2']);
});

test('a target that refuses writes is asked once, and the other target gets everything', async () => {
  await using scene = await mirrorScene({ targets: [{}, {}] });
  for (let at = 0; at < 5; at++) scene.image([`layer ${at}`], {}, `1.${at}.0`);
  const [broken, fine] = scene.targets;
  broken?.addFault({
    match: { method: 'POST', nth: 'all' },
    action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } },
  });
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.exitCode).toBe(1);
  expect(Object.keys(fine?.tags(TARGET_NAME) ?? {})).toHaveLength(5);
  expect(broken?.tags(TARGET_NAME)).toEqual({});
  expect(run.annotations.filter(({ level }) => level === 'error')).toHaveLength(1);
});

test('one read of the source feeds two targets', async () => {
  await using scene = await mirrorScene({ targets: [{}, {}] });
  scene.usual();
  await runMirror({ config: scene.config('[v1]') });
  const reads = scene.source.log.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
  expect(reads.length).toBe(new Set(reads.map(({ path }) => path)).size);
  for (const target of scene.targets) expect(Object.keys(target.tags(TARGET_NAME))).toEqual(['v1']);
});

test('a run that is killed leaves no tag without its content, and the next one sends only what is missing', async () => {
  await using scene = await mirrorScene();
  for (let at = 0; at < 6; at++) scene.image([`layer ${at}`, 'shared'], {}, `1.${at}.0`);
  scene.target.addFault({ match: { method: 'PUT', path: /\/blobs\//, nth: 8 }, action: { hang: 'before' } });
  const config = scene.config('["*"]', 'referrers: false');
  const killed = await runMirror(
    { config },
    {
      onSpawn: (child) => {
        const timer = setInterval(() => {
          if (scene.target.log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/')).length < 8)
            return;
          clearInterval(timer);
          child.kill('SIGKILL');
        }, 20);
      },
    },
  );
  expect(killed.exitCode).toBeNull();
  expectWhole(scene.target, TARGET_NAME, Object.values(scene.target.tags(TARGET_NAME)));
  const sent = new Set(
    scene.target.log
      .filter(({ method, path, status }) => method === 'PUT' && path.includes('/blobs/') && status === 201)
      .map(({ query }) => new URLSearchParams(query).get('digest')),
  );
  expect(sent.size).toBeGreaterThan(3);
  scene.clear();
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  const again = scene.target.log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
  expect(again.filter(({ query }) => sent.has(new URLSearchParams(query).get('digest')))).toEqual([]);
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toHaveLength(6);
});

test('a tag that the configuration names and the source does not have fails the plan', async () => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, '0.90');
  const run = await runMirror({ config: scene.config('["0.90", "5000"]'), 'dry-run': 'true' });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain(':5000 does not exist');
});

test('1,200 tags on pages with relative links are all found', async () => {
  await using scene = await mirrorScene({ source: { pageSize: 100 } });
  const image = scene.image(['app']);
  for (let at = 0; at < 1200; at++) {
    scene.source.putManifest(SOURCE_NAME, `build-${at}`, image.descriptor.mediaType, image.bytes);
  }
  const run = await runMirror({ config: scene.config('["*"]', 'referrers: false'), 'dry-run': 'true' });
  expect(run.outputs['copied-tags']).toBe('1200');
});

test('nothing is selected: a warning, and nothing is removed', async () => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, 'v1');
  const run = await runMirror({ config: scene.config('["9.*"]') });
  expect(run.exitCode).toBe(0);
  expect(run.outputs.outcome).toBe('unchanged');
  expect(run.annotations.map(({ message }) => message).join('\n')).toMatch(/no tag matches `9\.\*`/);
});
