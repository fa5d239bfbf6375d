import fc from 'fast-check';
import { DAY } from '../../../../src/domain/retention/duration.ts';
import type { InUseImage } from '../../../../src/domain/retention/in-use.ts';
import type { RepositoryInventory } from '../../../../src/domain/retention/inventory.ts';
import { nativeImages, widerThanPlan } from '../../../../src/domain/retention/native/compare.ts';
import { decideNativeRules } from '../../../../src/domain/retention/native/decide.ts';
import type { CompiledRules, Dialect } from '../../../../src/domain/retention/native/dialect.ts';
import { dialectOf } from '../../../../src/domain/retention/native/dialects.ts';
import type { NativeImage, NativeOutcome } from '../../../../src/domain/retention/native/native.ts';
import type { RepositoryPlan } from '../../../../src/domain/retention/plan.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../../../../src/domain/retention/policy.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { registryTraits } from '../../../../src/domain/retention/registry-traits.ts';
import { randomCleanup } from './random-cleanup.ts';
import { digestOf, NOW } from './scenario.ts';

const REPOSITORY = 'registry.example.com/acme/app';

/** Registries with rules of their own, with the id that `src/registries` knows them by. */
const NATIVE_REGISTRIES = {
  ecr: 'ecr',
  'artifact-registry': 'artifact-registry',
  harbor: 'harbor',
  acr: 'acr',
  zot: 'distribution',
  gitlab: 'distribution',
} as const;

type NativeRegistry = keyof typeof NATIVE_REGISTRIES;

/** Of {@link NATIVE_REGISTRIES}, in order. */
const nativeRegistries: readonly NativeRegistry[] = Object.keys(NATIVE_REGISTRIES).filter(
  (name): name is NativeRegistry => Object.hasOwn(NATIVE_REGISTRIES, name),
);

function dialectFor(registry: NativeRegistry): Dialect {
  const dialect = dialectOf(NATIVE_REGISTRIES[registry], `${registry}.example.com`);
  if (dialect === undefined) throw new Error(registry);
  return dialect;
}

/** A promise about random repositories and policies. */
export interface NativeProperty {
  readonly name: string;
  /** How many of 400 cases remove something at the least: rules that never remove anything would keep every promise. */
  readonly removing: number;
  /** Throws for a case that does not hold; counts what the rules remove. */
  readonly check: (count: (removed: number) => void) => fc.IPropertyWithHooks<[unknown]>;
}

const tags = fc.constantFrom('pr-*', 'main-*', 'sha-*', 'v*', '*', '!latest', '!v1.0.*', 'x1', '/x\\d+/', 'main-1?');
const untaggedRule = fc.record({
  select: fc.constant({ tagged: false, kind: 'any' }),
  remove: fc.record({ 'older-than': fc.constantFrom('0d', '7d', '30d'), since: fc.constantFrom('pushed', 'untagged') }),
});
const ageRule = fc.oneof(
  fc.record({
    select: fc.record({ tags: fc.array(tags, { minLength: 1, maxLength: 3 }), kind: fc.constant('any') }),
    remove: fc.record(
      { 'older-than': fc.constantFrom('0d', '7d', '30d', '36h'), 'not-pulled-for': fc.constantFrom('7d', '30d') },
      { requiredKeys: ['older-than'] },
    ),
  }),
  untaggedRule,
);
const protectedTag = fc.constantFrom<unknown>('latest', 'v1.*', 'main-1*', { semver: '*' }, { semver: '>=1.0.5' });
const agePolicy = fc
  .record({
    rules: fc.array(ageRule, { minLength: 1, maxLength: 3 }),
    protect: fc.record(
      { tags: fc.array(protectedTag, { maxLength: 2 }), 'in-use': fc.constant([]), locked: fc.constant(false) },
      { requiredKeys: ['in-use', 'locked'] },
    ),
    'min-age': fc.constantFrom('0h', '24h', '60h'),
    'multi-tag': fc.constantFrom('any', 'any', 'untag', 'require-all'),
    'never-pulled': fc.constantFrom('as-pushed', 'oldest', 'keep'),
    basis: fc.constantFrom('pushed', 'created'),
  })
  .map(({ rules, protect, ...defaults }) =>
    JSON.stringify({ rules, protect, defaults: { ...defaults, limits: 'off' } }),
  );

const countedTags = fc.constantFrom('v*', 'v1.0*', 'v*', 'pr-*', 'm*', 'sha-*', 'nightly*', 'x*', 'x1', '*', '!latest');
const countRule = fc.record({
  select: fc.record({ tags: fc.array(countedTags, { minLength: 1, maxLength: 2 }), kind: fc.constant('any') }),
  remove: fc.record(
    {
      'keep-newest': fc.oneof(
        fc.integer({ min: 0, max: 3 }),
        fc.record({ count: fc.integer({ min: 1, max: 3 }), by: fc.constantFrom('pushed', 'pushed', 'name') }),
      ),
      'keep-scope': fc.constantFrom('matched', 'matched', 'removable'),
      'older-than': fc.constantFrom('0d', '0d', '7d'),
    },
    { requiredKeys: ['keep-newest'] },
  ),
});
const countPolicy = fc
  .record({
    rules: fc.tuple(countRule, fc.array(fc.oneof(countRule, ageRule), { maxLength: 2 })),
    protect: fc.record({ tags: fc.array(fc.constantFrom('latest', 'v1.*', 'main-1*', 'pr-2*'), { maxLength: 2 }) }),
    'min-age': fc.constantFrom('0h', '0h', '0h', '24h'),
    order: fc.boolean(),
  })
  .map(({ rules: [first, more], protect, order, 'min-age': minAge }) =>
    JSON.stringify({
      rules: order ? [first, ...more] : [...more, first],
      protect: { ...protect, 'in-use': [], locked: false },
      defaults: { 'min-age': minAge, 'multi-tag': 'any', basis: 'pushed', limits: 'off' },
    }),
  );

const laterPolicy = fc
  .record({
    rules: fc.array(fc.oneof(ageRule, ageRule, countRule), { minLength: 1, maxLength: 3 }),
    limits: fc.constantFrom<unknown>(
      'off',
      { tagged: 'off' },
      { tagged: 'off', 'keep-newest-image': false },
      { tagged: 'off', 'keep-newest-image': false },
      { tagged: 'off', max: 1 },
    ),
    multiTag: fc.constantFrom('any', 'any', 'untag'),
    minAge: fc.constantFrom('0h', '24h'),
    basis: fc.constantFrom('pushed', 'created'),
  })
  .map(({ rules, limits, multiTag, minAge, basis }) =>
    JSON.stringify({
      rules,
      protect: { tags: ['latest', 'v1.*'], 'in-use': [], locked: false },
      defaults: { engine: 'auto', 'multi-tag': multiTag, 'min-age': minAge, basis, limits },
    }),
  );

interface Parsed {
  readonly policy: CleanupPolicy;
  readonly own: RepositoryPolicy;
}

function parsed(text: string): Parsed {
  const policy = parsePolicy(text, 'policy.yaml');
  if (!policy.ok) throw new Error(policy.problems.join('\n'));
  const [own] = policy.value.repositories;
  if (own === undefined) throw new Error('no entry');
  return { policy: policy.value, own };
}

/** A repository as this action knows it, and as the registry does. */
interface Known {
  readonly inventory: RepositoryInventory;
  readonly images: readonly NativeImage[];
}

/**
 * Locks are the registry's own; a referrer that people tagged is an image to it, which the comparison before an install finds.
 * zot and GitLab tell nobody when something was pushed. GitLab does not know it either, and counts from the build.
 */
function knownOf(registry: NativeRegistry, random: RepositoryInventory): Known {
  const vendor = NATIVE_REGISTRIES[registry];
  const whole: RepositoryInventory = {
    ...random,
    traits: { ...registryTraits(vendor), pulled: 'recorded' },
    tags: random.tags.map(({ name: tag, digest }) => ({ name: tag, digest })),
    manifests: random.manifests.map(({ lock: _, subject: __, ...manifest }, index) => ({
      ...manifest,
      pulledAt: manifest.pulledAt ?? 'never',
      kind: manifest.kind === 'referrer' ? 'other' : manifest.kind,
      // Nothing is pushed before it is built.
      ...(manifest.pushedAt === undefined ? {} : { createdAt: manifest.pushedAt - (index % 5) * 4 * DAY }),
    })),
  };
  // What has no time is not there.
  const images = nativeImages(whole, registry === 'gitlab' ? 'created' : undefined).filter(
    ({ pushedAt }) => pushedAt > 0,
  );
  const manifests = whole.manifests.map(({ pushedAt: _, ...manifest }) => manifest);
  return { images, inventory: vendor === 'distribution' ? { ...whole, manifests } : whole };
}

function planOf(
  { policy }: Parsed,
  inventory: RepositoryInventory,
  now: number,
  images: readonly InUseImage[] = [],
): RepositoryPlan {
  const inUse = { images, unreadable: [] };
  const [plan] = planCleanup({ policy, inventories: [inventory], inUse, refs: {}, now, sha256: digestOf }).repositories;
  if (plan === undefined) throw new Error('no plan');
  return plan;
}

const removedBy = ({ digests, tags: names }: NativeOutcome) => digests.size + names.size;

function mustBeIn(plan: RepositoryPlan, outcome: NativeOutcome): void {
  const wider = widerThanPlan(outcome, plan);
  if (wider.length > 0) throw new Error(`the registry would delete ${wider.join(', ')}`);
}

/** What is compiled removes nothing that the policy keeps on the same day. */
function neverWider(
  registry: NativeRegistry,
  policies: fc.Arbitrary<string>,
  isMeant: (compiled: CompiledRules) => boolean = () => true,
): NativeProperty['check'] {
  return (count) =>
    fc.property(fc.tuple(randomCleanup(12), policies), ([{ inventory: random }, text]) => {
      const { inventory, images } = knownOf(registry, random);
      const found = parsed(text);
      const compiled = dialectFor(registry).compile(found.policy, found.own, 'app');
      if (compiled.document === undefined || !isMeant(compiled)) return;
      const outcome = compiled.evaluate(images, NOW);
      count(removedBy(outcome));
      mustBeIn(planOf(found, inventory, NOW), outcome);
    });
}

/** What is decided to be set removes nothing that the policy keeps on any day to come, when nothing else happens. */
function neverWiderLater(registry: NativeRegistry): NativeProperty['check'] {
  const cases = fc.tuple(randomCleanup(10), laterPolicy, fc.integer({ min: 0, max: 500 }), fc.nat());
  return (count) =>
    fc.property(cases, ([random, text, days, at]) => {
      const { inventory, images: known } = knownOf(registry, random.inventory);
      const found = parsed(text);
      const { policy, own } = found;
      const used = inventory.tags[at % Math.max(1, inventory.tags.length)];
      const source = { kind: 'promotions', where: 'environment production' } as const;
      const images: readonly InUseImage[] =
        used === undefined ? [] : [{ repository: REPOSITORY, source, tag: used.name, digest: used.digest }];
      const inUse = { images, unreadable: [] };
      const dialect = dialectFor(registry);
      const decided = decideNativeRules({
        scope: 'registry.example.com/acme',
        vendor: NATIVE_REGISTRIES[registry],
        dialect,
        live: null,
        members: [{ repository: REPOSITORY, name: 'app', own, inventory, plan: planOf(found, inventory, NOW, images) }],
        others: [],
        policy,
        inUse,
        now: NOW,
      });
      if (decided.after === null) return;
      // Compiled again from the rules that were given to the registry, as its evaluator sees them.
      const given = own.rules.filter(({ name }) =>
        decided.rules.some(({ rule, fit }) => rule === name && fit !== 'impossible'),
      );
      const environment =
        used === undefined
          ? []
          : [{ kind: 'glob' as const, text: used.name, source: used.name.replaceAll('.', '\\.'), negated: false }];
      const protect = { ...own.protect, tags: environment };
      const compiled = dialect.compile(policy, { ...own, rules: given, protect }, 'app');
      const now = NOW + days * DAY;
      const outcome = compiled.evaluate(known, now);
      count(removedBy(outcome));
      const { minTaggedLeft, keepNewestImage } = own.limits;
      const later = { ...own, limits: { onExceed: 'batch' as const, minTaggedLeft, keepNewestImage } };
      const repositories = [later];
      mustBeIn(planOf({ own: later, policy: { ...policy, repositories } }, inventory, now, images), outcome);
    });
}

/** At most three are to be kept: more never decides anything in a small repository. */
function countsFew({ document }: CompiledRules): boolean {
  return /"imageCountMoreThan","countNumber":[123]\b/.test(JSON.stringify(document));
}

/** Everything that is promised of rules that a registry has itself. */
export const NATIVE_PROPERTIES: readonly NativeProperty[] = [
  ...nativeRegistries.map((registry) => ({
    name: `${registry}: what is compiled is never wider than the policy`,
    removing: registry === 'artifact-registry' || registry === 'gitlab' ? 0 : 10,
    check: neverWider(registry, agePolicy),
  })),
  ...nativeRegistries.map((registry) => ({
    name: `${registry}: what is set never deletes more than the policy, on any day to come`,
    removing: registry === 'artifact-registry' || registry === 'gitlab' ? 0 : 3,
    check: neverWiderLater(registry),
  })),
  {
    name: 'ecr: counts are never wider than `keep-newest`',
    removing: 1,
    check: neverWider('ecr', countPolicy, countsFew),
  },
];
