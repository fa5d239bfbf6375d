import { describe, expect, test } from 'vitest';
import { createScene, DEV, expectError } from './scene.ts';

describe('`from` names what does not exist', () => {
  test.each([
    [
      'a tag',
      '1.2.4',
      /`from`: .*:1\.2\.4 does not exist: no such image\. .* has .*`1\.2\.3`.* Did you mean `1\.2\.3`\?/,
    ],
    ['a digest', `sha256:${'a'.repeat(64)}`, /`from`: .*@sha256:a+ does not exist: no such image\. .* has `1\.2\.3`/],
  ])('%s: an input error that says what there is', async (_, from, words) => {
    await using scene = await createScene();
    scene.source.image(['1'], {}, '1.2.3');
    const name = `${scene.registry.host}/${DEV}`;
    const run = await scene.promote('', { from: from.startsWith('sha256:') ? `${name}@${from}` : `${name}:${from}` });
    expect(expectError(run, 'invalid-input', 'INPUT_INVALID')).toMatch(words);
    expect(scene.registry.writes()).toEqual([]);
  });

  test('an environment', async () => {
    await using scene = await createScene();
    scene.source.image(['1'], {}, 'dev');
    const run = await scene.promote('', { images: `${scene.registry.host}/${DEV}`, from: 'env:staging' });
    expect(expectError(run, 'invalid-input', 'INPUT_INVALID')).toMatch(
      /:staging does not exist: the environment staging has no tag there\. .* has `dev`/,
    );
  });

  test('a repository', async () => {
    await using scene = await createScene();
    const run = await scene.promote('', { from: `${scene.registry.host}/no/app:1` });
    expect(expectError(run, 'invalid-input', 'INPUT_INVALID')).toMatch(
      /The tags of .*no\/app could not be listed|has no tags at all/,
    );
  });
});
