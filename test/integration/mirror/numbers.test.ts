import { expect, test } from 'vitest';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { manifestRequests, mirrorScene, runMirror, SOURCE_NAME, TARGET_NAME } from '../../support/mirror/scene.ts';

// What a plan and a summary say, compared with what the run does.

test('a plan names the pulls that the run takes, those for lists under a tag included', async () => {
  await using scene = await mirrorScene({ source: { referrers: false } });
  const children = [scene.image(['amd64']), scene.image(['arm64'])];
  const root = scene.index(children, {}, 'v1');
  for (const subject of [root, ...children]) {
    const signature = scene.referrer(subject, `signature of ${subject.descriptor.digest}`);
    scene.index([], { manifests: [signature.descriptor] }, fallbackTag(subject.descriptor.digest));
  }
  const config = scene.config('[v1]');
  const plan = JSON.parse((await runMirror({ config, 'dry-run': 'true' })).outputs.json ?? '');
  scene.clear();
  const run = await runMirror({ config });
  const pulls = manifestRequests(scene.source, 'GET').length;
  // An index, two images, three signatures and three lists.
  expect(pulls).toBe(9);
  expect(plan.needs.pulls).toBe(pulls);
  expect(JSON.parse(run.outputs.json ?? '')).toMatchObject({ needs: { pulls }, totals: { pulls } });
  expect(run.summary).toContain('and 9 pulls.');
});

test('a list under a tag counts against `max-pulls`', async () => {
  await using scene = await mirrorScene({ source: { referrers: false } });
  const image = scene.image(['app'], {}, 'v1');
  scene.index([], { manifests: [scene.referrer(image, 'one').descriptor] }, fallbackTag(image.descriptor.digest));
  const limits = `limits:\n  "${scene.source.host}": {max-pulls: 2}`;
  const run = await runMirror({ config: scene.config('[v1]', '', limits) });
  expect(run.outputs).toMatchObject({ outcome: 'incomplete', 'left-tags': '1' });
  expect(manifestRequests(scene.source, 'GET')).toHaveLength(2);
  expect(scene.target.tags(TARGET_NAME)).toEqual({});
  expect(run.summary).toMatch(/^## ⚠️ Mirrored in part/);
});

test('two entries for the same source and target are one row of the summary, and one list of tags', async () => {
  await using scene = await mirrorScene();
  for (const tag of ['1.0.0', '2.0.0', 'edge']) scene.image([tag], {}, tag);
  const entry = (tags: string) =>
    `  - {from: ${scene.source.host}/${SOURCE_NAME}, to: ${scene.target.host}/${TARGET_NAME}, tags: ${tags}}`;
  const run = await runMirror({
    config: ['version: 1', 'mirrors:', entry('["1.*"]'), entry('["2.*", edge]')].join('\n'),
  });
  expect(run.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '3' });
  const rows = run.summary.split('\n').filter((line) => line.includes('| ✅'));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatch(/\| 3 \|$/);
  expect(run.summary.match(/<summary><code>/g)).toHaveLength(1);
  expect(run.summary).toContain('</code>: 3 tags</summary>');
  expect(run.log).toContain('copied 1 manifest and 2 blobs');
});

test('a run with nothing to do has no step for copies', async () => {
  await using scene = await mirrorScene();
  scene.image(['app'], {}, 'v1');
  const config = scene.config('[v1]');
  await runMirror({ config });
  const again = await runMirror({ config });
  expect(again.outputs.outcome).toBe('unchanged');
  expect(again.log).not.toContain('::group::Copy');
  expect(JSON.parse(again.outputs.json ?? '').steps.map(({ name }: { readonly name: string }) => name)).toEqual([
    'Plan',
  ]);
});

test.each([
  ['false', false],
  ['true', true],
  ['maybe', false],
])(
  'inputs that are wrong, with `dry-run: %s`: the json says what the run would have been',
  async (dryRun, expected) => {
    const run = await runMirror({ config: 'version: 7', 'dry-run': dryRun, tags: 'v1' });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(JSON.parse(run.outputs.json ?? '').dryRun).toBe(expected);
    expect(run.log).toContain('Use `config` instead.');
  },
);

test('a source that another mirror of the file writes to is told, because what is new arrives one run later', async () => {
  await using scene = await mirrorScene({ targets: [{}, {}] });
  scene.image(['app'], {}, 'v1');
  const [first, second] = scene.targets.map(({ host }) => `${host}/${TARGET_NAME}`);
  const config = [
    'version: 1',
    'mirrors:',
    `  - {from: ${scene.source.host}/${SOURCE_NAME}, to: ${first}, tags: [v1]}`,
    `  - {from: ${first}, to: ${second}, tags: [v1]}`,
  ].join('\n');
  const run = await runMirror({ config });
  expect(run.exitCode).toBe(1);
  expect(run.summary).toContain('Name all targets in one');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.targets[1]?.tags(TARGET_NAME)).toEqual(scene.source.tags(SOURCE_NAME));
});
