import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDigest } from '../../../src/domain/digest.ts';
import { VENDOR_IDS } from '../../../src/inputs/vendors.ts';
import type { RepositoryManagement } from '../../../src/registries/management-port.ts';
import type { Capability, ListedImage } from '../../../src/registries/vendor.ts';
import { VENDORS } from '../../../src/registries/vendors.ts';
import { openRegistries } from '../../../src/run/open-registries.ts';
import { runAction } from '../../support/action.ts';
import { type Cloud, startCloud } from '../../support/cloud.ts';
import { readInputs } from '../../support/inputs.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { createTestRuntime, type TestRuntime } from '../../support/runtime.ts';
import { oidcDouble } from '../../support/vendors/oidc.ts';
import { createSetting, type Setting } from '../setting.ts';
import { ROWS, type Running } from './vendors.ts';

/** The steps of the story, and the capability that each needs. */
const STEPS: readonly (readonly [string, Capability | undefined])[] = [
  ['login', undefined],
  ['create', 'create-repository'],
  ['publish', undefined],
  ['list', 'list-images'],
  ['delete tag', 'delete-tag'],
  ['delete digest', 'delete-digest'],
];

test('the story is told of every kind of registry', () => {
  expect(ROWS.map(({ id }) => id).toSorted()).toEqual([...VENDOR_IDS].toSorted());
});

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
  await setting.image();
  const lines = ROWS.flatMap(({ id }) => {
    const { title, capabilities } = VENDORS[id];
    const lacks = STEPS.flatMap(([step, capability]) => {
      const support = capability === undefined ? 'yes' : capabilities[capability];
      return typeof support === 'object' && 'lacks' in support ? `${step}: lacking. ${support.lacks}` : [];
    });
    return [`${title}: ${lacks.length === 0 ? 'every step' : ''}`, ...lacks.map((each) => `  ${each}`)];
  });
  console.log(lines.join('\n'));
});
afterAll(() => setting[Symbol.asyncDispose]());

describe.each(ROWS)('$id at $host', (row) => {
  const vendor = VENDORS[row.id];
  const image = `${row.host}/${row.repository}`;
  const stack = new AsyncDisposableStack();
  const oidc = oidcDouble();
  let running: Running;
  let registry: TestRegistry;
  let cloud: Cloud;
  let runtime: TestRuntime;
  let env: Record<string, string>;
  let managed: RepositoryManagement;
  let digest: string;
  const lacks = (capability: Capability) => {
    const support = vendor.capabilities[capability];
    return typeof support === 'object' && 'lacks' in support;
  };
  /** A step that the vendor lacks is an error that says what to do instead. */
  const told = (task: () => Promise<unknown>) =>
    expect(Promise.resolve().then(task)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  const list = async () => {
    const images: ListedImage[] = [];
    for await (const each of managed.list()) images.push(each);
    return images;
  };

  beforeAll(async () => {
    running = await row.start();
    const home = row.host === 'docker.io' ? 'registry-1.docker.io' : row.host;
    registry = stack.use(await startRegistry({ auth: running.auth, origin: `https://${home}`, ...row.registry }));
    cloud = stack.use(await startCloud({ ...running.hosts(registry), ...oidc.hosts }));
    env = { ...cloud.env, ...oidc.env, ...running.env };
    const inputs = Object.entries(row.inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    runtime = stack.use(await createTestRuntime({ env: { ...process.env, ...env } }));
    const all = { ...Object.fromEntries(inputs), INPUT_IMAGES: image, 'INPUT_REGISTRY-CA': cloud.caFile };
    const { registries } = (await readInputs(all, runtime.secret)).inputs;
    const opened = await openRegistries(runtime, registries, [row.host], 'octocat');
    const found = opened.get(row.host);
    if (found === undefined) throw new Error(`${row.host} was not opened`);
    managed = found.manage(row.repository);
  });
  afterAll(() => stack.disposeAsync());

  test('login', async () => {
    await using run = await runAction({
      inputs: { command: 'login', registry: row.host, ...row.inputs },
      env: { ...env, DOCKER_CONFIG: join(runtime.temp, 'docker') },
    });
    expect(run.exitCode, run.log).toBe(0);
    expect(run.outputs).toMatchObject({ outcome: 'logged-in', registries: row.host });
    expect((await run.post()).exitCode).toBe(0);
  });

  test('create and publish', async () => {
    if (lacks('create-repository')) await told(() => managed.create({}));
    else expect(await managed.exists()).toBe(false);
    const before = cloud.requests.length;
    const run = await setting.publish(
      {
        images: image,
        scan: 'off',
        ...row.inputs,
        ...(lacks('create-repository') ? {} : { 'create-repository': 'true' }),
      },
      { env, event: await setting.push() },
    );
    expect(run.exitCode, run.log).toBe(0);
    expect(run.outputs.outcome).toBe('published');
    digest = run.outputs.digest ?? '';
    expect(run.outputs.repository).toBe(row.repository);
    // Settings are those of the vendor unless they are asked for.
    const bodies = cloud.requests.slice(before).map(({ body }) => body);
    expect(bodies.filter((body) => /scan|immutab|kms|encrypt/i.test(body.replaceAll(image, '')))).toEqual([]);
    if (!lacks('create-repository')) expect(await managed.exists()).toBe(true);
    for (const [tag, held] of Object.entries(registry.tags(row.repository))) {
      expect(held).toBe(digest);
      const stored = registry.manifest(row.repository, held);
      running.learn({ tag, digest: held, mediaType: stored?.mediaType ?? '', bytes: stored?.bytes.length ?? 0 });
    }
    expect(Object.keys(registry.tags(row.repository))).toHaveLength(2);
  });

  test('list', async () => {
    if (lacks('list-images')) return told(list);
    const gets = registry.log.filter(({ method }) => method === 'GET').length;
    const images = await list();
    const ours = images.find((each) => each.digest === digest);
    expect(ours?.tags.toSorted()).toEqual(Object.keys(registry.tags(row.repository)).toSorted());
    if (vendor.capabilities['push-time'] === 'yes') expect(ours?.pushedAt).toBeInstanceOf(Date);
    if (vendor.capabilities.size === 'yes') expect(ours?.size).toBeGreaterThan(0);
    // A GET of a manifest counts as a pull.
    const manifests = registry.log.filter(({ method, path }) => method === 'GET' && path.includes('/manifests/'));
    expect(manifests.slice(gets)).toEqual([]);
  });

  test('delete tag', async () => {
    if (lacks('delete-tag')) return told(() => managed.deleteTag('main'));
    expect(await managed.deleteTag('main')).toBe('deleted');
    if (row.id === 'distribution') expect(Object.keys(registry.tags(row.repository))).not.toContain('main');
    const images = await list();
    expect(images.flatMap(({ tags }) => tags)).not.toContain('main');
    expect(images.map((each) => each.digest)).toContain(digest);
    expect(await managed.deleteTag('main')).toBe('absent');
  });

  test('delete digest', async () => {
    if (!isDigest(digest)) throw new Error(`${digest} is no digest`);
    const known = digest;
    if (lacks('delete-digest')) return told(() => managed.deleteDigest(known));
    expect(await managed.deleteDigest(known)).toBe('deleted');
    running.forget?.(known);
    expect((await list()).map((each) => each.digest)).not.toContain(known);
    expect(await managed.deleteDigest(known)).toBe('absent');
  });

  test('every request was as the vendor describes it, and no other host was asked for anything', () => {
    expect(running.checks.flatMap(({ problems }) => problems)).toEqual([]);
    expect(cloud.strangers).toEqual([]);
  });
});
