import { describe, expect, test } from 'vitest';
import { exampleOf, openVendor } from '../../support/setup/vendor-run.ts';
import {
  AZURE_RESOURCE,
  azureScene,
  HARBOR_LOGIN,
  harborScene,
  VENDOR_SCENES,
} from '../../support/setup/vendor-scenes.ts';
import { type AzureSetupOptions, azureSetupDouble } from '../../support/vendors/azure-setup.ts';
import { type HarborSetupOptions, harborSetupDouble } from '../../support/vendors/harbor-setup.ts';

const APPLY = { 'dry-run': 'false' } as const;

describe('Azure', () => {
  const start = async (options: Partial<AzureSetupOptions> = {}) => {
    const double = azureSetupDouble({ resource: AZURE_RESOURCE, ...options });
    return { double, ...(await openVendor(await azureScene(double))) };
  };
  const group = AZURE_RESOURCE.split('/providers/')[0];
  const file = (fields: string) =>
    `version: 1\nregistries:\n  azure: {at: acmeprod.azurecr.io, in: ${group}, ${fields}}\n`;
  const live = (sku: string, properties: object = {}) => ({ location: 'westeurope', sku: { name: sku }, properties });

  test('a cache of Docker Hub without credentials is refused before any request, one of mcr.microsoft.com is made', async () => {
    const { run, cloud } = await start({ registry: live('Basic') });
    const hub = await run({ config: file('cache: [{prefix: hub, from: docker.io}]'), ...APPLY });
    expect(hub.outputs.outcome).toBe('invalid-input');
    expect(hub.log).toContain('Azure takes no cache of Docker Hub without credentials');
    expect(cloud.requests).toEqual([]);
    const config = file('cache: [{prefix: mcr, from: mcr.microsoft.com}]');
    const mcr = await run({ config, ...APPLY });
    expect(mcr.outputs.outcome, mcr.log).toBe('applied');
    expect((await run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });

  test('what a smaller SKU lacks is unsupported, and leaving Premium names what has to go first', async () => {
    const standard = await start({ registry: live('Standard') });
    const replicas = await standard.run({ config: file('replicate: [{to: [uksouth]}]'), ...APPLY });
    expect(replicas.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '1' });
    const premium = await start({ registry: live('Premium', { networkRuleSet: { defaultAction: 'Deny' } }) });
    const basic = await premium.run({ config: file('azure: {sku: Basic}'), ...APPLY });
    expect(basic.log).toContain('network rules');
    expect(premium.writes()).toEqual([]);
  });

  test('replicas in another order, and those of others, are no difference', async () => {
    const { run, double, writes } = await start({ registry: live('Premium') });
    for (const location of ['japaneast', 'uksouth', 'northeurope'])
      double.state.children.set(`/replications/${location}`, { name: location, location });
    const done = await run({ config: file('replicate: [{to: [northeurope, uksouth]}]'), ...APPLY });
    expect(done.outputs.outcome, done.log).toBe('unchanged');
    expect(writes()).toEqual([]);
    expect(done.log).toContain('kept replicate japaneast');
  });

  test('the rule of a cache waits until its credentials can be read', async () => {
    const { run, double } = await start({ registry: live('Premium'), vaultRole: false });
    const secret = (name: string) => `https://acme.vault.azure.net/secrets/${name}`;
    const cache = `cache: [{prefix: hub, from: docker.io, user: "${secret('user')}", secret: "${secret('password')}"}]`;
    const done = await run({ config: file(cache), ...APPLY });
    expect(done.exitCode).toBe(1);
    expect(done.log).toContain('cannot read the credentials');
    expect([...double.state.children.keys()].filter((path) => path.startsWith('/cacheRules/'))).toEqual([]);
  });
});

describe('Harbor', () => {
  const start = async (options: Partial<HarborSetupOptions> = {}) => {
    const double = harborSetupDouble({ ...HARBOR_LOGIN, ...options });
    return { double, ...(await openVendor(await harborScene(double))) };
  };
  const file = (repository: string) =>
    `version: 1\nowner: platform\nregistries: {harbor: {at: ${HARBOR_LOGIN.host}}}\nrepositories:\n  - {name: acme/api, ${repository}}\n`;

  test('a project that exists is adopted, and its robot account is found again under another prefix of the instance', async () => {
    const { run, double, writes } = await start({ robotPrefix: 'robot_' });
    double.addProject('acme');
    const config = file('push: ["harbor:robot/ci"]');
    const plan = await run({ config });
    expect(plan.log).toContain('expires after 30 days');
    const done = await run({ config, ...APPLY });
    expect(done.outputs.outcome, done.log).toBe('applied');
    const robots = double.state.projects.get('acme')?.robots ?? [];
    expect(robots.map(({ name }) => name)).toEqual(['robot_acme+ci']);
    for (const robot of robots) {
      const [permission] = Array.isArray(robot.permissions) ? robot.permissions : [];
      permission?.access.reverse();
    }
    const before = writes().length;
    expect((await run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    expect(writes()).toHaveLength(before);
    expect(double.state.secrets).toHaveLength(1);
  });

  test('a cache whose upstream is another one is refused, and nothing of it is changed', async () => {
    const { run, double, writes } = await start();
    double.addProject('hub');
    const done = await run({
      config: `version: 1\nregistries:\n  harbor: {at: ${HARBOR_LOGIN.host}, cache: [{prefix: hub, from: quay.io}]}\n`,
      ...APPLY,
    });
    expect(done.outputs.outcome).toBe('refused');
    expect(done.log).toContain('hub');
    expect(writes().filter((write) => write.includes('/projects'))).toEqual([]);
  });

  test('immutable tags and cosign are a warning with its line', async () => {
    const { run } = await start();
    const done = await run({ config: file('immutable: true') });
    expect(done.log).toMatch(/::warning::config:5: .*sha256-\*/);
  });
});

describe('GitHub Container Registry', () => {
  test('visibility is a step by hand with its link, and the outcome is partial until the file accepts it', async () => {
    const scene = await VENDOR_SCENES['GitHub Container Registry']?.();
    if (scene === undefined) throw new Error('ghcr');
    const { run, cloud } = await openVendor(scene);
    const config = exampleOf('GitHub Container Registry').replace(/ *accept: .*/, '');
    const done = await run({ config, ...APPLY });
    expect(done.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '1' });
    expect(done.summary).toContain('https://github.com/orgs/acme/packages/container/tools/settings');
    expect(cloud.requests).toEqual([]);
    expect((await run({ config: exampleOf('GitHub Container Registry'), ...APPLY })).outputs.outcome).toBe('unchanged');
  });
});
