import { describe, expect, test } from 'vitest';
import type { Fields } from '../../../../../../src/domain/fields.ts';
import type { DesiredRegistry } from '../../../../../../src/domain/setup/desired-state.ts';
import { planArtifactory } from '../../../../../../src/registries/artifactory/setup/setup.ts';
import { artifactoryState } from '../../../../../../src/registries/artifactory/setup/state.ts';
import { desiredRegistry, type PlainRepository } from '../../../../../support/setup/desired.ts';
import { terraformOf } from '../../../../../support/setup/terraform-export.ts';

interface Scene {
  readonly live?: Readonly<Record<string, Fields>>;
  readonly cache?: NonNullable<NonNullable<DesiredRegistry['cache']>['value']>;
}

function exported(wanted: readonly PlainRepository[], { live = {}, cache = [] }: Scene = {}) {
  const desired = desiredRegistry('acme.jfrog.io', wanted, { cache: { value: cache, line: 3 } });
  const names = [...wanted.map(({ name }) => name), ...cache.map(({ prefix }) => prefix)];
  const read = new Map(
    names.map((name) => [
      name,
      { ok: true as const, value: { fields: live[name], permission: { ok: true as const, value: undefined } } },
    ]),
  );
  return terraformOf(
    'artifactory',
    desired,
    artifactoryState('https://acme.jfrog.io/', desired, read, planArtifactory(desired, read)),
  );
}

/** What Terraform leaves alone at each resource, by its address. */
const ignoredIn = (all: string) =>
  new Map(
    [...all.matchAll(/^resource "(\S+)" "(\S+)" \{$(.*?)^\}$/gms)].map(([, type, name, body = '']) => [
      `${type}.${name}`,
      (/ignore_changes\s+= \[(.*?)\]/s.exec(body)?.[1] ?? '').split(',').flatMap((each) => each.trim() || []),
    ]),
  );

const local = { rclass: 'local', packageType: 'docker', dockerApiVersion: 'V2' };
const hub = {
  prefix: 'hub',
  from: 'docker.io',
  role: undefined,
  user: undefined,
  secret: undefined,
  pull: [],
  line: 4,
};

test('the provider gets its token elsewhere', () => {
  const { texts } = exported([{ name: 'images' }]);
  expect(texts.get('providers.tf')).toContain('url = "https://acme.jfrog.io/artifactory"\n}');
});

describe('a repository', () => {
  test('has what the file names, as it is or as the plan makes it, and the rest is left alone', () => {
    const { all } = exported(
      [{ name: 'images', description: 'New', scan: 'off', own: { artifactory: { maxUniqueTags: 5 } } }],
      { live: { images: { ...local, key: 'images', description: 'Old', notes: 'ours', xrayIndex: false } } },
    );
    expect(all).toMatch(/description\s+= "New"/);
    expect(all).toMatch(/xray_index\s+= false/);
    expect(all).toMatch(/max_unique_tags\s+= 5/);
    expect(all).not.toContain('ours');
    const [ignored = []] = ignoredIn(all).values();
    expect(ignored).toEqual(expect.arrayContaining(['notes', 'block_pushing_schema1', 'tag_retention', 'blacked_out']));
    expect(ignored.filter((each) => /^(?:key|description|xray_index|max_unique_tags)$/.test(each))).toEqual([]);
    expect(all).toContain('to = artifactory_local_docker_v2_repository.images\n  id = "images"');
  });

  test('whose description is removed has none', () => {
    const { all } = exported([{ name: 'images', description: null }], {
      live: { images: { ...local, key: 'images', description: 'Old' } },
    });
    expect(all).toMatch(/description\s+= ""/);
  });

  test('of the type OCI keeps it, without what only Docker has', () => {
    const { all, leftOut } = exported([{ name: 'images', own: { artifactory: { blockPushingSchema1: true } } }], {
      live: { images: { key: 'images', rclass: 'local', packageType: 'oci', blockPushingSchema1: true } },
    });
    expect([...ignoredIn(all).keys()]).toEqual(['artifactory_local_oci_repository.images']);
    expect(all).not.toContain('block_pushing_schema1');
    expect(leftOut.map(({ what }) => what)).toEqual(['acme.jfrog.io: images artifactory.blockPushingSchema1']);
  });

  test.each([
    ['of the first version of the API', { ...local, dockerApiVersion: 'V1' }],
    ['of another kind than the file wants', { ...local, rclass: 'virtual' }],
  ])('%s is left out', (_, fields) => {
    const { texts, leftOut } = exported([{ name: 'images' }], { live: { images: { key: 'images', ...fields } } });
    expect([...texts.keys()]).toEqual(['versions.tf', 'providers.tf']);
    expect(leftOut).toHaveLength(1);
    expect(leftOut[0]?.what).toMatch(/^acme\.jfrog\.io: images/);
  });

  test('that is virtual comes after those that it serves, and keeps their order', () => {
    const own = { repositories: ['other', 'images', 'hub'], defaultDeploymentRepo: 'images' };
    const { all } = exported([{ name: 'all', own: { artifactory: own } }, { name: 'images' }], { cache: [hub] });
    const one = all.replaceAll(/\s+/g, ' ');
    expect(one).toContain(
      'repositories = [ "other", artifactory_local_docker_v2_repository.images.key, artifactory_remote_docker_repository.hub.key, ]',
    );
    expect(one).toContain('default_deployment_repo = artifactory_local_docker_v2_repository.images.key');
  });
});

describe('a cache', () => {
  test('without a login is a remote repository', () => {
    const { all, leftOut } = exported([], { cache: [hub] });
    expect(all).toMatch(/url\s+= "https:\/\/registry-1\.docker\.io\/"/);
    expect(leftOut).toEqual([]);
  });

  test.each([
    ['new', { ...hub, user: 'acme', secret: 'env:HUB_TOKEN' }, {}],
    [
      'existing',
      hub,
      { hub: { key: 'hub', rclass: 'remote', packageType: 'docker', url: 'https://x/', username: 'a' } },
    ],
  ])('with a login, %s, is left out: Terraform would have its password, or take it away', (_, cache, live) => {
    const { all, leftOut } = exported([{ name: 'all', own: { artifactory: { repositories: ['hub'] } } }], {
      cache: [cache],
      live,
    });
    expect(all).not.toContain('artifactory_remote');
    expect(all).toMatch(/repositories\s+= \["hub"\]/);
    expect(leftOut.map(({ what }) => what)).toEqual(['acme.jfrog.io: hub']);
  });
});

test('access is left out, once for each repository', () => {
  const { texts, leftOut } = exported([
    { name: 'images', visibility: 'public', pull: ['artifactory:group/a'], push: ['artifactory:group/b'] },
    { name: 'tools' },
  ]);
  expect(texts.has('access.tf')).toBe(false);
  expect(leftOut.map(({ what }) => what)).toEqual(['acme.jfrog.io: images access']);
});
