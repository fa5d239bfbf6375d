import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../../../src/domain/fields.ts';
import { exportKubernetes } from '../../../../../src/domain/setup/export/kubernetes/kubernetes.ts';
import { resourceNames } from '../../../../../src/domain/setup/export/kubernetes/names.ts';
import type { VendorId } from '../../../../../src/inputs/vendors.ts';
import { kubernetesProblems, resourcesOf } from '../../../../support/kubernetes.ts';
import { exportSource } from '../../../../support/setup/export-source.ts';

const FILE = `version: 1
who:
  apps: [arn:aws:iam::111122223333:role/apps/ecs-task, arn:aws:iam::444455556666:role/ecs-task, "444455556666", o-a1b2c3d4e5]
  google: ["serviceAccount:run@acme-prod.iam.gserviceaccount.com", "group:dev@acme.example"]
  azure: [acr:token/prod-pull, 1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c13]
  harbor: [harbor:robot/prod, harbor:group/staff]
  teams: [hub:team/ops]
registries:
  ecr: {at: 111122223333.dkr.ecr.eu-west-1.amazonaws.com}
  gar: {at: europe-docker.pkg.dev/acme-prod}
  acr: {at: acmeprod.azurecr.io}
  harbor: {at: harbor.acme.example}
  hub: {at: docker.io/acme}
  ghcr: {at: ghcr.io/acme}
  lan: {at: "registry.lan:5000"}
repositories:
  - {name: acme/api, on: [ecr], pull: [apps]}
  - {name: acme/web, on: [gar], pull: [google]}
  - {name: acme/api, on: [acr], pull: [azure]}
  - {name: acme/api, on: [harbor], pull: [harbor]}
  - {name: acme/api, on: [hub], pull: [teams]}
  - {name: acme/api, on: [ghcr]}
  - {name: acme/api, on: [lan]}
`;
const VENDORS: Readonly<Record<string, VendorId>> = {
  ecr: 'ecr',
  gar: 'artifact-registry',
  acr: 'acr',
  harbor: 'harbor',
  hub: 'docker-hub',
  ghcr: 'ghcr',
  lan: 'distribution',
};

async function exported(text = FILE, vendors = VENDORS) {
  const { files, leftOut } = exportKubernetes(await exportSource(text, vendors));
  const yaml = files.filter(({ path }) => path.endsWith('.yaml'));
  const resources = yaml.flatMap((file) => resourcesOf(file.text));
  return { files, leftOut, resources, text: (path: string) => files.find((each) => each.path === path)?.text ?? '' };
}

describe('pull secrets for Kubernetes', () => {
  test('every resource fits the schema of its kind, and none has a namespace or a value of a secret', async () => {
    const { resources, files } = await exported();
    expect(await kubernetesProblems(resources)).toEqual([]);
    expect(resources.map(({ kind }) => kind)).not.toContain('Secret');
    expect(resources.filter(({ metadata }) => 'namespace' in fieldsOf(metadata))).toEqual([]);
    expect(files.map(({ path }) => path)).toEqual([
      'README.md',
      'acr.yaml',
      'ecr.yaml',
      'gar.yaml',
      'ghcr.yaml',
      'harbor.yaml',
      'hub.yaml',
      'lan.yaml',
      'registry-credentials.yaml',
    ]);
  });

  test('Amazon ECR: a token that is renewed before its 12 hours are over, as a role of its own', async () => {
    const { text, resources } = await exported();
    const ecr = resourcesOf(text('ecr.yaml'));
    const [first, ...others] = ecr.filter(({ kind }) => kind === 'ECRAuthorizationToken');
    expect(others).toHaveLength(1);
    const name = String(fieldsOf(first?.metadata).name);
    expect(name).toBe('ecr-arn-aws-iam-111122223333-role-apps-ecs-task');
    expect(first?.spec).toEqual({
      region: 'eu-west-1',
      auth: { jwt: { serviceAccountRef: { name: `${name}-token` } } },
    });
    const account = resources.find(({ metadata }) => fieldsOf(metadata).name === `${name}-token`);
    expect(fieldsOf(account?.metadata).annotations).toEqual({
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/apps/ecs-task',
    });
    expect(text('ecr.yaml')).toContain('refreshInterval: 4h');
    expect(text('ecr.yaml')).toContain('# setup.yml:3 pull secret of ecr\n');
  });

  test('one puller of Amazon ECR gives short names', async () => {
    const { resources } = await exported(
      `version: 1
registries: {ecr: {at: 111122223333.dkr.ecr.eu-west-1.amazonaws.com}}
repositories: [{name: a, pull: ["arn:aws:iam::111122223333:role/Apps/Prod_Task"]}]
`,
      { ecr: 'ecr' },
    );
    expect(resources.map(({ kind, metadata }) => `${String(kind)} ${String(fieldsOf(metadata).name)}`)).toEqual([
      'ServiceAccount ecr-prod-task',
      'ServiceAccount ecr-prod-task-token',
      'ECRAuthorizationToken ecr-prod-task',
      'ExternalSecret ecr-prod-task',
    ]);
    expect(resources[0]?.imagePullSecrets).toEqual([{ name: 'ecr-prod-task' }]);
  });

  test('who has no login of its own is left out with the reason', async () => {
    const { leftOut } = await exported();
    expect(leftOut.map(({ what }) => what)).toEqual([
      '111122223333.dkr.ecr.eu-west-1.amazonaws.com: pull secret for 444455556666',
      '111122223333.dkr.ecr.eu-west-1.amazonaws.com: pull secret for o-a1b2c3d4e5',
      'europe-docker.pkg.dev/acme-prod: pull secret for group:dev@acme.example',
      'harbor.acme.example: pull secret for staff',
    ]);
    for (const { reason, instead } of leftOut) expect([reason, instead]).not.toContain('');
  });

  test('passwords come from the store of secrets of the cloud in the file', async () => {
    const { text } = await exported();
    expect(resourcesOf(text('registry-credentials.yaml'))[0]?.spec).toEqual({
      provider: { aws: { service: 'SecretsManager', region: 'eu-west-1' } },
    });
    const [, secret] = resourcesOf(text('harbor.yaml'));
    expect(fieldsOf(secret?.spec).data).toEqual([
      { secretKey: 'username', remoteRef: { key: 'registry-harbor-prod', property: 'username' } },
      { secretKey: 'password', remoteRef: { key: 'registry-harbor-prod', property: 'password' } },
    ]);
    // The user name of a token of Azure is its name.
    expect(text('acr.yaml')).toContain('(dict "username" "prod-pull" "password" .password');
    expect(text('hub.yaml')).toContain('"https://index.docker.io/v1/"');
    expect(text('lan.yaml')).toContain('"registry.lan:5000"');
  });

  test('without a cloud in the file there is no store, which is told', async () => {
    const { files, leftOut } = await exported(
      'version: 1\nregistries: {ghcr: {at: ghcr.io/acme}}\nrepositories: [{name: acme/api}]\n',
      { ghcr: 'ghcr' },
    );
    expect(files.map(({ path }) => path)).toEqual(['README.md', 'ghcr.yaml']);
    expect(leftOut).toMatchObject([{ what: 'SecretStore registry-credentials' }]);
  });

  test('what everybody may pull needs no secret', async () => {
    const { files, leftOut } = await exported(
      `version: 1
registries: {public: {at: public.ecr.aws/acme}, hub: {at: docker.io/acme}}
repositories: [{name: tools, on: [public]}, {name: acme/tools, on: [hub], visibility: public}]
`,
      { public: 'ecr-public', hub: 'docker-hub' },
    );
    expect({ files, leftOut }).toEqual({ files: [], leftOut: [] });
  });

  test('the same file gives the same bytes, and names do not depend on its order', async () => {
    const one = await exported();
    expect((await exported()).files).toEqual(one.files);
    const turned = FILE.replace(/who:\n {2}apps: \[(.*?), (.*?), /, 'who:\n  apps: [$2, $1, ');
    expect(turned).not.toBe(FILE);
    expect((await exported(turned)).resources.map(({ metadata }) => metadata)).toEqual(
      one.resources.map(({ metadata }) => metadata),
    );
  });

  test('hostile texts stay in their comment', async () => {
    const source = await exportSource(FILE, VENDORS);
    const { files } = exportKubernetes({ ...source, configName: 'a\nkind: Secret\u2028---\u0085b' });
    for (const { path, text } of files)
      if (path.endsWith('.yaml')) expect(await kubernetesProblems(resourcesOf(text))).toEqual([]);
  });
});

test('a field that its kind does not have is a problem', async () => {
  const resource = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, imagePullSecret: [] };
  expect(await kubernetesProblems([resource, { ...resource, kind: 'Pod' }])).toHaveLength(2);
});

describe('names of resources', () => {
  const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

  test.each([
    [['prod'], ['prod']],
    [['Acme_API'], ['acme-api']],
    [['9lives'], ['lives']],
    [
      ['a.b', 'a-b'],
      [expect.stringMatching(/^a-b-[0-9a-f]{8}$/), expect.stringMatching(/^a-b-[0-9a-f]{8}$/)],
    ],
    [['日本'], [expect.stringMatching(/^registry-[0-9a-f]{8}$/)]],
    [['x'.repeat(300)], [expect.stringMatching(/^x{50}-[0-9a-f]{8}$/)]],
  ])('%j', (texts, names) => {
    expect([...resourceNames(texts).values()]).toEqual(names);
  });

  test('are labels of DNS and unlike each other for any texts', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-c._-]{0,70}$/)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(texts, (all) => {
        const names = resourceNames(all);
        expect(new Set(names.values()).size).toBe(new Set(all).size);
        for (const name of names.values()) {
          expect(name).toMatch(NAME);
          expect(`${name}-token`.length).toBeLessThanOrEqual(69);
          expect(name.length).toBeLessThanOrEqual(63);
        }
      }),
    );
  });
});
