import { expect, test } from 'vitest';
import { startRegistry } from '../support/registry.ts';
import { createSetting, GOOD } from './setting.ts';

const ROUNDS = Number(process.env.RACE_ROUNDS ?? 3);

test(`P4: three publishes of c0 < c1 < c2 at once through a slow registry, ${ROUNDS} rounds: main ends on c2`, async () => {
  await using setting = await createSetting();
  const events = [];
  const digests = [];
  for (const name of ['c0', 'c1', 'c2']) {
    await setting.repository.commit(name);
    digests.push((await setting.image({ ...GOOD, annotations: { name } }, name)).digest);
    events.push(await setting.push());
  }
  for (let round = 0; round < ROUNDS; round++) {
    await using registry = await startRegistry({
      faults: [
        { match: { method: 'PUT', path: /\/manifests\//, nth: 'all' }, action: { delay: 400 } },
        // The run that comes first writes last.
        { match: { method: 'PUT', path: /\/manifests\/main$/ }, action: { delay: 500 } },
      ],
    });
    const images = `${registry.host}/org/app`;
    const runs = await Promise.all(
      events.map((event, at) => setting.publish({ images, source: `c${at}`, scan: 'off' }, { event })),
    );
    for (const run of runs) expect(run, run.log).toMatchObject({ exitCode: 0 });
    expect(registry.tags('org/app').main).toBe(digests[2]);
  }
}, 600_000);

test('P4: an older run that writes after this one is written over; a newer one is left', async () => {
  await using setting = await createSetting();
  const older = await setting.image({ ...GOOD, annotations: { which: 'older' } }, 'older');
  await setting.repository.commit('this');
  const event = await setting.push();
  const image = await setting.image({ ...GOOD, annotations: { which: 'this' } }, 'this');
  await setting.repository.commit('newer');
  const newer = await setting.image({ ...GOOD, annotations: { which: 'newer' } }, 'newer');
  for (const [other, expected] of [
    [older, image],
    [newer, newer],
  ] as const) {
    const moves = { repository: 'org/app', tag: 'main', to: other.digest };
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT', path: /\/manifests\/main$/ }, action: { moves, when: 'after' } }],
    });
    await registry.putLayout('org/app', 'other', other.directory);
    const run = await setting.publish({ images: `${registry.host}/org/app`, source: 'this', scan: 'off' }, { event });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(registry.tags('org/app').main).toBe(expected.digest);
    if (other === newer) expect(run.summary).toMatch(/main.*left.*newer/);
  }
});
