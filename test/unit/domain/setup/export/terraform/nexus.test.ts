import { describe, expect, test } from 'vitest';
import type { DesiredRegistry } from '../../../../../../src/domain/setup/desired-state.ts';
import type { LiveNexusRepository } from '../../../../../../src/registries/nexus/setup/plan.ts';
import type { NexusLive } from '../../../../../../src/registries/nexus/setup/read.ts';
import { planNexus } from '../../../../../../src/registries/nexus/setup/setup.ts';
import { nexusState } from '../../../../../../src/registries/nexus/setup/state.ts';
import { desiredRegistry, type PlainRepository } from '../../../../../support/setup/desired.ts';
import { terraformOf } from '../../../../../support/setup/terraform-export.ts';

interface Scene {
  readonly repositories?: Readonly<Record<string, LiveNexusRepository>>;
  readonly roles?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly cache?: NonNullable<NonNullable<DesiredRegistry['cache']>['value']>;
}

function exported(wanted: readonly PlainRepository[], { repositories = {}, roles = {}, cache = [] }: Scene = {}) {
  const desired = desiredRegistry('nexus.acme.example', wanted, { cache: { value: cache, line: 3 } });
  const read = <T>(values: Readonly<Record<string, T>>) =>
    new Map(Object.entries(values).map(([name, value]) => [name, { ok: true as const, value }]));
  const live: NexusLive = {
    repositories: read(repositories),
    roles: read(roles),
    anonymous: { ok: true, value: true },
  };
  const url = 'https://nexus.acme.example/nexus';
  return terraformOf('nexus', desired, nexusState(url, desired, live, planNexus(desired, live, true)));
}

const hosted = (fields: LiveNexusRepository['fields']): LiveNexusRepository => ({
  type: 'hosted',
  fields: {
    name: 'images',
    format: 'docker',
    type: 'hosted',
    url: 'https://nexus.acme.example/repository/images',
    online: true,
    storage: { blobStoreName: 'fast', strictContentTypeValidation: false, writePolicy: 'allow_once' },
    docker: { v1Enabled: false, forceBasicAuth: true, httpPort: 8082, httpsPort: null, subdomain: null },
    cleanup: null,
    ...fields,
  },
});

const hub = { prefix: 'hub/', from: 'docker.io', role: undefined, pull: [], line: 4 };
const cache = [{ ...hub, secret: undefined, user: undefined }];

test('the provider checks certificates, and gets its credentials elsewhere', () => {
  const { texts } = exported([{ name: 'images' }]);
  expect(texts.get('providers.tf')).toContain('url      = "https://nexus.acme.example/nexus"\n  insecure = false');
  expect(texts.get('providers.tf')).not.toMatch(/password\s*=/);
});

describe('a repository', () => {
  test('that exists keeps what the file does not name', () => {
    const { all } = exported([{ name: 'images' }], {
      repositories: {
        images: hosted({ cleanup: { policyNames: ['b', 'a'] }, component: { proprietaryComponents: true } }),
      },
    });
    for (const line of [
      'blob_store_name                = "fast"',
      'strict_content_type_validation = false',
      'write_policy                   = "ALLOW_ONCE"',
      'http_port        = 8082',
      'policy_names = ["a", "b"]',
      'proprietary_components = true',
    ])
      expect(all).toContain(line);
    expect(all).not.toContain('https_port');
    expect(all).not.toContain('path_based_routing');
    expect(all).toContain('id = "images"');
    expect(all).toContain('prevent_destroy = true');
  });

  test('gets what the plan changes', () => {
    const { all } = exported(
      [{ name: 'images', visibility: 'public', immutable: { mode: 'except', tags: ['latest'] } }],
      { repositories: { images: hosted({}) } },
    );
    expect(all).toContain('force_basic_auth = false');
    expect(all).toContain('latest_policy                  = true');
  });

  test('of another kind than the file wants is left out', () => {
    const { texts, leftOut } = exported([{ name: 'images' }], {
      repositories: { images: { ...hosted({}), type: 'proxy' } },
    });
    expect(texts.has('repositories.tf')).toBe(false);
    expect(leftOut.map(({ what }) => what)).toEqual(['nexus.acme.example: images type']);
  });

  test('that is a group comes after its members, and keeps their order', () => {
    const { all } = exported(
      [
        { name: 'all', own: { nexus: { memberNames: ['other', 'images', 'hub'], writableMember: 'images' } } },
        { name: 'images' },
      ],
      { cache },
    );
    expect(all.replaceAll(/\s+/g, ' ')).toContain(
      'member_names = [ "other", nexus_repository_docker_hosted.images.name, nexus_repository_docker_proxy.hub.name, ]',
    );
    expect(all).toContain('writable_member = nexus_repository_docker_hosted.images.name');
  });
});

describe('a cache', () => {
  test('without a login is a proxy', () => {
    const { all, leftOut } = exported([], { cache });
    expect(all).toContain('resource "nexus_repository_docker_proxy" "hub"');
    expect(all).toContain('index_type = "HUB"');
    expect(all).toMatch(/remote_url\s+= "https:\/\/registry-1\.docker\.io"/);
    expect(all).toContain('ttl     = 1440');
    expect(leftOut).toEqual([]);
  });

  const login = { type: 'username', username: 'acme' };
  const live: LiveNexusRepository = {
    type: 'proxy',
    fields: {
      name: 'hub',
      proxy: { remoteUrl: 'https://registry-1.docker.io' },
      httpClient: { blocked: false, authentication: login },
    },
  };
  test.each([
    ['new', [{ ...hub, user: 'acme', secret: 'env:HUB_TOKEN' }], {}],
    ['existing', cache, { hub: live }],
  ])('with a login, %s, is left out: Terraform would have its password, or take it away', (_, caches, repositories) => {
    const { texts, all, leftOut } = exported([{ name: 'all', own: { nexus: { memberNames: ['hub'] } } }], {
      cache: caches,
      repositories,
    });
    expect(all).not.toContain('docker_proxy');
    expect(all).toContain('member_names = ["hub"]');
    expect(texts.has('imports.tf')).toBe(false);
    expect(leftOut).toEqual([expect.objectContaining({ what: 'nexus.acme.example: hub' })]);
  });
});

describe('a role', () => {
  test('keeps the privileges that others gave it', () => {
    const { texts } = exported([{ name: 'images', pull: ['nexus:role/ci'] }], {
      roles: { ci: { id: 'ci', name: 'CI', description: 'Builds', privileges: ['nx-search-read'], roles: ['base'] } },
    });
    const access = texts.get('access.tf');
    expect(access).toContain('name        = "CI"');
    expect(access?.match(/"nx-.*"/g)).toEqual([
      '"nx-repository-view-docker-images-browse"',
      '"nx-repository-view-docker-images-read"',
      '"nx-search-read"',
    ]);
    expect(access).toContain('roles = ["base"]');
    expect(texts.get('imports.tf')).toContain('to = nexus_security_role.ci\n  id = "ci"');
  });

  test('is made after the repositories whose privileges it has, and no others', () => {
    const { texts } = exported([{ name: 'images' }, { name: 'images-old', pull: ['nexus:role/ci'] }]);
    expect(texts.get('access.tf')).toContain('depends_on = [nexus_repository_docker_hosted.images_old]');
    expect(texts.has('imports.tf')).toBe(false);
  });
});
