import { expect, onTestFinished, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

type Lines = Readonly<Record<string, string>>;

/** An environment that was promoted to `one` and then to `two`. */
async function createStage() {
  const job = await createPromotionJob();
  onTestFinished(job[Symbol.asyncDispose]);
  const registry = await startRegistry({ referrers: true, deletes: 'digests and tags' });
  onTestFinished(() => registry.close());
  const source = fill(registry, 'org/app');
  const images = `${registry.host}/org/app`;
  const promote = (inputs: Lines) => job.promote({ images, environment: 'production', ...inputs });
  const outcome = async (inputs: Lines) => (await promote(inputs)).outputs.outcome;
  const one = source.image(['1'], {}, 'one').descriptor.digest;
  const two = source.image(['2'], {}, 'two').descriptor.digest;
  for (const from of ['one', 'two']) expect(await outcome({ from })).toBe('promoted');
  return { job, registry, source, images, promote, outcome, one, two };
}

test('what is held back stays so when the environment is given one more tag', async () => {
  const { outcome, registry, one } = await createStage();
  expect(await outcome({ rollback: 'true' })).toBe('rolled-back');
  for (const environment of ['production', 'Production']) {
    expect(await outcome({ from: 'two', to: 'fresh\nproduction', environment })).toBe('refused');
  }
  expect(registry.tags('org/app')).toMatchObject({ production: one });
  expect(registry.tags('org/app').fresh).toBeUndefined();
});

test.each([
  ['has moved the tag', false],
  ['has removed the tag', true],
])('what is held back stays so after something else %s', async (_, isGone) => {
  const { outcome, registry, source } = await createStage();
  expect(await outcome({ rollback: 'true' })).toBe('rolled-back');
  const tag = `http://${registry.host}/v2/org/app/manifests/production`;
  if (isGone) expect((await fetch(tag, { method: 'DELETE' })).status).toBe(202);
  else source.image(['3'], {}, 'production');
  expect(await outcome({ from: 'two' })).toBe('refused');
  source.image(['4'], {}, 'four');
  expect(await outcome({ from: 'four' })).toBe('promoted');
});

test('nobody knows what is held back where a record of what the environment has cannot be understood', async () => {
  const { promote, job, images, registry, source } = await createStage();
  const three = source.image(['3'], {}, 'production');
  source.referrer(three, 'record', {
    artifactType: 'application/vnd.io.github.registry-action.promotion.v1+json',
    annotations: { 'io.github.registry-action.promotion.record': '{"schemaVersion":2}' },
  });
  registry.clearLog();
  const run = await promote({ from: 'two' });
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
  expect(run.log).toContain('cannot be understood, so sha256:');
  expect(registry.writes()).toEqual([]);
  const forced = await job.byHand({ images, environment: 'production', from: 'two', force: 'true' });
  expect(forced.outputs.outcome, forced.log).toBe('promoted');
});

test('a rollback whose record could not be written says that nothing is held back', async () => {
  const { promote, registry, one, two } = await createStage();
  registry.addFault({ match: { method: 'PUT', path: /\/manifests\/sha256:/ }, action: { status: 403 } });
  const back = await promote({ rollback: 'true' });
  expect(back.outputs.outcome).toBe('registry-failed');
  expect(registry.tags('org/app').production).toBe(one);
  expect(back.annotations[0]?.message).toContain(`${two} is not on hold`);
});

test('a rollback does not go to what a mirror of the same name has held', async () => {
  const { job, images, source } = await createStage();
  const mirror = await startRegistry({ referrers: true });
  onTestFinished(() => mirror.close());
  source.image(['3'], {}, 'three');
  const go = async (environment: string, from: string) =>
    (await job.promote({ environment, from: `${images}:${from}`, to: `${mirror.host}/org/app` })).outputs.outcome;
  // With its records, which tell that production held it over there.
  expect(await go('archive', 'two')).toBe('promoted');
  expect(await go('production', 'three')).toBe('promoted');
  const before = mirror.tags('org/app');
  const at = { images: `${mirror.host}/org/app`, environment: 'production', rollback: 'true' };
  for (const from of ['', 'archive']) expect((await job.promote({ ...at, from })).outputs.outcome).toBe('refused');
  expect(mirror.tags('org/app')).toEqual(before);
});

test('a rollback to what is held back is for a person: an automatic one writes nothing', async () => {
  const { job, images, outcome, promote, registry, one, two } = await createStage();
  expect(await outcome({ rollback: 'true' })).toBe('rolled-back');
  registry.clearLog();
  const run = await promote({ rollback: 'true', from: two });
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
  expect(run.log).toContain('only a person can restore it');
  expect(registry.writes()).toEqual([]);
  const back = await job.byHand({ images, environment: 'production', rollback: 'true', from: two });
  expect(back.outputs, back.log).toMatchObject({ outcome: 'rolled-back', 'previous-digest': one });
  expect(await outcome({ from: 'two' })).toBe('unchanged');
});
