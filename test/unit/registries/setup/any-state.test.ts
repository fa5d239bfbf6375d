import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DesiredRegistry } from '../../../../src/domain/setup/desired-state.ts';
import { acrSetup } from '../../../../src/registries/acr/setup/setup.ts';
import { artifactRegistrySetup } from '../../../../src/registries/artifact-registry/setup/setup.ts';
import { artifactorySetup } from '../../../../src/registries/artifactory/setup/setup.ts';
import { dockerHubSetup } from '../../../../src/registries/docker-hub/setup/setup.ts';
import { harborSetup } from '../../../../src/registries/harbor/setup/setup.ts';
import { nexusSetup } from '../../../../src/registries/nexus/setup/setup.ts';
import type { SetupDefinition } from '../../../../src/registries/setup-port.ts';
import type { Service } from '../../../support/cloud.ts';
import { desiredRegistry, type PlainRepository } from '../../../support/setup/desired.ts';
import { due, setupRun } from '../../../support/setup/run.ts';
import { artifactorySetupDouble } from '../../../support/vendors/artifactory-setup.ts';
import { azureSetupDouble } from '../../../support/vendors/azure-setup.ts';
import { googleSetupDouble } from '../../../support/vendors/google-setup.ts';
import { harborSetupDouble } from '../../../support/vendors/harbor-setup.ts';
import { hubSetupDouble } from '../../../support/vendors/hub-setup.ts';
import { nexusSetupDouble } from '../../../support/vendors/nexus-setup.ts';
import { jwt } from '../../../support/vendors/oidc.ts';

interface Vendor {
  readonly definition: SetupDefinition;
  /** `at` of the registry. */
  readonly at: string;
  /** Host of its API. */
  readonly api: string;
  readonly login: readonly [user: string, password: string];
  readonly principals: readonly string[];
  readonly more?: Partial<DesiredRegistry>;
  /** Repositories or projects. */
  readonly names: readonly string[];
  readonly start: () => {
    readonly service: Service;
    readonly plant: (name: string) => void;
    readonly isPlanted: (name: string) => boolean;
  };
}

const UUID = '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c11';
const GROUP = '/subscriptions/7c1e0000-0000-4000-8000-000000000001/resourceGroups/registries';

const unknown: Service = () => ({ status: 500 });

const VENDORS: Readonly<Record<string, Vendor>> = {
  Harbor: {
    definition: harborSetup,
    at: 'harbor.acme.example',
    api: 'harbor.acme.example',
    login: ['admin', 'pw'],
    principals: ['harbor:robot/ci', 'harbor:robot/prod', 'harbor:user/ann', 'harbor:group/staff'],
    names: ['acme', 'tools'],
    start: () => {
      const double = harborSetupDouble({ host: 'harbor.acme.example', user: 'admin', password: 'pw', people: ['ann'] });
      const foreign = {
        id: 7,
        action: 'immutable',
        template: 'immutable_template',
        disabled: false,
        scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoExcludes', pattern: 'x' }] },
        tag_selectors: [],
      };
      return {
        service: double.hosts['harbor.acme.example'] ?? unknown,
        plant: (name) => {
          const project = double.state.projects.get(name) ?? double.addProject(name);
          project.rules.push(foreign);
          project.webhooks.push({ id: 8, name: 'theirs', targets: [] });
        },
        isPlanted: (name) => {
          const project = double.state.projects.get(name);
          return project?.rules.includes(foreign) === true && project.webhooks.some((each) => each.name === 'theirs');
        },
      };
    },
  },
  'Artifact Registry': {
    definition: artifactRegistrySetup,
    at: 'europe-docker.pkg.dev/acme-prod',
    api: 'artifactregistry.googleapis.com',
    login: ['oauth2accesstoken', 'ya29'],
    principals: ['user:ann@acme.example', 'serviceAccount:CI@acme.iam.gserviceaccount.com', 'domain:acme.example'],
    names: ['acme', 'tools'],
    start: () => {
      const double = googleSetupDouble({ token: 'ya29' });
      const full = (name: string) => `projects/acme-prod/locations/europe/repositories/${name}`;
      const binding = {
        role: 'roles/artifactregistry.reader',
        members: ['group:audit@acme.example'],
        condition: { expression: 'x' },
      };
      return {
        service: double.hosts['artifactregistry.googleapis.com'],
        plant: (name) => {
          const fields = double.state.repositories.get(full(name)) ?? {
            name: full(name),
            format: 'DOCKER',
            mode: 'STANDARD_REPOSITORY',
          };
          double.state.repositories.set(full(name), {
            ...fields,
            labels: { theirs: 'yes' },
            cleanupPolicies: { theirs: { id: 'theirs', action: 'KEEP' } },
          });
          double.state.policies.set(full(name), { version: 3, etag: 'x', bindings: [binding] });
        },
        isPlanted: (name) => {
          const text = JSON.stringify([
            double.state.repositories.get(full(name)),
            double.state.policies.get(full(name)),
          ]);
          return text.includes('"theirs":"yes"') && text.includes('"id":"theirs"') && text.includes('group:audit@');
        },
      };
    },
  },
  Azure: {
    definition: acrSetup,
    at: 'acmeprod.azurecr.io',
    api: 'management.azure.com',
    login: ['', ''],
    principals: ['acr:token/ci-push', 'acr:token/prod-pull', UUID],
    names: ['acme/api', 'acme/tools'],
    more: { in: { value: GROUP, line: 3 } },
    start: () => {
      const registry = { location: 'westeurope', sku: { name: 'Premium' }, tags: { theirs: 'yes' }, properties: {} };
      const resource = `${GROUP}/providers/Microsoft.ContainerRegistry/registries/acmeprod`;
      const double = azureSetupDouble({ resource, registry });
      return {
        service: double.hosts['management.azure.com'],
        plant: () => {
          double.state.children.set('/scopeMaps/theirs', { name: 'theirs', properties: { actions: [] } });
          double.state.children.set('/tokens/theirs', {
            name: 'theirs',
            properties: { scopeMapId: `${resource}/scopeMaps/theirs` },
          });
        },
        isPlanted: () =>
          double.state.children.has('/tokens/theirs') &&
          JSON.stringify(double.state.registry?.tags).includes('"theirs":"yes"'),
      };
    },
  },
  'Docker Hub': {
    definition: dockerHubSetup,
    at: 'docker.io/acme',
    api: 'hub.docker.com',
    login: ['acme', 'pw'],
    principals: ['hub:team/ci', 'hub:team/ops'],
    names: ['acme/api', 'acme/tools'],
    start: () => {
      const double = hubSetupDouble({ user: 'acme', password: 'pw', teams: { acme: ['ci', 'ops', 'theirs'] } });
      return {
        service: double.hosts['hub.docker.com'],
        plant: (name) =>
          void (double.state.repositories.get(name) ?? double.addRepository(name)).groups.set(102, 'write'),
        isPlanted: (name) => double.state.repositories.get(name)?.groups.get(102) === 'write',
      };
    },
  },
  Nexus: {
    definition: nexusSetup,
    at: 'nexus.acme.example',
    api: 'nexus.acme.example',
    login: ['admin', 'pw'],
    principals: ['nexus:role/ci', 'nexus:role/dev'],
    names: ['images', 'tools'],
    start: () => {
      const double = nexusSetupDouble({ host: 'nexus.acme.example', user: 'admin', password: 'pw', anonymous: true });
      return {
        service: double.hosts['nexus.acme.example'] ?? unknown,
        plant: (name) => {
          const fields = {
            name,
            online: true,
            storage: { blobStoreName: 'big', strictContentTypeValidation: false, writePolicy: 'DENY' },
            docker: { v1Enabled: true, forceBasicAuth: false, httpPort: 8082 },
            cleanup: { policyNames: ['theirs'] },
          };
          double.state.repositories.set(name, { type: 'hosted', fields });
          double.state.roles.set('ci', { id: 'ci', name: 'ci', privileges: ['theirs'], roles: [] });
        },
        isPlanted: (name) =>
          JSON.stringify([double.state.repositories.get(name), double.state.roles.get('ci')]).split('"theirs"')
            .length === 3,
      };
    },
  },
  Artifactory: {
    definition: artifactorySetup,
    at: 'acme.jfrog.io',
    api: 'acme.jfrog.io',
    login: ['admin', 'pw'],
    principals: ['artifactory:group/ci', 'artifactory:group/dev'],
    names: ['docker-local', 'tools'],
    start: () => {
      const double = artifactorySetupDouble({ host: 'acme.jfrog.io', user: 'admin', password: 'pw' });
      return {
        service: double.hosts['acme.jfrog.io'] ?? unknown,
        plant: (name) => {
          double.state.repositories.set(name, {
            key: name,
            rclass: 'local',
            packageType: 'docker',
            environments: ['theirs'],
          });
          double.state.permissions.set('theirs', { name: 'theirs', repo: { repositories: [name] } });
        },
        isPlanted: (name) =>
          double.state.permissions.has('theirs') &&
          JSON.stringify(double.state.repositories.get(name)).includes('theirs'),
      };
    },
  },
};

const IMMUTABLE = [
  { mode: 'all' },
  { mode: 'off' },
  { mode: 'except', tags: ['latest'] },
  { mode: 'only', tags: ['v*', 'release-*'] },
] as const;

/** Any settings of one repository: each key given or not. */
const settingsOf = ({ names, principals }: Vendor): fc.Arbitrary<PlainRepository> =>
  fc.record(
    {
      name: fc.constantFrom(...names),
      description: fc.constantFrom('one', 'another', null),
      visibility: fc.constantFrom('private' as const, 'public' as const),
      immutable: fc.constantFrom(...IMMUTABLE),
      scan: fc.constantFrom('on-push' as const, 'off' as const),
      labels: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', null)),
      quota: fc.constantFrom(2 ** 30, 2 ** 31, null),
      pull: fc.subarray([...principals], { minLength: 1 }),
      push: fc.subarray([...principals], { minLength: 1 }),
      admin: fc.subarray([...principals], { minLength: 1 }),
    },
    { requiredKeys: ['name'] },
  );

describe.each(Object.entries(VENDORS))('%s', (_, vendor) => {
  test('any desired state is reached from any other, is not written twice, and takes nothing from others', async () => {
    let current = vendor.start();
    const [username, password] = vendor.login;
    const deletes: string[] = [];
    const { apply, plan, writes, cloud } = await setupRun(
      vendor.definition,
      {
        'login.microsoftonline.com': () => ({ status: 200, body: { access_token: jwt({ exp: 4_000_000_000 }) } }),
        [vendor.api]: (request) => {
          if (request.method === 'DELETE') deletes.push(request.url.pathname);
          return current.service(request);
        },
      },
      {
        host: vendor.at.split('/')[0] ?? '',
        credentials: async () => ({ kind: 'password', username, password, from: 'test' }),
        keyless: { 'azure-client-id': UUID, 'azure-tenant-id': UUID },
        idToken: async () => jwt({}),
      },
      /^POST \/(?:v2\/auth\/token|[0-9a-f-]+\/oauth2\/.*)$/,
    );
    onTestFinished(cloud.close);
    const states = fc.uniqueArray(settingsOf(vendor), { selector: ({ name }) => name, minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(states, states, fc.boolean(), async (before, after, isPlanted) => {
        current = vendor.start();
        deletes.length = 0;
        const [first = ''] = vendor.names;
        if (isPlanted) current.plant(first);
        for (const state of [before, after]) {
          const wanted = desiredRegistry(vendor.at, state, vendor.more);
          const { failed, settings } = await apply(wanted);
          expect(failed).toEqual([]);
          // What is not reached says why.
          for (const each of settings) {
            if (['unsupported', 'needs-recreation', 'denied'].includes(each.action)) expect(each.reason).toMatch(/\w/);
          }
          const names = settings.map(({ subject, name }) => `${subject} ${name}`);
          expect(new Set(names).size).toBe(names.length);
          const count = writes().length;
          expect(due((await plan(wanted)).settings)).toEqual([]);
          expect(writes()).toHaveLength(count);
        }
        if (isPlanted) expect(current.isPlanted(first)).toBe(true);
        const mayRemove = [...before, ...after].some(({ immutable }) => immutable !== undefined);
        if (!mayRemove) expect(deletes).toEqual([]);
      }),
      { numRuns: 25, seed: 20_261_128 },
    );
  });
});
