import { expect, test } from 'vitest';
import { acrSetup } from '../../../../src/registries/acr/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { blocksOf, desiredRegistry } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { type AzureSetupOptions, azureContract, azureSetupDouble } from '../../../support/vendors/azure-setup.ts';
import { jwt } from '../../../support/vendors/oidc.ts';

const GROUP = '/subscriptions/7c1e0000-0000-4000-8000-000000000001/resourceGroups/registries';
const RESOURCE = `${GROUP}/providers/Microsoft.ContainerRegistry/registries/acmeprod`;
const ARM = 'management.azure.com';
const LOGIN = 'login.microsoftonline.com';
const PREMIUM = {
  location: 'westeurope',
  sku: { name: 'Premium' },
  properties: { policies: { quarantinePolicy: { status: 'disabled' } } },
};

async function start(options: Partial<AzureSetupOptions> = {}, env: Readonly<Record<string, string>> = {}) {
  const double = azureSetupDouble({ resource: RESOURCE, ...options });
  const api = checked(double.hosts[ARM], azureContract(await readContract('acr-arm'), RESOURCE));
  const scopes: string[] = [];
  const login = ({ body }: { readonly body: string }) => {
    scopes.push(new URLSearchParams(body).get('scope') ?? '');
    return { status: 200, body: { access_token: jwt({ exp: 4_000_000_000 }) } };
  };
  const run = await setupRun(
    acrSetup,
    { [ARM]: api, [LOGIN]: login },
    {
      host: 'acmeprod.azurecr.io',
      env,
      keyless: {
        'azure-client-id': '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c11',
        'azure-tenant-id': '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c12',
      },
      idToken: async () => jwt({ aud: 'api://AzureADTokenExchange' }),
    },
    /^POST \/[0-9a-f-]+\/oauth2/,
  );
  return { double, api, scopes, child: (path: string) => double.state.children.get(path), ...run };
}

const group = { in: { value: GROUP, line: 3 } };
const EVERYTHING = desiredRegistry(
  'acmeprod.azurecr.io',
  [
    {
      name: 'acme/api',
      visibility: 'private',
      labels: { owner: 'platform' },
      push: ['acr:token/ci-push', '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c13'],
      pull: ['acr:token/prod-pull'],
      webhooks: [{ name: 'deploy', url: 'https://hooks.example/acr', on: ['push'], secret: 'HOOK', line: 7 }],
    },
    { name: 'acme/web', pull: ['acr:token/prod-pull'] },
  ],
  {
    ...group,
    own: blocksOf({
      azure: { sku: 'Premium', location: 'West Europe', adminUserEnabled: false, quarantinePolicy: 'enabled' },
    }),
    replicate: {
      line: 4,
      value: [{ to: ['northeurope', 'uksouth'], only: [], copiesExisting: true, deletes: undefined, line: 4 }],
    },
    cache: {
      line: 5,
      value: [
        {
          prefix: 'hub',
          from: 'docker.io',
          user: 'https://acme.vault.azure.net/secrets/hub-user',
          secret: 'https://acme.vault.azure.net/secrets/hub-password',
          role: undefined,
          pull: [],
          line: 5,
        },
      ],
    },
  },
);

test('a new registry with replicas, cache, tokens, a role and a webhook; the second apply is empty', async () => {
  const { double, api, apply, writes, child, scopes, runtime } = await start({ busy: 2 }, { HOOK: 'hook-secret' });
  const first = await apply(EVERYTHING);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  expect(scopes).toEqual(['https://management.azure.com/.default']);
  expect(double.state.registry).toMatchObject({
    location: 'westeurope',
    sku: { name: 'Premium' },
    tags: { owner: 'platform' },
    properties: {
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      policies: { quarantinePolicy: { status: 'enabled' } },
    },
  });
  expect(child('/scopeMaps/setup-platform-prod-pull')?.properties).toMatchObject({
    actions: ['api', 'web'].flatMap((name) => [
      `repositories/acme/${name}/content/read`,
      `repositories/acme/${name}/metadata/read`,
    ]),
  });
  expect(child('/cacheRules/setup-hub')?.properties).toEqual({
    sourceRepository: 'docker.io/*',
    targetRepository: 'hub/*',
    credentialSetResourceId: `${RESOURCE}/credentialSets/setup-hub`,
  });
  expect(child('/webhooks/deploy')?.properties).toMatchObject({
    scope: 'acme/api:*',
    customHeaders: { Authorization: 'hook-secret' },
  });
  expect([...double.state.children.keys()].filter((path) => path.startsWith('/replications'))).toEqual([
    '/replications/northeurope',
    '/replications/uksouth',
  ]);
  const issued = first.applied.flatMap(({ issued: all = [] }) => all);
  expect(issued.map(({ username, password }) => `${username} ${password}`)).toEqual([
    'ci-push acr-password-1',
    'prod-pull acr-password-2',
  ]);
  expect(runtime.recorded.masks).toEqual(expect.arrayContaining(['acr-password-1', 'acr-password-2', 'hook-secret']));
  expect(first.applied.flatMap(({ note }) => note ?? [])[0]).toContain('Key Vault Secrets User');

  const before = writes().length;
  const second = await apply(EVERYTHING);
  expect(due(second.settings)).toEqual([]);
  expect(writes()).toHaveLength(before);
});

test('a run that is killed after any step is repeated and converges', async () => {
  const { apply, plan } = await start({}, { HOOK: 'hook-secret' });
  const { steps } = await plan(EVERYTHING);
  for (let killed = 0; killed < steps.length; killed += 1) expect((await apply(EVERYTHING, 1)).failed).toEqual([]);
  expect(due((await plan(EVERYTHING)).settings)).toEqual([]);
});

test('replicas in another order are the same, and those of others stay', async () => {
  const { plan, double } = await start({ registry: PREMIUM });
  for (const region of ['uksouth', 'northeurope', 'japaneast']) {
    double.state.children.set(`/replications/${region}`, {
      name: region,
      location: region === 'uksouth' ? 'UK South' : region,
    });
  }
  const { settings, steps } = await plan(
    desiredRegistry('acmeprod.azurecr.io', [], {
      ...group,
      replicate: EVERYTHING.replicate ?? { value: null, line: 1 },
    }),
  );
  expect(steps).toEqual([]);
  expect(lines(settings)).toEqual([
    'replicate northeurope: equal northeurope → northeurope',
    'replicate uksouth: equal uksouth → uksouth',
    'replicate japaneast: kept-foreign japaneast',
  ]);
});

test('`replicate: none` removes the replicas that setup made and no others', async () => {
  const { apply, double } = await start({ registry: PREMIUM });
  double.state.children.set('/replications/uksouth', {
    name: 'uksouth',
    location: 'uksouth',
    tags: { 'registry-action-setup': 'platform' },
  });
  double.state.children.set('/replications/japaneast', {
    name: 'japaneast',
    location: 'japaneast',
    tags: { 'registry-action-setup': 'other' },
  });
  await apply(desiredRegistry('acmeprod.azurecr.io', [], { ...group, replicate: { value: null, line: 4 } }));
  expect([...double.state.children.keys()]).toEqual(['/replications/japaneast']);
});

test('what the SKU cannot do is said before a request', async () => {
  const registry = { location: 'westeurope', sku: { name: 'Standard' }, properties: {} };
  const { plan, writes } = await start({ registry });
  const { settings } = await plan(
    desiredRegistry('acmeprod.azurecr.io', [{ name: 'acme/api', immutable: { mode: 'all' }, scan: 'on-push' }], {
      ...group,
      replicate: {
        value: [{ to: ['uksouth', 'westeurope'], only: [], copiesExisting: false, deletes: undefined, line: 4 }],
        line: 4,
      },
    }),
  );
  expect(lines(settings)).toEqual([
    'replicate uksouth: unsupported uksouth',
    'replicate westeurope: equal westeurope',
    'acme/api scan: unsupported',
    'acme/api immutable: unsupported true',
  ]);
  expect(writes()).toEqual([]);
});

test('a credential set that cannot read its secrets stops the cache rule, and says what to do', async () => {
  const { apply, child } = await start({ registry: PREMIUM, vaultRole: false });
  const cache = EVERYTHING.cache ?? { value: null, line: 1 };
  const { failed } = await apply(desiredRegistry('acmeprod.azurecr.io', [], { ...group, cache }));
  expect(failed).toHaveLength(1);
  expect(failed[0]).toContain('cannot read the credentials');
  expect(child('/cacheRules/setup-hub')).toBeUndefined();
});

test('a token with a scope map of others is left alone; Premium to Basic says what has to go first', async () => {
  const registry = { ...PREMIUM, properties: { networkRuleSet: { defaultAction: 'Deny' } } };
  const { plan, double } = await start({ registry });
  double.state.children.set('/scopeMaps/team-map', { name: 'team-map', properties: { actions: [] } });
  double.state.children.set('/tokens/prod-pull', {
    name: 'prod-pull',
    properties: { scopeMapId: `${RESOURCE}/scopeMaps/team-map`, status: 'enabled' },
  });
  const wanted = desiredRegistry('acmeprod.azurecr.io', [{ name: 'acme/api', pull: ['acr:token/prod-pull'] }], {
    ...group,
    own: blocksOf({ azure: { sku: 'Basic' } }),
  });
  const { settings, steps } = await plan(wanted);
  expect(steps).toEqual([]);
  expect(settings.map(({ name, action }) => `${name} ${action}`)).toEqual([
    'azure.sku unsupported',
    'token prod-pull unsupported',
  ]);
  expect(settings[0]?.reason).toContain('network rules');
});
