import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { exportDocker } from '../../../../../src/domain/setup/export/docker/docker.ts';
import { hostFolder } from '../../../../../src/domain/setup/export/docker/hosts-toml.ts';
import type { VendorId } from '../../../../../src/inputs/vendors.ts';
import { exportSource } from '../../../../support/setup/export-source.ts';

const ECR = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const FILE = `version: 1
registries:
  ecr:
    at: ${ECR}
    replicate: [{to: [us-east-1, 444455556666/eu-west-1, eu-west-1], only: [acme/]}]
    cache:
      - {prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub}
      - {prefix: k8s, from: registry.k8s.io}
  gar:
    at: europe-docker.pkg.dev/acme-prod
    cache: [{prefix: hub, from: docker.io}, {prefix: mine, from: "registry.lan:5000"}]
  acr:
    at: acmeprod.azurecr.io
    replicate: [{to: [northeurope]}]
  harbor:
    at: harbor.acme.example
    cache: [{prefix: quay, from: quay.io/org}, {prefix: hub/, from: registry-1.docker.io}]
    replicate: [{to: [eu, elsewhere]}]
    harbor: {endpoints: {eu: {url: "https://harbor-eu.acme.example/", type: harbor}}}
  nexus:
    at: nexus.acme.example
    cache: [{prefix: hub, from: docker.io}]
  jfrog:
    at: acme.jfrog.io
    cache: [{prefix: hub, from: docker.io}]
  public: {at: public.ecr.aws/acme}
  ghcr: {at: ghcr.io/acme}
repositories: []
`;
const VENDORS: Readonly<Record<string, VendorId>> = {
  ecr: 'ecr',
  gar: 'artifact-registry',
  acr: 'acr',
  harbor: 'harbor',
  nexus: 'nexus',
  jfrog: 'artifactory',
  public: 'ecr-public',
  ghcr: 'ghcr',
};

async function exported(text = FILE, vendors = VENDORS) {
  const source = await exportSource(text, vendors);
  const { files, leftOut } = exportDocker(source);
  return { files, leftOut, text: (path: string) => files.find((each) => each.path === path)?.text ?? '', source };
}

describe('configuration of container engines', () => {
  test('one folder for each registry that has mirrors, and all of it is TOML and JSON', async () => {
    const { files } = await exported();
    expect(files.map(({ path }) => path)).toEqual([
      'README.md',
      `containerd/certs.d/${ECR}/hosts.toml`,
      'containerd/certs.d/docker.io/hosts.toml',
      'containerd/certs.d/harbor.acme.example/hosts.toml',
      'containerd/certs.d/registry.k8s.io/hosts.toml',
      'containerd/certs.d/registry.lan_5000_/hosts.toml',
      'docker/config.json',
      'docker/daemon.json',
    ]);
    for (const { path, text } of files) {
      if (path.endsWith('.toml')) expect(parse(text)).toHaveProperty('server');
      if (path.endsWith('.json')) expect(JSON.parse(text)).toEqual(expect.any(Object));
      expect(text.endsWith('\n')).toBe(true);
    }
  });

  test('caches are asked in the order of the file, with their prefix behind /v2', async () => {
    const { text } = await exported();
    const hub = parse(text('containerd/certs.d/docker.io/hosts.toml'));
    const cache = { capabilities: ['pull', 'resolve'], override_path: true };
    expect(hub).toEqual({
      server: 'https://registry-1.docker.io',
      host: {
        [`https://${ECR}/v2/hub`]: cache,
        'https://europe-docker.pkg.dev/v2/acme-prod/hub': cache,
        'https://harbor.acme.example/v2/hub': cache,
        'https://nexus.acme.example/v2/hub': cache,
        'https://acme.jfrog.io/v2/hub': cache,
      },
    });
    expect(Object.keys(Object(hub.host))[0]).toContain('dkr.ecr');
    expect(parse(text('containerd/certs.d/registry.lan_5000_/hosts.toml')).server).toBe('https://registry.lan:5000');
  });

  test('a replica is pulled from by digest only, and is never the registry itself', async () => {
    const { text } = await exported();
    const replica = { capabilities: ['pull'] };
    expect(parse(text(`containerd/certs.d/${ECR}/hosts.toml`))).toEqual({
      server: `https://${ECR}`,
      host: {
        'https://111122223333.dkr.ecr.us-east-1.amazonaws.com': replica,
        'https://444455556666.dkr.ecr.eu-west-1.amazonaws.com': replica,
      },
    });
    expect(parse(text('containerd/certs.d/harbor.acme.example/hosts.toml')).host).toEqual({
      'https://harbor-eu.acme.example': replica,
    });
  });

  test('daemon.json has only mirrors of Docker Hub that serve /v2/ behind their path', async () => {
    const { text, leftOut } = await exported();
    expect(JSON.parse(text('docker/daemon.json'))).toEqual({
      'registry-mirrors': [
        'https://nexus.acme.example/repository/hub',
        'https://acme.jfrog.io/artifactory/api/docker/hub',
      ],
    });
    expect(leftOut.map(({ what }) => what)).toEqual([
      `${ECR}: replica eu-west-1`,
      'harbor.acme.example: mirror of quay.io/org',
      'harbor.acme.example: replica elsewhere',
    ]);
    const readme = text('README.md');
    expect(readme).toContain(`Not in \`daemon.json\`: \`https://${ECR}/v2/hub\`, `);
    expect(readme).toContain('no credential helper for `harbor.acme.example`, `nexus.acme.example`');
  });

  test('config.json names the credential helpers of the clouds, and no login', async () => {
    const { text } = await exported();
    expect(JSON.parse(text('docker/config.json'))).toEqual({
      credHelpers: {
        [ECR]: 'ecr-login',
        'acmeprod.azurecr.io': 'acr-env',
        'europe-docker.pkg.dev': 'gcloud',
        'public.ecr.aws': 'ecr-login',
      },
    });
  });

  test('without a cache or a cloud there is nothing to write', async () => {
    const { files, leftOut } = await exported(
      'version: 1\nregistries: {ghcr: {at: ghcr.io/acme}}\nrepositories: []\n',
      {
        ghcr: 'ghcr',
      },
    );
    expect({ files, leftOut }).toEqual({ files: [], leftOut: [] });
  });

  test('hostile texts stay in their comment', async () => {
    const { source } = await exported();
    const { files } = exportDocker({ ...source, configName: 'a\nserver = "https://evil.example"\u0085\u2028x' });
    for (const { path, text } of files) {
      if (path.endsWith('.toml')) expect(parse(text).server).not.toContain('evil');
    }
  });

  test('the same file gives the same bytes', async () => {
    expect((await exported()).files).toEqual((await exported()).files);
  });
});

test.each([
  ['docker.io', 'docker.io'],
  ['registry.lan:5000', 'registry.lan_5000_'],
  ['[::1]:5000', '[::1]_5000_'],
])('the folder of %s is %s', (host, folder) => {
  expect(hostFolder(host)).toBe(folder);
});
