import { describe, expect, test } from 'vitest';
import type { ActionOptions } from '../../support/action.ts';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { createScene, DEV, expectError, expectPromoted, PROD, recordsAt, tagWrites } from './scene.ts';

/** `prod/app` at two registries, both with an older image in production. */
async function createPlaces() {
  const scene = await createScene({}, {});
  const second = await startRegistry({ referrers: true });
  const image = scene.source.image(['1'], {}, 'v1');
  for (const each of [scene.target, second]) fill(each, PROD).image(['old'], {}, 'production');
  const places = [scene.target, second];
  const old = second.tags(PROD).production ?? '';
  return {
    scene,
    first: scene.target,
    second,
    digest: image.descriptor.digest,
    old,
    promote: (more: Partial<ActionOptions> = {}, inputs: Readonly<Record<string, string>> = {}) =>
      scene.promote('v1', { to: places.map(({ host }) => `${host}/${PROD}`).join('\n'), ...inputs }, more),
    holds: () => places.map((each) => each.tags(PROD).production),
    records: () => places.map((each) => recordsAt(each)),
    [Symbol.asyncDispose]: async () => {
      await second.close();
      await scene[Symbol.asyncDispose]();
    },
  };
}

describe('several tags and repositories', () => {
  test('the copy to the second is refused: no tag moves in the first, and the next run does all of it', async () => {
    await using places = await createPlaces();
    const { first, second, old, digest } = places;
    second.addFault({
      match: { method: 'POST', path: /uploads/, nth: 1 },
      action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'not yours' }] } },
    });
    const run = await places.promote();
    expectError(run, 'registry-failed', 'DENIED');
    const { targets } = JSON.parse(run.outputs.json ?? '{}');
    expect(targets.map((each: { readonly error?: object }) => each.error)).toMatchObject([
      undefined,
      { code: 'DENIED' },
    ]);
    expect(places.holds()).toEqual([old, old]);
    expect([...tagWrites(first), ...tagWrites(second)]).toEqual([]);
    expectPromoted(await places.promote());
    expect(places.holds()).toEqual([digest, digest]);
    expect(places.records()).toEqual([1, 1]);
  });

  test('somebody moves the environment in the second during the copy: no tag moves in the first', async () => {
    await using places = await createPlaces();
    const { second, old } = places;
    const theirs = fill(second, PROD).image(['theirs']).descriptor.digest;
    second.addFault({
      match: { method: 'PUT', path: /manifests\/sha256:/ },
      action: { moves: { repository: PROD, tag: 'production', to: theirs }, when: 'after' },
    });
    expectError(await places.promote(), 'tag-conflict', 'ENVIRONMENT_MOVED');
    expect(places.holds()).toEqual([old, theirs]);
    expect(places.records()).toEqual([0, 0]);
  });

  test('the second fails to take the tag: the report says what the first holds, and the next run completes it', async () => {
    await using places = await createPlaces();
    const { second, old, digest } = places;
    second.addFault({ match: { method: 'PUT', path: /manifests\/production$/ }, action: { status: 403 } });
    const run = await places.promote();
    expectError(run, 'registry-failed', 'DENIED');
    expect(places.holds()).toEqual([digest, old]);
    const { targets } = JSON.parse(run.outputs.json ?? '{}');
    expect(targets).toMatchObject([
      { written: ['production'], previousDigest: old, promotionRecord: expect.stringMatching(/^sha256:/) },
      { written: [], previousDigest: old, error: { code: 'DENIED' } },
    ]);
    // What has moved has its record, or there would be no way back.
    expect(places.records()).toEqual([1, 0]);
    expectPromoted(await places.promote());
    expect(places.holds()).toEqual([digest, digest]);
    expect(places.records()).toEqual([1, 1]);
    expect((await places.promote()).outputs.outcome).toBe('unchanged');
    const back = await places.promote({}, { from: '', rollback: 'true' });
    expect(back, back.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'rolled-back' } });
    expect(places.holds()).toEqual([old, old]);
  });

  test('cancelled while the record of the second is written: both tags have moved, and the next run records it', async () => {
    await using places = await createPlaces();
    const { second, digest } = places;
    const isRecord = ({ method, path }: { readonly method: string; readonly path: string }) =>
      method === 'PUT' && /manifests\/sha256:/.test(path);
    // The first manifest is the image.
    second.addFault({ match: { method: 'PUT', path: /manifests\/sha256:/, nth: 2 }, action: { hang: 'before' } });
    const run = await places.promote({
      onSpawn: (child) => {
        const timer = setInterval(() => {
          if (second.log.filter(isRecord).length < 2) return;
          clearInterval(timer);
          child.kill('SIGTERM');
        }, 20);
        child.once('exit', () => clearInterval(timer));
      },
    });
    expectError(run, 'cancelled', 'CANCELLED');
    expect(places.holds()).toEqual([digest, digest]);
    const { targets } = JSON.parse(run.outputs.json ?? '{}');
    expect(targets).toMatchObject([{ written: ['production'] }, { written: ['production'] }]);
    expectPromoted(await places.promote());
    expect(places.records()).toEqual([1, 1]);
  });

  test('the second tag of an environment is refused: the first has its record, and there is a way back', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const to = `${registry.host}/${PROD}:production\n${registry.host}/${PROD}:latest`;
    const [old, next] = ['v0', 'v1'].map((tag) => source.image([tag], {}, tag).descriptor.digest);
    expectPromoted(await scene.promote('v0', { to }));
    registry.addFault({ match: { method: 'PUT', path: /manifests\/latest$/ }, action: { status: 403 } });
    const run = await scene.promote('v1', { to });
    expectError(run, 'registry-failed', 'DENIED');
    expect(registry.tags(PROD)).toEqual({ production: next, latest: old });
    const { targets } = JSON.parse(run.outputs.json ?? '{}');
    expect(targets).toMatchObject([{ written: ['production'], promotionRecord: expect.stringMatching(/^sha256:/) }]);
    const again = await scene.promote('v1', { to });
    expectPromoted(again);
    expect(registry.tags(PROD)).toEqual({ production: next, latest: next });
    const { history } = JSON.parse((await scene.promote('v1', { to, 'dry-run': 'true' })).outputs.json ?? '{}');
    expect(history.gaps).toEqual([]);
    expect(history.promotions.map((each: { readonly to: readonly string[] }) => each.to.length)).toEqual([2, 1, 2]);
    const back = await scene.promote('', { to, from: '', rollback: 'true' });
    expect(back, back.log).toMatchObject({ outputs: { outcome: 'rolled-back' } });
    expect(registry.tags(PROD)).toEqual({ production: old, latest: old });
  });

  test('the repository of the source is one of them: again is nothing to do', async () => {
    await using scene = await createScene({}, {});
    scene.source.usual();
    const to = `${scene.registry.host}/${DEV}\n${scene.target.host}/${PROD}`;
    expectPromoted(await scene.promote('v1', { to }));
    expect((await scene.promote('v1', { to })).outputs.outcome).toBe('unchanged');
    expect([recordsAt(scene.registry, DEV), recordsAt(scene.target)]).toEqual([1, 1]);
  });
});

describe('all targets are asked before the first write', () => {
  const frozen = { referrers: true, immutable: { tags: /^production$/, style: 'harbor' } } as const;

  test('one that cannot even be read keeps the content from none of the others, and no tag moves', async () => {
    await using places = await createPlaces();
    const { scene, first, second, old, digest } = places;
    const third = await startRegistry({ referrers: true });
    try {
      second.addFault({
        match: { method: 'HEAD', path: /manifests\/production/, nth: 'all' },
        action: { status: 401 },
      });
      const to = [first, second, third].map(({ host }) => `${host}/${PROD}`).join('\n');
      const run = await places.promote({}, { to });
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
      expect([first.manifest(PROD, digest), second.manifest(PROD, digest), third.manifest(PROD, digest)]).toEqual([
        expect.anything(),
        undefined,
        expect.anything(),
      ]);
      expect([first, second, third].flatMap(tagWrites)).toEqual([]);
      expect(first.tags(PROD).production).toBe(old);
      const { targets } = JSON.parse(run.outputs.json ?? '{}');
      expect(
        targets.map((each: { readonly error?: object; readonly copied: boolean }) => [each.copied, !each.error]),
      ).toEqual([
        [true, true],
        [false, false],
        [true, true],
      ]);
      expect(run.summary).toContain('**Partial:** the image is in 2 of 3 repositories');
      expect(run.summary).toContain(
        `content present; <code>production</code> held back because <code>${second.host}/${PROD}</code> failed`,
      );
    } finally {
      await third.close();
    }
    expect(scene).toBeDefined();
  });

  test('three targets, of which the second refuses the content: the others have it', async () => {
    await using places = await createPlaces();
    const { first, second, digest } = places;
    await using third = await startRegistry({ referrers: true });
    second.addFault({
      match: { method: 'POST', path: /uploads/, nth: 'all' },
      action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'not yours' }] } },
    });
    const to = [first, second, third].map(({ host }) => `${host}/${PROD}`).join('\n');
    expectError(await places.promote({}, { to }), 'registry-failed', 'DENIED');
    expect([first, second, third].map((each) => each.manifest(PROD, digest) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    expect([first, second, third].flatMap(tagWrites)).toEqual([]);
  });

  test('a frozen tag that the vendor does not tell of stops the others all the same', async () => {
    await using scene = await createScene({}, frozen);
    scene.source.image(['1'], {}, 'v1');
    fill(scene.target, PROD).image(['old'], {}, 'production');
    expectError(await scene.promote(), 'tag-conflict', 'TAG_IMMUTABLE');
  });
});
