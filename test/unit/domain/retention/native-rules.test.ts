import { describe, expect, test } from 'vitest';
import { DAY } from '../../../../src/domain/retention/duration.ts';
import type { InUseImage } from '../../../../src/domain/retention/in-use.ts';
import type { RepositoryInventory } from '../../../../src/domain/retention/inventory.ts';
import { decideNativeRules } from '../../../../src/domain/retention/native/decide.ts';
import { dialectOf } from '../../../../src/domain/retention/native/dialects.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import type { CleanupPolicy } from '../../../../src/domain/retention/policy.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { REGISTRY_TRAITS } from '../../../../src/domain/retention/registry-traits.ts';
import { digestOf, NOW } from './scenario.ts';

const REPOSITORY = 'registry.example.com/acme/app';
const SCOPE = 'registry.example.com/acme';

function policyOf(text: string): CleanupPolicy {
  const policy = parsePolicy(text, 'policy.yaml');
  if (!policy.ok) throw new Error(policy.problems.join('\n'));
  return policy.value;
}

interface Given {
  readonly vendor: string;
  readonly policy: CleanupPolicy;
  readonly inventory: RepositoryInventory;
  readonly inUse?: readonly InUseImage[];
  readonly live?: unknown;
  readonly others?: readonly string[];
}

function decide({ vendor, policy, inventory, inUse: images = [], live = null, others = [] }: Given) {
  const dialect = dialectOf(vendor === 'gitlab' ? 'distribution' : vendor, vendor);
  const [own] = policy.repositories;
  if (dialect === undefined || own === undefined) throw new Error(vendor);
  const inUse = { images, unreadable: [] };
  const [plan] = planCleanup({
    policy,
    inventories: [inventory],
    inUse,
    refs: {},
    now: NOW,
    sha256: digestOf,
  }).repositories;
  if (plan === undefined) throw new Error('no plan');
  const member = { repository: REPOSITORY, name: 'app', own, inventory, plan };
  return decideNativeRules({ scope: SCOPE, vendor, dialect, live, members: [member], others, policy, inUse, now: NOW });
}

const inventoryOf = (
  vendor: keyof typeof REGISTRY_TRAITS,
  images: Readonly<Record<string, number>>,
): RepositoryInventory => ({
  repository: REPOSITORY,
  readAt: NOW,
  traits: REGISTRY_TRAITS[vendor],
  tags: Object.keys(images).flatMap((names) =>
    names.split(' ').flatMap((name) => (name.startsWith('-') ? [] : [{ name, digest: digestOf(names) }])),
  ),
  manifests: Object.entries(images).map(([names, days]) => ({
    digest: digestOf(names),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    kind: 'image' as const,
    presence: 'present' as const,
    children: [],
    pushedAt: NOW - days * DAY,
  })),
  gaps: [],
});

/** As a registry has it that records no push. */
const datedByBuild = (inventory: RepositoryInventory): RepositoryInventory => ({
  ...inventory,
  manifests: inventory.manifests.map(({ pushedAt, ...manifest }) => ({
    ...manifest,
    ...(pushedAt === undefined ? {} : { createdAt: pushedAt }),
  })),
});

const policyWith = (
  rules: string,
  more = '',
  limits = '{ tagged: 100%, keep-newest-image: false, min-tagged-left: 0 }',
) =>
  policyOf(`
defaults: { engine: native, multi-tag: any, limits: ${limits} }
protect: { tags: ["v*"], in-use: [] }
rules:
${rules}${more}`);
const PULL_REQUESTS = '  - { name: pr, select: { tags: ["pr-*"], kind: any }, remove: { older-than: 14d } }\n';
const COMMITS = '  - { name: commits, select: { tags: ["sha-*"], kind: any }, remove: { older-than: 30d } }\n';
const promotion = (
  where: string,
  image: { readonly tag?: string; readonly digest?: InUseImage['digest'] },
): InUseImage => ({
  repository: REPOSITORY,
  source: { kind: 'promotions', where: `environment ${where}` },
  ...(image.tag === undefined ? {} : { tag: image.tag }),
  ...(image.digest === undefined ? {} : { digest: image.digest }),
});

describe('what an environment has', () => {
  const inventory = inventoryOf('ecr', { 'sha-1': 5, 'sha-2 production': 3, 'pr-1': 20, v1: 50 });

  test('a rule that would delete it once it is old enough, or once the environment has moved on, stays with this action', () => {
    const inUse = [promotion('production', { tag: 'production', digest: digestOf('sha-2 production') })];
    const { rules, after, problems, action } = decide({
      vendor: 'ecr',
      policy: policyWith(PULL_REQUESTS + COMMITS),
      inventory,
      inUse,
    });
    expect(rules.map(({ rule, fit }) => [rule, fit])).toEqual([
      ['pr', 'exact'],
      ['commits', 'impossible'],
    ]);
    expect(rules[1]?.reason).toMatch(/once the environment points to another image, .*in use: environment production/);
    expect(problems).toMatchObject([{ severity: 'error' }]);
    expect(action).toBe('install');
    expect(JSON.stringify(after)).not.toContain('sha-*"');
    // Its tag is never a reason to delete.
    expect(JSON.stringify(after)).toContain('"tagPatternList":["production"]');
  });

  test('what it could be rolled back to has no tag of the environment', () => {
    const inUse = [promotion('production', { digest: digestOf('sha-1') })];
    const { rules } = decide({ vendor: 'ecr', policy: policyWith(PULL_REQUESTS + COMMITS), inventory, inUse });
    expect(rules[1]).toMatchObject({ fit: 'impossible', reason: expect.stringMatching(/in time sha-1: in use/) });
  });

  test.each(['ecr', 'harbor', 'acr', 'distribution'] as const)('%s: without environments both rules fit', (vendor) => {
    const isPlain = vendor === 'distribution';
    const dated = inventoryOf(vendor, { 'sha-1': 5, 'sha-2': 3, 'pr-1': 20, v1: 50 });
    const own = isPlain ? datedByBuild(dated) : dated;
    const policy = policyOf(`
defaults: { engine: native, basis: ${isPlain ? 'created' : 'pushed'}, multi-tag: ${vendor === 'ecr' ? 'any' : 'untag'}, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v*"], in-use: [] }
rules:
${isPlain ? '  - { name: pr, select: { tags: ["*"], kind: any }, remove: { older-than: 14d } }' : PULL_REQUESTS + COMMITS}`);
    const { rules, action } = decide({ vendor, policy, inventory: own });
    expect(rules.map(({ fit }) => fit)).not.toContain('impossible');
    expect(action).toBe(vendor === 'ecr' || vendor === 'harbor' ? 'install' : 'export');
  });
});

test('GitLab: the expiration policy of a project, to copy', () => {
  const own = inventoryOf('distribution', { 'pr-1': 20, v1: 50 });
  const inventory = datedByBuild(own);
  const policy = policyOf(`
defaults: { engine: auto, basis: created, multi-tag: untag, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v*"], in-use: [] }
rules:
${PULL_REQUESTS}`);
  const { action, after, title } = decide({ vendor: 'gitlab', policy, inventory });
  expect([action, title]).toEqual(['export', 'expiration policy of GitLab']);
  expect(after).toMatchObject({ app: { older_than: '14d', name_regex_delete: expect.stringContaining('pr-') } });
});

describe('what always stays', () => {
  const inventory = inventoryOf('ecr', { 'pr-1': 30, 'pr-2': 2 });
  test('the newest tagged image, which the registry would delete some day', () => {
    const { rules, after } = decide({
      vendor: 'ecr',
      policy: policyWith(PULL_REQUESTS, '', '{ tagged: 100% }'),
      inventory,
    });
    expect(rules[0]?.reason).toMatch(/in time pr-2: .*newest/);
    expect(after).toBeNull();
  });
  test('what is left for the next run', () => {
    const many = inventoryOf('ecr', { 'pr-1': 30, 'pr-2': 31, 'pr-3': 32, v1: 1 });
    const limits = '{ tagged: 100%, keep-newest-image: false, max: 1 }';
    const { rules, problems } = decide({
      vendor: 'ecr',
      policy: policyWith(PULL_REQUESTS, '', limits),
      inventory: many,
    });
    expect(rules[0]?.reason).toContain('the 2 images that `limits` leave for the next runs');
    expect(problems.map(({ severity }) => severity)).toEqual(['warning']);
  });
  test('a repository that is stopped', () => {
    const { rules, problems } = decide({
      vendor: 'ecr',
      policy: policyWith(PULL_REQUESTS, '', '{ tagged: 10% }'),
      inventory,
    });
    expect(rules[0]?.reason).toBe('the repository was stopped');
    expect(problems).toEqual([]);
  });
});

describe('what the registry has', () => {
  const inventory = inventoryOf('ecr', { 'pr-1': 30, v1: 2 });
  const policy = policyWith(PULL_REQUESTS);
  test('the same rules are left alone, whatever the order of their keys', () => {
    const { after } = decide({ vendor: 'ecr', policy, inventory });
    const live: unknown = JSON.parse(JSON.stringify(after), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value,
    );
    expect(decide({ vendor: 'ecr', policy, inventory, live })).toMatchObject({ action: 'unchanged', replaced: [] });
  });
  test('rules of others in ECR are listed, and stay when there are none of ours', () => {
    const live = {
      rules: [
        {
          rulePriority: 1,
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9 },
          action: { type: 'expire' },
        },
      ],
    };
    expect(decide({ vendor: 'ecr', policy, inventory, live }).replaced).toHaveLength(1);
    const none = policyWith('  - { name: n, select: { tags: ["pr-*"] }, remove: { keep-newest: 1 } }\n');
    expect(decide({ vendor: 'ecr', policy: none, inventory, live })).toMatchObject({
      action: 'unchanged',
      after: live,
    });
  });
  test('more rules than Harbor takes', () => {
    const live = {
      algorithm: 'or',
      schedule: '',
      rules: Array.from({ length: 14 }, (_, index) => ({ template: 'always', params: { index } })),
    };
    const { rules, after } = decide({ vendor: 'harbor', policy, inventory, live });
    expect(rules[0]?.reason).toMatch(/Harbor takes 15 rules, and these and those of others are/);
    expect(after).toEqual(live);
  });
});
