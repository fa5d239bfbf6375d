import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from './programs.ts';
import { createPromotionScene, type Place, type PromotionScene } from './promotion.ts';

let scene: PromotionScene;
let place: Place;
beforeAll(async () => {
  scene = await createPromotionScene();
  place = scene.place(await scene.registry(), 'org/app');
  await writeFile(join(scene.directory, 'hello'), 'hello');
  await run('tar', ['-cf', 'layer.tar', 'hello'], { cwd: scene.directory });
  const args = ['append', '--oci-empty-base', '--new_layer', 'layer.tar', '--new_tag', place.at('v1')];
  await run('crane', args, { cwd: scene.directory });
});
afterAll(() => scene[Symbol.asyncDispose]());

it('four jobs of a matrix promote one image to an environment each, and no record is lost to another', async () => {
  const digest = await place.digest('v1');
  const expected: string[] = [];
  for (const round of ['1', '2', '3', '4']) {
    const environments = ['eu', 'us', 'asia', 'africa'].map((where) => `${where}-${round}`);
    const ran = await Promise.all(
      environments.map((environment) => scene.promote({ images: place.image, from: 'v1', environment })),
    );
    for (const each of ran) expect(each, each.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
    expected.push(...environments);
    // Docker's registry has no API for referrers: each of the jobs writes the same list.
    expect((await place.records(digest)).map(({ environment }) => environment).toSorted()).toEqual(expected.toSorted());
  }
});
