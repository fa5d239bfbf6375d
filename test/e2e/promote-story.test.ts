import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { createPromotionScene, type Place, type PromotionScene } from './promotion.ts';
import { type Registry, writes } from './registry.ts';

let scene: PromotionScene;
let registry: Registry;
let place: Place;
beforeAll(async () => {
  scene = await createPromotionScene();
  registry = await scene.registry();
  place = scene.place(registry, 'org/app');
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Publishes what is checked out, for one platform. @returns its digest */
async function publish(): Promise<string> {
  const ran = await scene.publish({
    inputs: { images: place.image, platforms: 'linux/amd64', builder: 'default' },
    event: await pushEvent(scene.repository),
  });
  expect(ran.exitCode, ran.log).toBe(0);
  return ran.outputs.digest ?? '';
}

async function go(from: string, environment: string, require = ''): Promise<void> {
  const ran = await scene.promote({ images: place.image, from, environment, require });
  expect(ran.exitCode, ran.log).toBe(0);
  expect(ran.outputs).toMatchObject({ outcome: 'promoted', tags: place.at(environment) });
  expect(await place.digest(environment)).toBe(ran.outputs.digest);
}

const tag = (sha: string) => `sha-${sha.slice(0, 7)}`;

it('goes from dev to production and back, is refused, is forced, and its story can be read by anybody', async () => {
  const firstCommit = await scene.repository.head();
  const first = await publish();
  const secondCommit = await scene.repository.commit('Another', { 'app-amd64/platform': 'built again for amd64\n' });
  const second = await publish();
  expect(second).not.toBe(first);

  for (const commit of [firstCommit, secondCommit]) {
    // Nobody gets to production without having been in staging.
    const early = await scene.promote({
      images: place.image,
      from: tag(commit),
      environment: 'production',
      require: 'deployed=staging',
    });
    expect(early.outputs.outcome, early.log).toBe('refused');
    await go(tag(commit), 'dev');
    await go('env:dev', 'staging', 'deployed=dev');
    await go('env:staging', 'production', 'deployed=staging');
  }

  const back = await scene.promote({ images: place.image, environment: 'production', rollback: 'true' });
  expect(back.exitCode, back.log).toBe(0);
  expect(back.outputs).toMatchObject({ outcome: 'rolled-back', digest: first, 'previous-digest': second });
  expect(await place.digest('production')).toBe(first);
  expect(await place.digest('staging')).toBe(second);

  await registry.mark();
  const refused = await scene.promote({ images: place.image, from: 'env:staging', environment: 'production' });
  expect(refused).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
  expect(refused.log).toContain('is on hold until a person promotes it by name');
  expect(writes(await registry.requests())).toEqual([]);
  expect(await place.digest('production')).toBe(first);

  const again = { images: place.image, from: 'env:staging', environment: 'production', force: 'true' };
  const byPush = await scene.promote(again);
  expect(byPush).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
  const forced = await scene.byHand(again);
  expect(forced.exitCode, forced.log).toBe(0);
  expect(forced.outputs).toMatchObject({ outcome: 'promoted', digest: second, 'previous-digest': first });
  expect(await place.digest('production')).toBe(second);

  const records = [...(await place.records(first)), ...(await place.records(second))].toSorted(
    (a, b) => Date.parse(a.time) - Date.parse(b.time),
  );
  const of = (environment: string) => records.filter((each) => each.environment === environment);
  for (const environment of ['dev', 'staging']) {
    expect(of(environment).map(({ kind, digest, previousDigest }) => [kind, digest, previousDigest])).toEqual([
      ['promotion', first, undefined],
      ['promotion', second, first],
    ]);
  }
  const usual = { kind: 'promotion', event: 'push', forced: false, held: [] };
  expect(of('production')).toMatchObject([
    { ...usual, digest: first },
    { ...usual, digest: second, previousDigest: first },
    { ...usual, kind: 'rollback', digest: first, previousDigest: second, held: [second] },
    { ...usual, digest: second, previousDigest: first, forced: true, event: 'workflow_dispatch' },
  ]);
  expect(records).toHaveLength(8);
});
