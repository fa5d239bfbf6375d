import { describe, expect, test } from 'vitest';
import { pushEvent } from '../../support/repository.ts';
import { createScene, DEV, expectError, expectPromoted } from './scene.ts';

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

describe('{{sha}} in `from`', () => {
  const promoted = async (ref: 'first' | 'second', origin?: string) => {
    await using scene = await createScene();
    const { repository } = scene.job;
    const first = await repository.head();
    const second = await repository.commit('second', { 'README.md': '# more' });
    for (const sha of [first, second]) scene.source.image([sha], {}, `sha-${sha.slice(0, 7)}`);
    const event = await pushEvent(repository);
    if (ref === 'first') await repository.git('checkout', '-q', first);
    if (origin !== undefined) await repository.git('remote', 'set-url', 'origin', origin);
    const run = await scene.promote('sha-{{sha}}', {}, { event });
    const digestOf = (sha: string) => scene.registry.tags(DEV)[`sha-${sha.slice(0, 7)}`];
    return { run, first: digestOf(first), second: digestOf(second), held: scene.held() };
  };

  test('P11: is the commit that is checked out, as the tag of a publish in that checkout is', async () => {
    const { run, first, held } = await promoted('first');
    expectPromoted(run);
    expect(held).toBe(first);
    expect(run.log).toMatch(/\{\{sha\}\} is [0-9a-f]{7}, the commit that is checked out; the run is of [0-9a-f]{7}\./);
  });

  test('is the commit of the run where that one is checked out, or another repository is', async () => {
    const same = await promoted('second');
    expect(same.held).toBe(same.second);
    const other = await promoted('first', 'https://github.com/octo/deployments');
    expect(other.held).toBe(other.second);
  });
});
