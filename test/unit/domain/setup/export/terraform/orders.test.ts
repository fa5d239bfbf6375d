import { expect, test } from 'vitest';
import type { Fields } from '../../../../../../src/domain/fields.ts';
import type { GoogleState } from '../../../../../../src/domain/setup/export/google-state.ts';
import type { HarborState } from '../../../../../../src/domain/setup/export/harbor-state.ts';
import type { LiveAcr } from '../../../../../../src/registries/acr/setup/read.ts';
import { acrState } from '../../../../../../src/registries/acr/setup/state.ts';
import { cleanupPolicies } from '../../../../../../src/registries/artifact-registry/setup/cleanup-policies.ts';
import { desiredRegistry } from '../../../../../support/setup/desired.ts';
import { terraformOf } from '../../../../../support/setup/terraform-export.ts';

/** What registries read back in another form, or in another order each time, would differ in every plan of Terraform. */

test.each([
  ['30d', '2592000s'],
  ['36h', '129600s'],
  ['90m', '5400s'],
  ['45s', '45s'],
])('Google: an age of %s is %s', (age, seconds) => {
  const policies = cleanupPolicies(
    [
      { name: 'old', action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: age } },
      { name: 'new', action: { type: 'Keep' }, condition: { tagState: 'any', newerThan: age } },
    ],
    'setup-',
  );
  const at = 'europe-docker.pkg.dev/acme-prod';
  const fields = { name: 'apps', format: 'DOCKER', cleanupPolicies: policies };
  const state: GoogleState = {
    kind: 'artifact-registry',
    project: 'acme-prod',
    location: 'europe',
    repositories: [{ name: 'apps', line: 5, exists: false, fields, members: [] }],
    settings: [],
  };
  const { all } = terraformOf('artifact-registry', desiredRegistry(at, []), state);
  expect([...all.matchAll(/(?:older|newer)_than\s+= "(.*)"/g)].map(([, each]) => each)).toEqual([seconds, seconds]);
});

const NONE = { ok: true, value: [] } as const;

test('Azure: replicas are in the order of the alphabet, in whichever order they are read', () => {
  const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acmeprod';
  const replicas = ['West US', 'japaneast', 'North Europe', 'australiaeast'].map((location) => ({
    name: location,
    location,
    properties: { regionEndpointEnabled: true },
  }));
  const desired = desiredRegistry('acmeprod.azurecr.io', [], {
    replicate: {
      value: [{ to: ['japaneast'], only: [], copiesExisting: false, deletes: undefined, line: 4 }],
      line: 4,
    },
  });
  const written = (rows: readonly Fields[]) => {
    const live: LiveAcr = {
      registry: { location: 'westeurope', sku: { name: 'Premium' }, properties: {} },
      replications: { ok: true, value: rows },
      credentialSets: NONE,
      cacheRules: NONE,
      scopeMaps: NONE,
      tokens: NONE,
      webhooks: NONE,
      roles: NONE,
      task: { ok: true, value: undefined },
    };
    const state = acrState(desired, live, id, () => ({ settings: [], steps: [], warnings: [] }));
    return terraformOf('acr', desired, state).all;
  };
  const text = written(replicas);
  const blocks = text.split('georeplications {').slice(1);
  expect(blocks.map((block) => /location\s+= "(.*)"/.exec(block)?.[1])).toEqual([
    'australiaeast',
    'japaneast',
    'northeurope',
    'westus',
  ]);
  expect(written(replicas.toReversed())).toBe(text);
});

test('Harbor: rights of a robot account are sorted, in whichever order they are read', () => {
  const access = [
    { resource: 'tag', action: 'list' },
    { resource: 'repository', action: 'push' },
    { resource: 'artifact', action: 'read' },
    { resource: 'repository', action: 'pull' },
  ];
  const written = (rows: readonly Fields[]) => {
    const robot = { name: 'ci', days: 90, description: '', id: 3, line: 9 };
    const state: HarborState = {
      kind: 'harbor',
      url: 'https://harbor.acme.example',
      endpoints: [],
      replications: [],
      settings: [],
      projects: [
        {
          name: 'acme',
          line: 5,
          id: 1,
          metadata: {},
          storage: undefined,
          proxyOf: undefined,
          immutable: undefined,
          retention: undefined,
          members: [],
          webhooks: [],
          robots: [{ ...robot, permissions: [{ kind: 'project', namespace: 'acme', access: rows }] }],
        },
      ],
    };
    return terraformOf('harbor', desiredRegistry('harbor.acme.example', []), state).texts.get('access.tf');
  };
  const text = written(access);
  const rights = [...(text?.matchAll(/action\s+= "(.*)"\n\s+resource\s+= "(.*)"/g) ?? [])];
  expect(rights.map(([, action, resource]) => `${resource} ${action}`)).toEqual([
    'artifact read',
    'repository pull',
    'repository push',
    'tag list',
  ]);
  expect(written(access.toReversed())).toBe(text);
});
