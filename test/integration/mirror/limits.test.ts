import { expect, test } from 'vitest';
import { hubFront } from '../../support/mirror/hub.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

type Scene = Awaited<ReturnType<typeof mirrorScene>>;

/** The scene's configuration with the front as its source. */
const through = (host: string, scene: Scene, tags: string, more = '', rest = '') =>
  scene.config(tags, more, rest).replace(`from: ${scene.source.host}`, `from: ${host}`);

test('comparing 100 unchanged tags costs no pull', async () => {
  await using scene = await mirrorScene();
  await using hub = await hubFront(scene.source, 1000);
  const children = [scene.image(['amd64']), scene.image(['arm64'])];
  for (let at = 0; at < 100; at++) scene.index(children, { annotations: { at: `${at}` } }, `1.${at}.0`);
  const config = through(hub.host, scene, '["*"]');
  expect((await runMirror({ config })).outputs['copied-tags']).toBe('100');
  const before = hub.pulls();
  scene.clear();
  const run = await runMirror({ config });
  expect(run.outputs).toMatchObject({ outcome: 'unchanged', 'equal-tags': '100' });
  expect(hub.pulls()).toBe(before);
  expect(JSON.parse(run.outputs.json ?? '').totals.pulls).toBe(0);
});

test('the plan of a source that counts pulls reads nothing, and says at least how many it needs', async () => {
  await using scene = await mirrorScene();
  await using hub = await hubFront(scene.source, 1000);
  scene.usual();
  const run = await runMirror({ config: through(hub.host, scene, '["*"]'), 'dry-run': 'true' });
  expect(hub.pulls()).toBe(0);
  expect(JSON.parse(run.outputs.json ?? '').needs).toMatchObject({ pulls: 2, unread: 1 });
});

test('three pulls are left and two are to be kept: one image is copied, and the rest waits for the reset', async () => {
  await using scene = await mirrorScene();
  await using hub = await hubFront(scene.source, 3);
  for (let at = 0; at < 4; at++) scene.image([`layer ${at}`], {}, `1.${at}.0`);
  const limits = `limits:\n  "${hub.host}": {keep-pulls: 2}`;
  const run = await runMirror({ config: through(hub.host, scene, '["*"]', '', limits) });
  expect(run.exitCode).toBe(0);
  expect(run.outputs).toMatchObject({ outcome: 'incomplete', 'copied-tags': '1', 'left-tags': '3' });
  expect(hub.pulls()).toBe(1);
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toHaveLength(1);
  const wait = Date.parse(run.outputs['resume-at'] ?? '') - Date.now();
  expect(wait).toBeGreaterThan(5.9 * 3_600_000);
  expect(wait).toBeLessThanOrEqual(6 * 3_600_000);
  expect(run.summary).toContain('⏳');
});

test('an index is not begun when its images are over the limit', async () => {
  await using scene = await mirrorScene();
  await using hub = await hubFront(scene.source, 100);
  scene.usual();
  const limits = `limits:\n  "${hub.host}": {max-pulls: 1}`;
  const run = await runMirror({ config: through(hub.host, scene, '[v1]', '', limits) });
  expect(run.outputs).toMatchObject({ outcome: 'incomplete', 'left-tags': '1' });
  expect(hub.pulls()).toBe(0);
});

test('`max-bytes` ends a run, and the next one goes on', async () => {
  await using scene = await mirrorScene();
  for (let at = 0; at < 3; at++) scene.image([`${at}`.repeat(1000)], {}, `1.${at}.0`);
  const config = scene.config('["*"]', '', 'limits: {max-bytes: 3KB, parallel: 1}');
  const first = await runMirror({ config });
  expect(first.outputs).toMatchObject({ outcome: 'incomplete', 'copied-tags': '1', 'left-tags': '2' });
  for (let at = 0; at < 2; at++) await runMirror({ config });
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toHaveLength(3);
});

test.each([
  ['a number', { 'retry-after': '0' }, undefined],
  ['a date', { 'retry-after': new Date(Date.now() + 500).toUTCString() }, undefined],
  ['a Go duration in the body', {}, 'retry-after: 12.5ms, allowed: 2000/minute'],
])('429 with Retry-After as %s is waited for', async (_, headers, message) => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, 'v1');
  scene.target.addFault({
    match: { method: 'PUT', path: /manifests/, nth: 1 },
    action: { status: 429, headers, body: { errors: [{ code: 'TOOMANYREQUESTS', message: message ?? 'slow' }] } },
  });
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.outputs.outcome).toBe('mirrored');
});

test('a token that expires during the run is renewed', async () => {
  await using scene = await mirrorScene({ source: { auth: { bearer: { lifetimeSeconds: 300 } } } });
  for (let at = 0; at < 4; at++) scene.image([`layer ${at}`], {}, `1.${at}.0`);
  scene.source.addFault({ match: { method: 'GET', path: /blobs/, nth: 3 }, action: { expireTokens: true } });
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '4' });
  expect(rowsOf(run)).toHaveLength(4);
});

test('two accounts at one registry, each for its part of it', async () => {
  const accepted = new Map<string, string>();
  await using scene = await mirrorScene({
    source: {
      auth: {
        decides: (authorization, needs) => {
          const [, user = ''] =
            /^(.*?):/.exec(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()) ?? [];
          for (const { repository } of needs) accepted.set(repository, user);
          return authorization === ''
            ? { status: 401, headers: { 'www-authenticate': 'Basic realm="hub"' }, body: '{}' }
            : undefined;
        },
      },
    },
  });
  scene.image(['app'], {}, 'v1');
  scene.source.putManifest(
    'acme/app',
    'v1',
    'application/vnd.oci.image.index.v1+json',
    Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'),
  );
  const { host } = scene.source;
  const config = [
    'version: 1',
    'mirrors:',
    `  - {from: ${host}/${SOURCE_NAME}, to: ${scene.target.host}/a, tags: [v1]}`,
    `  - {from: ${host}/acme/app, to: ${scene.target.host}/b, tags: [v1]}`,
  ].join('\n');
  const auth = [
    `- {registry: "${host}", username: everybody, password: first}`,
    `- {registry: "${host}/acme", username: acme, password: second}`,
  ].join('\n');
  const run = await runMirror({ config, 'registry-auth': auth });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(Object.fromEntries(accepted)).toEqual({ [SOURCE_NAME]: 'everybody', 'acme/app': 'acme' });
});
