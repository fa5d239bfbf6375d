import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/commands/publish/fingerprint.ts';
import { FINGERPRINT } from '../../src/domain/annotations.ts';
import { parseInputs } from '../../src/inputs/parse.ts';
import { startRegistry } from '../support/registry.ts';
import { createSetting, GOOD, type Setting, VULNERABLE } from './setting.ts';

// No Docker is on this PATH: whatever succeeds here was not built again.
const env = { PATH: `${process.env.TEST_TRIVY_DIR}:/usr/bin:/bin` };
const inputs = { source: '', platforms: 'linux/amd64,linux/arm64', context: '.', 'github-token': '' };

/** The image that a run with the inputs above would have built and published before. */
function published(setting: Setting, spec = GOOD) {
  const asked = parseInputs({ INPUT_IMAGES: 'ghcr.io/org/app', INPUT_PLATFORMS: inputs.platforms }, () => undefined);
  return setting.image({ ...spec, annotations: { [FINGERPRINT]: fingerprintOf(asked) } }, 'published');
}

const shortTag = async (setting: Setting) => `sha-${(await setting.repository.head()).slice(0, 7)}`;

describe('P9: a re-run does only what is missing', () => {
  test('a finished publish of a build is green without a build, and nothing is written', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const { directory, digest } = await published(setting);
    await registry.putLayout('org/app', await shortTag(setting), directory);
    await registry.putLayout('org/app', 'main', directory);
    registry.clearLog();
    const run = await setting.publish({ ...inputs, images: `${registry.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged', digest } });
    expect(registry.writes()).toEqual([]);
    expect(registry.requests()).toBeLessThanOrEqual(6);
  });

  test('a version of five tags behind a password is repeated with six requests', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry({ auth: { basic: { username: 'me', password: 'secret' } } });
    const event = await setting.tag('v1.2.3');
    const { directory } = await published(setting);
    for (const tag of ['1.2.3', '1.2', '1', 'latest', await shortTag(setting)])
      await registry.putLayout('org/app', tag, directory);
    registry.clearLog();
    const login = { registry: registry.host, username: 'me', password: 'secret' };
    const run = await setting.publish({ ...inputs, ...login, images: `${registry.host}/org/app` }, { env, event });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    expect(registry.requests()).toBeLessThanOrEqual(6);
  });

  test('what one registry lacks is brought from the other: the same bytes, scanned again, not built again', async () => {
    await using setting = await createSetting();
    await using full = await startRegistry();
    await using empty = await startRegistry();
    const { directory, digest } = await published(setting);
    await full.putLayout('org/app', await shortTag(setting), directory);
    const run = await setting.publish({ ...inputs, images: `${full.host}/org/app\n${empty.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest } });
    for (const registry of [full, empty])
      expect(registry.tags('org/app')).toEqual({ main: digest, [await shortTag(setting)]: digest });
    expect(run.log).toMatch(/published before/);
  });

  test('what was published before has to pass the gate of today', async () => {
    await using setting = await createSetting();
    await using full = await startRegistry();
    await using empty = await startRegistry();
    const { directory } = await published(setting, VULNERABLE);
    await full.putLayout('org/app', await shortTag(setting), directory);
    const run = await setting.publish({ ...inputs, images: `${full.host}/org/app\n${empty.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
    expect(empty.writes()).toEqual([]);
    expect(full.tags('org/app').main).toBeUndefined();
  });

  test('a release of a commit that was published from its branch carries the same bytes', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const { directory, digest } = await published(setting);
    await registry.putLayout('org/app', await shortTag(setting), directory);
    const run = await setting.publish(
      { ...inputs, images: `${registry.host}/org/app` },
      { env, event: await setting.tag('v1.2.3') },
    );
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest } });
    expect(registry.tags('org/app')).toMatchObject({ '1.2.3': digest, '1.2': digest, '1': digest, latest: digest });
  });

  test('another build of the same commit is not taken for this one', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const { directory } = await published(setting);
    await registry.putLayout('org/app', await shortTag(setting), directory);
    const run = await setting.publish({ ...inputs, target: 'debug', images: `${registry.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(run.log).toMatch(/another build of this commit/);
    expect(run.log).toMatch(/Publish under a new version/);
    expect(run.summary).toMatch(/⛔ conflict \| – \| 0 \|/);
    expect(run.summary).not.toMatch(/✅ in place/);
    expect(run.log).not.toMatch(/Docker is not installed/);
  });

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

test('a branch that holds another build of this very commit would move, as the plan says', async () => {
  await using setting = await createSetting();
  await using registry = await startRegistry();
  const { directory } = await published(setting);
  await registry.putLayout('org/app', await shortTag(setting), directory);
  await registry.putLayout('org/app', 'main', directory);
  const images = `${registry.host}/org/app`;
  const run = await setting.publish({ ...inputs, target: 'debug', images, 'dry-run': 'true' }, { env });
  expect(run.log).toMatch(/move +\S+:main .*holds another build of/);
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
  const inputs = { images: `${registry.host}/org/app`, 'attach-verdict': 'true' };
  const first = await setting.publish({ ...inputs, 'attach-verdict': 'false' });
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
