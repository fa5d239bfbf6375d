import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { certificate } from '../../support/certificate.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

// Limits of real registries, and what users of other tools for mirroring reported.

test('5,000 tags on pages are compared, and one that is new is copied', async () => {
  await using scene = await mirrorScene({ source: { pageSize: 1000 } });
  const image = scene.image(['app']);
  const { mediaType } = image.descriptor;
  for (const text of ['app', 'config of app']) scene.target.putBlob(TARGET_NAME, Buffer.from(text));
  for (let at = 0; at < 5000; at++) {
    scene.source.putManifest(SOURCE_NAME, `build-${at}`, mediaType, image.bytes);
    if (at > 0) scene.target.putManifest(TARGET_NAME, `build-${at}`, mediaType, image.bytes);
  }
  const run = await runMirror({ config: scene.config('["*"]', 'referrers: false') });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '1', 'equal-tags': '4999' });
  expect(scene.target.tags(TARGET_NAME)['build-0']).toBe(image.descriptor.digest);
});

// https://github.com/goharbor/harbor/issues/522
test('a hundred tags of one image arrive, and its content is sent once', async () => {
  await using scene = await mirrorScene();
  const image = scene.image(['app']);
  for (let at = 0; at < 100; at++) {
    scene.source.putManifest(SOURCE_NAME, `b-${at}`, image.descriptor.mediaType, image.bytes);
  }
  const run = await runMirror({ config: scene.config('["*"]', 'referrers: false') });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '100' });
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toHaveLength(100);
  const uploads = scene.target.log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
  expect(uploads).toHaveLength(2);
});

// https://github.com/oras-project/oras/issues/1129
test('an index whose subject is one of its own images is copied once and then unchanged', async () => {
  await using scene = await mirrorScene();
  const child = scene.image(['app']);
  const index = scene.index([child], { subject: child.descriptor }, 'v1');
  const config = scene.config('[v1]');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).v1).toBe(index.descriptor.digest);
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
});

// https://github.com/rancher/rancher/issues/50651
test('a target that does not answer whether it has a tag is not taken for one without it', async () => {
  await using scene = await mirrorScene();
  const old = scene.image(['old'], {}, 'v1');
  scene.target.putManifest(TARGET_NAME, 'v1', old.descriptor.mediaType, old.bytes);
  scene.image(['new'], {}, 'v1');
  scene.target.addFault({
    match: { path: /\/manifests\/v1$/, nth: 'all' },
    action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } },
  });
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain('403');
  expect(rowsOf(run)).toEqual(['v1 failed']);
  expect(scene.target.tags(TARGET_NAME).v1).toBe(old.descriptor.digest);
});

// https://github.com/aws/aws-sdk/issues/750
test('an immutable target that has the same image already is asked for no write', async () => {
  await using scene = await mirrorScene({ targets: [{ immutable: { tags: /./, style: 'ecr' } }] });
  scene.image(['app'], {}, '1.0.0');
  const config = scene.config('["*"]', 'referrers: false');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  scene.clear();
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
  expect(scene.target.writes()).toEqual([]);
});

test('a tag that only looks like one of a digest is a tag like others', async () => {
  await using scene = await mirrorScene();
  const short = `sha256-${createHash('sha256').update('').digest('hex').slice(0, 12)}`;
  for (const tag of [short, 'sha256-latest', 'v1']) scene.image([tag], {}, tag);
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(Object.keys(scene.target.tags(TARGET_NAME)).toSorted()).toEqual([short, 'sha256-latest', 'v1'].toSorted());
});

test.each([
  ['a date', { 'retry-after': new Date(Date.now() + 500).toUTCString() }, 'slow down'],
  ['a Go duration in the body', {}, 'retry-after: 12.5ms, allowed: 2000/minute'],
])('429 of a source with Retry-After as %s is waited for', async (_, headers, message) => {
  await using scene = await mirrorScene();
  const { descriptor } = scene.image(['app'], {}, 'v1');
  scene.source.addFault({
    match: { method: 'GET', path: /\/(manifests|blobs)\//, nth: 1 },
    action: { status: 429, headers, body: { errors: [{ code: 'TOOMANYREQUESTS', message }] } },
  });
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).v1).toBe(descriptor.digest);
  expect(scene.source.log.map(({ status }) => status)).toContain(429);
});

test('build metadata: a tag cannot have `+`, and `_` in its place makes no version', async () => {
  await using scene = await mirrorScene();
  for (const tag of ['1.2.3', '1.2.3_build.5', '1.2.4-build.5']) scene.image([tag], {}, tag);
  const run = await runMirror({ config: scene.config('["semver:>=1"]') });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toEqual(['1.2.3']);
});

test('uppercase letters in names of repositories, as in those of GitHub owners, become lowercase', async () => {
  await using scene = await mirrorScene();
  const { descriptor } = scene.image(['app'], {}, 'v1');
  const config = scene.config('[v1]').replace(SOURCE_NAME, 'Library/App').replace(TARGET_NAME, 'Mirror/App');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).v1).toBe(descriptor.digest);
});

test('two mirrors to one target that differ in case only write the same tag: an error before any request', async () => {
  await using scene = await mirrorScene();
  const mirrors = ['a/b', 'A/B'].map(
    (to, at) => `  - {from: ${scene.source.host}/x/${at}, to: ${scene.target.host}/${to}, tags: [v1]}`,
  );
  const run = await runMirror({ config: ['version: 1', 'mirrors:', ...mirrors].join('\n') });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toMatch(/:4:5: .*is written to/);
  expect([...scene.source.log, ...scene.target.log]).toEqual([]);
});

test('two mirrors of one source to one target count as one target in the metrics', async () => {
  await using scene = await mirrorScene();
  for (const tag of ['v1', 'edge']) scene.image([tag], {}, tag);
  const mirrors = ['v1', 'edge'].map(
    (tag) => `  - {from: ${scene.source.host}/${SOURCE_NAME}, to: ${scene.target.host}/${TARGET_NAME}, tags: [${tag}]}`,
  );
  const config = ['version: 1', 'mirrors:', ...mirrors].join('\n');
  const run = await runMirror({ config, 'metrics-file': 'm.prom' });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '2' });
  const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
  const samples = metrics.split('\n').filter((line) => line.includes(`repository="${TARGET_NAME}"`));
  const values = Object.fromEntries(
    samples.map((line) => [line.slice(0, line.indexOf('{')), line.slice(line.lastIndexOf(' ') + 1)]),
  );
  expect(samples).toHaveLength(2);
  expect(values).toEqual({ registry_action_target_success: '1', registry_action_tags_written: '2' });
});

test('a source with a certificate of an own authority: with `registry-ca`, and not without', async () => {
  await using pair = await certificate();
  await using scene = await mirrorScene({ source: { tls: pair } });
  const { descriptor } = scene.image(['app'], {}, 'v1');
  const config = scene.config('[v1]');
  const without = await runMirror({ config });
  expect(without.exitCode).toBe(1);
  expect(without.log).toContain('registry-ca');
  expect(scene.target.writes()).toEqual([]);
  expect((await runMirror({ config, 'registry-ca': pair.file })).outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).v1).toBe(descriptor.digest);
});
