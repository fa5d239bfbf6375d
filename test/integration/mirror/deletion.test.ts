import { expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME, STATE_KEY, TARGET_NAME } from '../../support/mirror/scene.ts';

const UNTAG = 'delete: untag-missing';
const withoutState = (tags: Readonly<Record<string, string>>) =>
  Object.keys(tags)
    .filter((tag) => !tag.startsWith('mirror-state-'))
    .toSorted();

async function deletionScene(options: Parameters<typeof mirrorScene>[0] = {}) {
  const scene = await mirrorScene(options);
  for (const tag of ['1.0.0', '1.1.0']) scene.image([tag], {}, tag);
  return scene;
}

test('a tag of this mirror that is gone at the source is removed; what others made stays', async () => {
  await using scene = await deletionScene();
  fill(scene.target, TARGET_NAME).image(['theirs'], {}, '0.9.0');
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': STATE_KEY });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  const plan = await runMirror({ config, 'state-key': STATE_KEY, 'dry-run': 'true' });
  expect(rowsOf(plan)).toEqual(['1.1.0 equal', '1.0.0 untag']);
  expect(plan.outputs['removed-tags']).toBe('1');
  const run = await runMirror({ config, 'state-key': STATE_KEY });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'removed-tags': '1' });
  expect(withoutState(scene.target.tags(TARGET_NAME))).toEqual(['0.9.0', '1.1.0']);
  expect((await runMirror({ config, 'state-key': STATE_KEY })).outputs.outcome).toBe('unchanged');
});

test('a tag that was equal before the mirror first saw it is not its own', async () => {
  await using scene = await deletionScene();
  fill(scene.target, TARGET_NAME).image(['1.0.0'], {}, '1.0.0');
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': STATE_KEY });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  expect((await runMirror({ config, 'state-key': STATE_KEY })).outputs['removed-tags']).toBe('0');
  expect(withoutState(scene.target.tags(TARGET_NAME))).toEqual(['1.0.0', '1.1.0']);
});

test('P13: a list made with another key, or for another target, removes nothing', async () => {
  await using scene = await deletionScene();
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': 'the key of an attacker' });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  const run = await runMirror({ config, 'state-key': STATE_KEY });
  expect(run.exitCode).toBe(0);
  expect(run.annotations.map(({ message }) => message).join()).toContain('it was not made with this key');
  expect(withoutState(scene.target.tags(TARGET_NAME))).toEqual(['1.0.0', '1.1.0']);
});

test('a tag that points to something else by now stays', async () => {
  await using scene = await deletionScene();
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': STATE_KEY });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  const theirs = fill(scene.target, TARGET_NAME).image(['fixed'], {}, '1.0.0');
  await runMirror({ config, 'state-key': STATE_KEY });
  expect(scene.target.tags(TARGET_NAME)['1.0.0']).toBe(theirs.descriptor.digest);
});

test.each([
  ['an error', { status: 500 }],
  ['an empty list', { status: 200, body: { name: SOURCE_NAME, tags: [] } }],
  ['a list without the selected tags', { status: 200, body: { name: SOURCE_NAME, tags: ['other'] } }],
  ['a list that lacks a tag which exists', { status: 200, body: { name: SOURCE_NAME, tags: ['1.1.0'] } }],
])('%s as list of the source removes nothing', async (_, action) => {
  await using scene = await deletionScene();
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': STATE_KEY });
  scene.source.addFault({ match: { path: /tags\/list/, nth: 'all' }, action });
  await runMirror({ config, 'state-key': STATE_KEY });
  expect(withoutState(scene.target.tags(TARGET_NAME))).toEqual(['1.0.0', '1.1.0']);
});

test('without `delete`, a tag that is gone at the source stays, and no list is kept', async () => {
  await using scene = await deletionScene();
  const config = scene.config('["*"]');
  await runMirror({ config });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
  expect(Object.keys(scene.target.tags(TARGET_NAME)).toSorted()).toEqual(['1.0.0', '1.1.0']);
});

test('a registry that deletes digests only loses the tag, and keeps the image under its other tag', async () => {
  await using scene = await deletionScene({ targets: [{ deletes: 'digests' }] });
  const image = scene.image(['1.0.0'], {}, 'stable');
  const config = scene.config('["*"]', UNTAG);
  await runMirror({ config, 'state-key': STATE_KEY });
  scene.source.drop(SOURCE_NAME, '1.0.0');
  const run = await runMirror({ config, 'state-key': STATE_KEY });
  expect(run.outputs['removed-tags']).toBe('1');
  expect(withoutState(scene.target.tags(TARGET_NAME))).toEqual(['1.1.0', 'stable']);
  expect(scene.target.tags(TARGET_NAME).stable).toBe(image.descriptor.digest);
});

test('`delete: untag-missing` without a key is an error before any request', async () => {
  await using scene = await deletionScene();
  const run = await runMirror({ config: scene.config('["*"]', UNTAG) });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain('`state-key`');
  expect(scene.source.requests() + scene.target.requests()).toBe(0);
});
