import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logicalIds } from '../../../../../src/domain/setup/export/cloudformation/logical-id.ts';
import type { GoogleState } from '../../../../../src/domain/setup/export/google-state.ts';
import type { HarborState } from '../../../../../src/domain/setup/export/harbor-state.ts';
import type { HubState } from '../../../../../src/domain/setup/export/hub-state.ts';
import { resourceNames } from '../../../../../src/domain/setup/export/kubernetes/names.ts';
import { shortHash } from '../../../../../src/domain/setup/export/short-hash.ts';
import { lookups } from '../../../../../src/domain/setup/export/terraform/aws-lookups.ts';
import { identifiers } from '../../../../../src/domain/setup/export/terraform/identifiers.ts';
import { desiredRegistry } from '../../../../support/setup/desired.ts';
import { terraformOf } from '../../../../support/setup/terraform-export.ts';

/** Names that come to the same text when what is no letter is replaced: `b-c` of `a`, `c` of `a-b`. */
const PAIRS = [
  ['a', ['b', 'b-c', 'b.c', 'b_c', '1']],
  ['a-b', ['c', 'b', '-c', '_1']],
  ['a.b', ['c', '1']],
  ['a_b_c', ['c']],
  ['a-b-c', ['c', 'd']],
] as const;

/** The first line of every block, but for imports, of which there is one for each resource. */
const headsOf = (text: string) =>
  [...text.matchAll(/^(?:resource|data|variable|output) .*\{$/gm)].map(([line]) => line);
const once = (heads: readonly string[]) => expect(heads.toSorted()).toEqual([...new Set(heads)].sort());

const harbor = (pairs: readonly (readonly [string, readonly string[]])[]): HarborState => ({
  kind: 'harbor',
  url: 'https://harbor.acme.example',
  endpoints: [],
  replications: [],
  settings: [],
  projects: pairs.map(([name, own], at) => ({
    name,
    line: 5,
    id: at + 1,
    metadata: {},
    storage: undefined,
    proxyOf: undefined,
    immutable: undefined,
    retention: undefined,
    members: own.map((each, id) => ({ kind: 'user', name: each, role: 3, id, line: 5, groupType: 'oidc' })),
    webhooks: own.map((each, id) => ({
      name: each,
      id,
      line: 5,
      address: 'https://hooks.acme.example',
      events: ['PUSH_ARTIFACT'],
      hasHeader: false,
    })),
    robots: own.map((each) => ({ name: each, days: 90, description: '', id: undefined, line: 9, permissions: [] })),
  })),
});

const google: GoogleState = {
  kind: 'artifact-registry',
  project: 'acme',
  location: 'europe',
  settings: [],
  repositories: PAIRS.map(([name, own]) => ({
    name: `x-${name.replace(/[._]/g, '-')}-${shortHash(name)}`,
    line: 5,
    exists: false,
    fields: { format: 'DOCKER' },
    members: own.map((each) => ({
      role: 'roles/artifactregistry.reader',
      member: `user:${each}`,
      exists: false,
      line: 5,
    })),
  })),
};

const hub: HubState = {
  kind: 'docker-hub',
  namespace: 'acme',
  settings: [],
  repositories: PAIRS.map(([name, own]) => ({
    name: `acme/${name}`,
    line: 5,
    exists: false,
    description: '',
    isPrivate: true,
    hasImmutableTags: false,
    immutableTags: [],
    teams: own.map((each) => ({ name: each, permission: 'read', id: undefined, line: 5 })),
  })),
};

describe('Terraform', () => {
  test.each([
    ['harbor', 'harbor.acme.example', harbor(PAIRS)],
    ['artifact-registry', 'europe-docker.pkg.dev/acme', google],
    ['docker-hub', 'docker.io/acme', hub],
  ] as const)('%s: no two blocks have one name', (vendor, at, state) => {
    const heads = headsOf(terraformOf(vendor, desiredRegistry(at, []), state).all);
    expect(heads.length).toBeGreaterThan(PAIRS.length);
    once(heads);
  });

  test('what belongs to a project has the same names whatever other projects there are', () => {
    const [first, ...others] = PAIRS;
    const registry = desiredRegistry('harbor.acme.example', []);
    const ownNames = (state: HarborState) =>
      headsOf(terraformOf('harbor', registry, state).texts.get('access.tf') ?? '').filter((line) =>
        line.includes(' "a__'),
      );
    const alone = ownNames(harbor([first]));
    expect(alone).toContain('resource "harbor_robot_account" "a__b_c" {');
    expect(ownNames(harbor([...others, first])).toSorted()).toEqual(alone.toSorted());
  });

  test('aliases of keys and names of secrets are looked up under names of their own', () => {
    const found = lookups();
    const aliases = ['alias/a-b', 'alias/a/b', 'alias/a_b', 'alias/a-b'];
    const keys = aliases.map((alias) => found.key(alias, 'repositories'));
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(3);
    const secret = (name: string) => found.secret(`arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}`);
    expect(secret('ecr-pullthroughcache/a-b')).not.toEqual(secret('ecr-pullthroughcache/a/b'));
    expect(found.blocks('repositories')).toHaveLength(3);
    expect(new Set(found.blocks('registry').map(({ labels }) => labels.join('.'))).size).toBe(2);
  });
});

/** Repositories, and names that a clash could come to. */
const names = fc.array(
  fc.oneof(
    fc.stringMatching(/^[a-c1][a-c1._/-]{0,6}$/),
    fc.stringMatching(/^[a-c][._/-][a-c]$/).map((name) => `${name}-${shortHash(name)}`),
    fc.stringMatching(/^[a-c][._/-][a-c]$/).map((name) => `${name}X${shortHash(name)}`),
    fc.constantFrom('ecr', 'ecr-token', 'ecr token', 'ecr-token-token', 'registry-credentials'),
  ),
  { maxLength: 24 },
);

describe.each([
  ['Terraform', identifiers, /^[a-z][a-z0-9_]*$/],
  ['CloudFormation', logicalIds, /^[A-Za-z][A-Za-z0-9]*$/],
  ['Kubernetes', resourceNames, /^[a-z]([-a-z0-9]*[a-z0-9])?$/],
] as const)('%s', (_, namesOf, form) => {
  test('any two different texts get two names, the same in every run', () => {
    fc.assert(
      fc.property(names, (all) => {
        const found = namesOf(all);
        expect(new Set(found.values()).size).toBe(new Set(all).size);
        for (const name of found.values()) expect(name).toMatch(form);
        expect(namesOf(all)).toEqual(found);
      }),
      { numRuns: 500 },
    );
  });
});

test('Kubernetes: the account for a token is never the account of another pull secret, nor a file that of the store', () => {
  const found = resourceNames(['ecr', 'ecr-token', 'registry-credentials']);
  expect(found.get('ecr')).toBe('ecr');
  expect(found.get('ecr-token')).toMatch(/^ecr-token-[0-9a-f]{8}$/);
  expect(found.get('registry-credentials')).toMatch(/^registry-credentials-[0-9a-f]{8}$/);
});
