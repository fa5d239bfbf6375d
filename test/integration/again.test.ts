import { describe, expect, test } from 'vitest';
import { startRegistry } from '../support/registry.ts';
import { createSetting } from './setting.ts';

// No Docker is on this PATH: whatever succeeds here was not built again.
const env = { PATH: `${process.env.TEST_TRIVY_DIR}:/usr/bin:/bin` };
const inputs = { source: '', platforms: 'linux/amd64,linux/arm64', context: '.', 'github-token': '' };

describe('P9: a re-run does only what is missing', () => {
  test('what has to be built without Docker says so, with the way out', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.repository.commit('a Dockerfile', { Dockerfile: 'FROM scratch\n' });
    const run = await setting.publish(
      { ...inputs, images: `${registry.host}/org/app` },
      { env: { ...env, PATH: `${process.env.TEST_TRIVY_DIR}` } },
    );
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'build-failed' } });
    expect(run.log).toMatch(/Docker is not installed/);
    expect(run.log).toMatch(/`source:`/);
  });
});

test('a plan without a push shows tags and labels in log and summary', async () => {
  await using setting = await createSetting();
  const run = await setting.publish({ ...inputs, images: 'ghcr.io/org/app', 'dry-run': 'true', push: 'false' });
  expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'planned' } });
  for (const text of [run.log, run.summary]) expect(text).toContain('ghcr.io/org/app:main');
  expect(run.log).toContain('label org.opencontainers.image.title=app');
  expect(run.log.trimEnd()).toMatch(/nothing was built, and nothing was written\.$/);
});

test('a verdict that is asked for later is scanned for and attached, once', async () => {
  await using setting = await createSetting();
  await using registry = await startRegistry({ referrers: true });
  await setting.image();
  const inputs = { images: `${registry.host}/org/app`, 'attach-gate-result': 'true' };
  const first = await setting.publish({ ...inputs, 'attach-gate-result': 'false' });
  const manifests = () => registry.digests('org/app').length;
  const before = manifests();
  const later = await setting.publish(inputs);
  expect(later).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest: first.outputs.digest } });
  expect(later.outputs['scan-gated']).toBe('0');
  expect(manifests()).toBe(before + 1);
  expect((await setting.publish(inputs)).outputs.outcome).toBe('unchanged');
  expect(manifests()).toBe(before + 1);
});

test('a warning about the inputs is in log, summary and json', async () => {
  await using setting = await createSetting();
  await setting.image();
  const run = await setting.publish({ push: 'false', scan: 'off' });
  for (const text of [run.log, run.summary, run.outputs.json]) expect(text).toMatch(/db-repository.*has no effect/);
});

test('P1: a build cache that would be written over a tag of the run, without a verdict, is an error', async () => {
  await using setting = await createSetting();
  const cache = { 'cache-to': 'type=registry,ref=ghcr.io/org/app:main,mode=max' };
  const dry = { ...inputs, images: 'ghcr.io/org/app', 'dry-run': 'true', push: 'false' };
  const run = await setting.publish({ ...dry, ...cache });
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
  expect(run.log).toMatch(/`cache-to` would write the build cache over ghcr\.io\/org\/app:main/);
});
