import { describe, expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

const RECORD = 'io.github.registry-action.promotion.record';

describe.each([
  ['with the referrers API', true],
  ['without the referrers API', false],
])('a registry %s', (_, referrers) => {
  test('tells dev → staging → production → rollback → refused → forced by its records alone', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers });
    const { image, index } = fill(registry, 'org/app');
    const revision = (sha: string) => ({ annotations: { 'org.opencontainers.image.revision': sha.repeat(40) } });
    const one = index([image(['one'])], revision('1'), 'sha-1111111').descriptor.digest;
    const two = index([image(['two'])], revision('2'), 'sha-2222222').descriptor.digest;
    const images = `${registry.host}/org/app`;
    const holds = (environment: string) => registry.tags('org/app')[environment];
    const go = async (from: string, environment: string, require = '') => {
      const run = await job.promote({ images, from, environment, require });
      expect(run.log, run.log).not.toContain('::error');
      expect(run.outputs).toMatchObject({ outcome: 'promoted', tags: `${images}:${environment}` });
      return run;
    };

    for (const from of ['sha-1111111', 'sha-2222222']) {
      await go(from, 'dev');
      await go('env:dev', 'staging', 'deployed=dev');
      const production = await go('env:staging', 'production', 'deployed=staging');
      expect(production.summary).toMatch(
        /s0\["✓ sha-.*"\]:::claimed\n {2}s1\["✓ dev"\]:::claimed\n {2}s2\["✓ staging"\]:::claimed/,
      );
      expect(production.summary).toContain('\nDashed: known from unsigned promotion records only.\n');
      expect(production.summary).toContain(`s3["✓ production · ${production.outputs.digest?.slice(7, 19)}"]:::done`);
    }
    expect([holds('dev'), holds('staging'), holds('production')]).toEqual([two, two, two]);

    const back = await job.promote({ images, environment: 'production', rollback: 'true' });
    expect(back.outputs).toMatchObject({ outcome: 'rolled-back', digest: one, 'previous-digest': two });
    expect(holds('production')).toBe(one);
    expect(holds('staging')).toBe(two);

    registry.clearLog();
    const refused = await job.promote({ images, from: 'env:staging', environment: 'production' });
    expect(refused.exitCode).toBe(1);
    expect(refused.outputs).toMatchObject({ outcome: 'refused' });
    expect(refused.annotations.filter(({ level }) => level === 'error')).toMatchObject([
      { level: 'error', message: expect.stringContaining('on hold until a person promotes it by name') },
    ]);
    expect(registry.writes()).toEqual([]);
    expect(holds('production')).toBe(one);

    // What is held back for production is nothing to others, and what comes after it is not held.
    await go('sha-2222222', 'canary');
    const three = index([image(['three'])], revision('3'), 'sha-3333333').descriptor.digest;
    await go('sha-3333333', 'production');
    expect(holds('production')).toBe(three);
    const still = await job.promote({ images, from: 'sha-2222222', environment: 'production' });
    expect(still.outputs).toMatchObject({ outcome: 'refused' });

    const forced = await job.byHand({ images, from: two, environment: 'production', force: 'true' });
    expect(forced.outputs).toMatchObject({ outcome: 'promoted', 'previous-digest': three });
    expect(holds('production')).toBe(two);
    await go('sha-3333333', 'production');
    await go('sha-2222222', 'production');

    // Nothing but the registry is asked for the whole story.
    const told = await job.promote({ images, from: two, environment: 'production', 'dry-run': 'true' });
    expect(told.outputs.outcome).toBe('planned');
    const { history } = JSON.parse(told.outputs.json ?? '');
    const steps = history.promotions.map((each: { kind: string; digest: string; forced: boolean }) => [
      each.kind,
      each.digest,
      each.forced,
    ]);
    expect(steps).toEqual([
      ['promotion', one, false],
      ['promotion', two, false],
      ['rollback', one, false],
      ['promotion', three, false],
      ['promotion', two, true],
      ['promotion', three, false],
      ['promotion', two, false],
    ]);
    expect(history).toMatchObject({ current: two, held: [], gaps: [] });
    expect(told.summary).toContain('↩️&nbsp;rollback');

    // The same by a reader of its own, which knows nothing but the annotation.
    const manifests = [...registry.digests('org/app')].map((digest) => registry.manifest('org/app', digest)?.bytes);
    const records = manifests.flatMap(
      (bytes) => JSON.parse(bytes?.toString('utf8') ?? '{}').annotations?.[RECORD] ?? [],
    );
    const production = records
      .map((json: string) => JSON.parse(json))
      .filter(({ environment }) => environment === 'production');
    expect(
      production
        .toSorted((a, b) => (a.time < b.time ? -1 : 1))
        .map(({ kind, digest, forced: by }) => [kind, digest, by]),
    ).toEqual(steps);
  });

  test('goes back further with each rollback, and to a digest that is named', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers });
    const { image } = fill(registry, 'org/app');
    const [one = '', two = '', three = '', never = ''] = ['1', '2', '3', '4'].map(
      (each) => image([each]).descriptor.digest,
    );
    const at = { images: `${registry.host}/org/app`, environment: 'production' };
    for (const from of [one, two, three]) expect((await job.promote({ ...at, from })).outputs.outcome).toBe('promoted');
    const back = async (inputs: Readonly<Record<string, string>> = {}) => {
      // What is named may be held back, and then only a person goes back to it.
      const start = 'from' in inputs ? job.byHand : job.promote;
      const run = await start({ ...at, rollback: 'true', ...inputs });
      return [run.outputs.outcome, registry.tags('org/app').production];
    };
    expect(await back()).toEqual(['rolled-back', two]);
    expect(await back()).toEqual(['rolled-back', one]);
    expect(await back()).toEqual(['refused', one]);
    expect(await back({ from: never })).toEqual(['refused', one]);
    expect(await back({ from: three })).toEqual(['rolled-back', three]);
    expect(await back({ from: three })).toEqual(['unchanged', three]);
    expect(await back({ from: `sha256:${'0'.repeat(64)}` })).toEqual(['refused', three]);
    expect(await back({ from: one })).toEqual(['rolled-back', one]);
  });

  test('where the chain of records is broken, a digest that is named is known by its own record', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers });
    const { image } = fill(registry, 'org/app');
    const [one = '', two = '', never = ''] = ['1', '2', '3'].map((each) => image([each]).descriptor.digest);
    const at = { images: `${registry.host}/org/app`, environment: 'production' };
    expect((await job.promote({ ...at, from: one })).outputs.outcome).toBe('promoted');
    registry.addFault({ match: { method: 'PUT', path: /\/manifests\/sha256:/ }, action: { status: 403 } });
    expect((await job.promote({ ...at, from: two })).outputs.outcome).toBe('registry-failed');
    expect((await job.promote({ ...at, from: two })).outputs.outcome).toBe('promoted');
    const lost = await job.promote({ ...at, rollback: 'true' });
    expect(lost.outputs.outcome).toBe('refused');
    expect(lost.annotations[0]?.message).toContain('Name the digest to go back to');
    expect((await job.promote({ ...at, rollback: 'true', from: never })).outputs.outcome).toBe('refused');
    const back = await job.promote({ ...at, rollback: 'true', from: one });
    expect(back.outputs).toMatchObject({ outcome: 'rolled-back', digest: one });
    expect((await job.promote({ ...at, from: two })).outputs.outcome).toBe('refused');
  });

  test('a record that could not be written is made up for by the next run', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers });
    const { image } = fill(registry, 'org/app');
    const { digest } = image(['one']).descriptor;
    const at = { images: `${registry.host}/org/app`, environment: 'production', from: digest };
    registry.addFault({ match: { method: 'PUT', path: /\/manifests\/sha256:/ }, action: { status: 403 } });
    const first = await job.promote(at);
    expect(first).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(registry.tags('org/app').production).toBe(digest);
    const second = await job.promote(at);
    expect(second).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
    registry.clearLog();
    const third = await job.promote(at);
    expect(third).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    expect(registry.writes()).toEqual([]);
    expect(registry.requests()).toBeLessThanOrEqual(6);
  });
});

test('records that came along with an image from another repository are not the history of this one', async () => {
  await using job = await createPromotionJob();
  await using registry = await startRegistry({ referrers: true });
  const { image } = fill(registry, 'dev/app');
  const [one, two] = [image(['1'], {}, 'one').descriptor.digest, image(['2'], {}, 'two').descriptor.digest];
  const dev = { images: `${registry.host}/dev/app`, environment: 'live' };
  const prod = { to: `${registry.host}/prod/app`, environment: 'live' };
  for (const from of ['one', 'two']) await job.promote({ ...dev, from });
  expect((await job.promote({ ...dev, rollback: 'true' })).outputs.digest).toBe(one);

  // It was rolled back over there, and is new here.
  const first = await job.promote({ ...prod, from: `${registry.host}/dev/app:two` });
  expect(first.outputs).toMatchObject({ outcome: 'promoted', digest: two, 'previous-digest': '' });
  expect(JSON.parse(first.outputs.json ?? '').history.promotions).toEqual([]);
  expect(JSON.parse(first.outputs.json ?? '').promotions.map(({ to }: { to: string[] }) => to.join())).toEqual([
    `${registry.host}/dev/app:live`,
    `${registry.host}/prod/app:live`,
  ]);
  const nothing = await job.promote({ ...prod, rollback: 'true' });
  expect(nothing.outputs.outcome).toBe('refused');
  expect((await job.promote({ ...prod, from: `${registry.host}/dev/app:two` })).outputs.outcome).toBe('unchanged');
});
