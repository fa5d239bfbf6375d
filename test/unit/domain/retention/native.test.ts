import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../../../src/domain/retention/duration.ts';
import { acrPurgeCommand, compileAcr, evaluateAcr } from '../../../../src/domain/retention/native/acr.ts';
import {
  compileArtifactRegistry,
  evaluateArtifactRegistry,
} from '../../../../src/domain/retention/native/artifact-registry.ts';
import { nativeImages, widerThanPlan } from '../../../../src/domain/retention/native/compare.ts';
import { compileEcr, type EcrRule, evaluateEcr } from '../../../../src/domain/retention/native/ecr-lifecycle-policy.ts';
import { compileGitlab, evaluateGitlab } from '../../../../src/domain/retention/native/gitlab.ts';
import { compileHarbor, evaluateHarbor, type HarborRule } from '../../../../src/domain/retention/native/harbor.ts';
import type { NativeImage } from '../../../../src/domain/retention/native/native.ts';
import { compileZot, evaluateZot } from '../../../../src/domain/retention/native/zot.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../../../../src/domain/retention/policy.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { propertySeed } from '../../../support/property-seed.ts';
import { NATIVE_PROPERTIES } from './native-properties.ts';
import { digestOf, NOW, readScenario } from './scenario.ts';

const image = (digest: string, tags: readonly string[], days: number, pulled?: number): NativeImage => ({
  digest,
  tags,
  pushedAt: NOW - days * DAY,
  ...(pulled === undefined ? {} : { pulledAt: NOW - pulled * DAY }),
});

function policyOf(text: string): { readonly policy: CleanupPolicy; readonly own: RepositoryPolicy } {
  const policy = parsePolicy(text, 'policy.yaml');
  if (!policy.ok) throw new Error(policy.problems.join('\n'));
  const [own] = policy.value.repositories;
  if (own === undefined) throw new Error('no entry');
  return { policy: policy.value, own };
}

describe("ECR's documented examples", () => {
  const count = (rulePriority: number, tagPatternList: readonly string[], countNumber: number): EcrRule => ({
    rulePriority,
    selection: { tagStatus: 'tagged', tagPatternList, countType: 'imageCountMoreThan', countNumber },
    action: { type: 'expire' },
  });
  const older = (tagPatternList: readonly string[], countNumber: number): EcrRule => ({
    rulePriority: 1,
    selection: { tagStatus: 'tagged', tagPatternList, countType: 'sinceImagePushed', countUnit: 'days', countNumber },
    action: { type: 'expire' },
  });
  const any = { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 1 } as const;
  const three = [image('A', ['beta-1', 'prod-1'], 10), image('B', ['beta-2', 'prod-2'], 9), image('C', ['beta-3'], 8)];
  test.each<[string, readonly EcrRule[], readonly NativeImage[], readonly string[]]>([
    ['prod keeps one, beta keeps one', [count(1, ['prod*'], 1), count(2, ['beta*'], 1)], three, ['A']],
    [
      'several patterns must all match',
      [older(['alpha*', 'beta*'], 5)],
      [
        image('A', ['alpha-1'], 12),
        image('B', ['beta-1'], 11),
        image('C', ['alpha-2', 'beta-2'], 10),
        image('D', ['alpha-3'], 4),
        image('E', ['beta-3'], 3),
        image('F', ['alpha-4', 'beta-4'], 2),
      ],
      ['C'],
    ],
    [
      'any keeps one',
      [{ rulePriority: 1, selection: any, action: { type: 'expire' } }],
      [image('A', ['alpha-1'], 4), image('B', ['beta-1'], 3), image('C', [], 2), image('D', ['alpha-2'], 1)],
      ['A', 'B', 'C'],
    ],
    [
      'older than 14 days',
      [older(['prod*'], 14)],
      [image('A', ['prod-1'], 15), image('B', ['prod-2'], 13), image('C', ['x'], 99)],
      ['A'],
    ],
  ])('%s', (_, rules, images, expired) => {
    expect([...evaluateEcr({ rules }, images, NOW).digests].sort()).toEqual(expired);
  });

  test('untagged images are counted apart from tagged ones', () => {
    const untagged = { tagStatus: 'untagged', countType: 'imageCountMoreThan', countNumber: 1 } as const;
    const images = [image('A', ['a'], 9), image('B', [], 5), image('C', [], 3), image('D', ['d'], 1)];
    const rules: readonly EcrRule[] = [{ rulePriority: 1, selection: untagged, action: { type: 'expire' } }];
    expect([...evaluateEcr({ rules }, images, NOW).digests]).toEqual(['B']);
  });

  test.each([
    ['five stars', 'tags: ["a*b*c*d*e*f"]', /at most four `\*`/],
    ['a pull', 'tags: ["x*"]', /cannot delete by pulls/, 'older-than: 30d, not-pulled-for: 30d'],
    [
      'more rules than a policy has',
      `tags: [${Array.from({ length: 51 }, (_, at) => `"t${at}-*"`).join(', ')}]`,
      /50 rules/,
    ],
  ])('%s is never written: ECR would refuse it', (_, select, reason, remove = 'older-than: 30d') => {
    const { policy, own } = policyOf(
      `defaults: {multi-tag: any}\nprotect: {tags: []}\nrules: [{name: r, select: {${select}, kind: any}, remove: {${remove}}}]`,
    );
    const { document, rules } = compileEcr(policy, own);
    expect(document).toBeUndefined();
    expect(rules[0]?.reason).toMatch(reason);
  });

  test('a count of one under a prefix of environment tags expires production; the compiled form shields it', () => {
    const images = [
      image('A', ['deployed-to-integration'], 1),
      image('B', ['deployed-to-production'], 30),
      image('C', ['release_1'], 60),
    ];
    expect([...evaluateEcr({ rules: [count(1, ['deployed-to*'], 1)] }, images, NOW).digests]).toEqual(['B']);
    const { policy, own } = policyOf(
      'defaults: {multi-tag: any}\nprotect: {tags: ["deployed-to-*"]}\nrules: [{name: r, select: {tags: ["*"], kind: any}, remove: {older-than: 14d}}]',
    );
    const { document, rules } = compileEcr(policy, own);
    expect(rules[0]?.fit).toBe('exact');
    expect([...evaluateEcr(document ?? { rules: [] }, images, NOW).digests]).toEqual(['C']);
  });
});

describe("Artifact Registry's documented examples", () => {
  const old = { name: 'd', action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: '30d' } } as const;
  const images = [
    image('A', ['release-xyz-v1'], 90),
    image('B', ['release-xyz-v2'], 80),
    image('C', ['release-v2'], 70),
    image('D', [], 60),
  ];
  test('Keep wins over Delete, in any order', () => {
    const keep = {
      name: 'k',
      action: { type: 'Keep' },
      condition: { tagState: 'tagged', tagPrefixes: ['release-xyz'] },
    } as const;
    for (const policies of [
      [old, keep],
      [keep, old],
    ]) {
      expect([...evaluateArtifactRegistry(policies, images, NOW).digests].sort()).toEqual(['C', 'D']);
    }
  });
  test('Keep alone deletes nothing, and the most recent versions stay', () => {
    const recent = { name: 'k', action: { type: 'Keep' }, mostRecentVersions: { keepCount: 3 } } as const;
    expect([...evaluateArtifactRegistry([recent], images, NOW).digests]).toEqual([]);
    expect([...evaluateArtifactRegistry([recent, old], images, NOW).digests]).toEqual(['A']);
  });
});

test('Artifact Registry: the most recent versions of packages with a prefix stay, and each package is counted by itself', () => {
  const policies = [
    { name: 'd', action: { type: 'Delete' }, condition: { tagState: 'any' } },
    {
      name: 'k',
      action: { type: 'Keep' },
      mostRecentVersions: { keepCount: 3, packageNamePrefixes: ['release-xyz'] },
    },
  ] as const;
  const versions = [image('A', ['1'], 4), image('B', ['2'], 3), image('C', [], 2), image('D', ['4'], 1)];
  const gone = (name: string) => [...evaluateArtifactRegistry(policies, versions, NOW, name).digests].sort();
  expect(gone('release-xyz-v1')).toEqual(['A']);
  expect(gone('release-xyz-v2')).toEqual(['A']);
  expect(gone('release-v2')).toEqual(['A', 'B', 'C', 'D']);
});

test('Artifact Registry: sixty versions and only policies that keep: nothing goes', () => {
  const many = Array.from({ length: 60 }, (_, at) => image(`i${at}`, at % 2 === 0 ? [`t${at}`] : [], at));
  const keeping = [
    { name: 'a', action: { type: 'Keep' }, condition: { tagState: 'tagged', tagPrefixes: ['t1'] } },
    { name: 'b', action: { type: 'Keep' }, mostRecentVersions: { keepCount: 2 } },
  ] as const;
  expect(evaluateArtifactRegistry(keeping, many, NOW).digests.size).toBe(0);
});

describe("Harbor's documented examples", () => {
  const rule = (
    template: HarborRule['template'],
    params: HarborRule['params'],
    untagged: boolean,
    pattern = '**',
    decoration: 'matches' | 'excludes' = 'matches',
  ): HarborRule => ({
    action: 'retain',
    template,
    params,
    tag_selectors: [{ kind: 'doublestar', decoration, pattern, extras: JSON.stringify({ untagged }) }],
    scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
  });
  const left = (rules: readonly HarborRule[], images: readonly NativeImage[]) =>
    images.length - evaluateHarbor({ algorithm: 'or', rules }, images, NOW).digests.size;
  const many = (count: number, pulled?: number) =>
    Array.from({ length: count }, (_, index) => image(`t${index}`, [`t${index}`], 60 + index, pulled));

  test('the ten most recently pulled, in five repositories', () => {
    const a = [...many(100, 3), image('u1', [], 5, 3), image('u2', [], 5, 3)];
    const b = [...many(6), image('u', [], 5)];
    const rules = [rule('latestPulledN', { latestPulledN: 10 }, false)];
    expect(left(rules, a) + 4 * left(rules, b)).toBe(34);
  });
  test('with untagged ones, all that was pulled this week stays', () => {
    const a = [...many(100, 3), image('u1', [], 5, 3), image('u2', [], 5, 3)];
    expect(left([rule('nDaysSinceLastPull', { nDaysSinceLastPull: 7 }, true)], a)).toBe(102);
    expect(left([rule('nDaysSinceLastPull', { nDaysSinceLastPull: 7 }, false)], a)).toBe(100);
  });

  test.each([
    [0, 0],
    [1, 1],
    [5, 5],
    [15, 6],
    [90, 8],
  ])('pulled in the last %i days keeps %i of eight', (days, kept) => {
    const images = [1, 2, 3, 4, 5, 10, 20, 30].map((pulled) =>
      image(`p${pulled}`, [`p${pulled}`], 99, pulled - 1 / 24),
    );
    expect(
      left([rule('nDaysSinceLastPull', { nDaysSinceLastPull: days }, true)], [...images, image('never', ['n'], 99)]),
    ).toBe(kept);
  });
  test('one retained tag keeps the artifact, and excluding latest deletes what is only latest', () => {
    const tags = ['harbor-1.8', 'harbor-release', 'harbor-nightly', 'latest'];
    expect(left([rule('latestPushedK', { latestPushedK: 2 }, true, 'harbor-*')], [image('x', tags, 1)])).toBe(1);
    const excluding = [rule('always', {}, false, 'latest', 'excludes')];
    expect(left(excluding, [image('a', ['latest'], 1), image('b', ['latest', 'v1'], 1)])).toBe(1);
  });
});

test('zot: the first entry that matches decides', () => {
  const images = Array.from({ length: 8 }, (_, index) =>
    image(`${index}`, [`0.0.${index + 1}`], 30, index === 3 ? 1 : 20),
  );
  const keepTags = [{ patterns: ['0.0.1'] }, { patterns: ['0.0.2'] }, { patterns: ['.*'], pulledWithin: '2d' }];
  const zot = {
    delay: '24h',
    policies: [{ repositories: ['**'], deleteReferrers: false, deleteUntagged: true, keepTags }],
  };
  expect([...evaluateZot(zot, images, NOW).tags]).toEqual(['0.0.3', '0.0.5', '0.0.6', '0.0.7', '0.0.8']);
});

test('GitLab: latest, the newest and what is kept by name stay', () => {
  const images = [
    image('a', ['latest'], 99),
    image('b', ['v1'], 98),
    image('c', ['x1'], 97),
    image('d', ['x2'], 96),
    image('e', ['x3'], 1),
  ];
  const gitlab = { enabled: true, keep_n: 1, older_than: '7d', name_regex_delete: '.*', name_regex_keep: 'v.+' };
  expect([...evaluateGitlab(gitlab, images, NOW).tags].sort()).toEqual(['x1', 'x2']);
});

test('ACR: one command, protected by look-ahead', () => {
  const { policy, own } = policyOf(
    'protect: {tags: [latest, {semver: "*"}]}\nrules: [{name: r, select: {tags: ["v*"], kind: any}, remove: {older-than: 14d}}]',
  );
  const { document } = compileAcr(policy, own);
  const [purge] = document?.purge ?? [];
  expect(purge && acrPurgeCommand(purge, 'acme/app')).toBe(
    "acr purge --filter 'acme/app:^(?!(?:(?:latest)|v?(?:0|[1-9][0-9]*)\\.(?:0|[1-9][0-9]*)\\.(?:0|[1-9][0-9]*)|(?:sha256-[^/]*)|(?:sha512-[^/]*))$)(?:(?:v[^/]*))$' --ago 14d",
  );
});

test('ACR: what look-ahead spares stays, and a filter counts whole tags', () => {
  const images = ['v1-a', 'v1-b', 'v1-c', 'other'].map((tag) => image(tag, [tag], 30));
  const purge = { allowed: 'v1.*', protected: 'v1-a', ago: 24, untaggedOnly: false };
  expect([...evaluateAcr({ purge: [purge] }, images, NOW).tags]).toEqual(['v1-b', 'v1-c']);
  const stray = [image('stray', [], 30), { ...image('listed', [], 30), isChild: true }, image('young', [], 0)];
  const untagged = { ago: 24, untaggedOnly: true };
  expect([...evaluateAcr({ purge: [untagged] }, [...images, ...stray], NOW).digests]).toEqual(['stray']);
});

// https://github.com/Azure/acr-cli/blob/main/cmd/acr/purge_test.go
test.each([
  ['of all four tags', { allowed: '.*', ago: 0, keep: 1 }, ['v1-a', 'v1-b', 'other']],
  ['of the three of a filter', { allowed: 'v1-.*', ago: 0, keep: 1 }, ['v1-a', 'v1-b']],
  ['of those that are old enough', { allowed: 'v1-.*', ago: 25 * 24, keep: 1 }, ['v1-a']],
])('ACR: `--keep 1` spares the newest %s', (_, purge, gone) => {
  const images = [
    image('o', ['other'], 40),
    image('a', ['v1-a'], 30),
    image('b', ['v1-b'], 26),
    image('c', ['v1-c'], 20),
  ];
  const { tags } = evaluateAcr({ purge: [{ ...purge, untaggedOnly: false }] }, images, NOW);
  expect([...tags].sort()).toEqual(gone.toSorted());
});

describe('rules that a registry has, and what a policy with the same numbers keeps', () => {
  const planOf = (policy: CleanupPolicy, manifests: string, use = '') => {
    const { inventories, inUse, refs } = readScenario(
      `{repositories: {r.example/a/b: {vendor: distribution-like, manifests: {${manifests}}}}${use}}`,
    );
    const [inventory] = inventories;
    const [plan] = planCleanup({ policy, inventories, inUse, refs, now: NOW, sha256: digestOf }).repositories;
    if (inventory === undefined || plan === undefined) throw new Error('no repository');
    return { plan, images: nativeImages(inventory) };
  };

  test('a digest with a tag of a pull request and one of a release is lost, so the rules are wider', () => {
    const { policy } = policyOf(
      'defaults: {limits: off}\nprotect: {tags: []}\nrules: [{name: r, select: {tags: ["pr-*"]}, remove: {older-than: 14d}}]',
    );
    const { plan, images } = planOf(policy, 'D: {tags: [pr-1, v1], age: 20d}, E: {tags: [main], age: 1d}');
    expect(plan.steps).toMatchObject([{ action: 'untag', tag: 'pr-1' }]);
    const ecr = evaluateEcr(
      {
        rules: [
          {
            rulePriority: 1,
            selection: {
              tagStatus: 'tagged',
              tagPatternList: ['pr-*'],
              countType: 'sinceImagePushed',
              countUnit: 'days',
              countNumber: 14,
            },
            action: { type: 'expire' },
          },
        ],
      },
      images,
      NOW,
    );
    const gar = evaluateArtifactRegistry(
      [
        {
          name: 'd',
          action: { type: 'Delete' },
          condition: { tagState: 'tagged', tagPrefixes: ['pr-'], olderThan: '14d' },
        },
      ],
      images,
      NOW,
    );
    for (const outcome of [ecr, gar]) {
      expect(widerThanPlan(outcome, plan)).toEqual([
        expect.stringContaining('v1: '),
        expect.stringContaining(digestOf('D')),
      ]);
    }
  });

  test('a count of one under a prefix of environment tags would delete production, so it is never installed', () => {
    const { policy } = policyOf(
      'defaults: {limits: off, multi-tag: any}\nprotect: {tags: ["deployed-to-*"]}\nrules: [{name: r, select: {tags: ["*"], kind: any}, remove: {older-than: 14d}}]',
    );
    const { plan, images } = planOf(
      policy,
      'A: {tags: [deployed-to-integration], age: 1d}, B: {tags: [deployed-to-production], age: 30d}, C: {tags: [release_6], age: 60d}',
    );
    const one: EcrRule = {
      rulePriority: 1,
      selection: {
        tagStatus: 'tagged',
        tagPatternList: ['deployed-to*'],
        countType: 'imageCountMoreThan',
        countNumber: 1,
      },
      action: { type: 'expire' },
    };
    expect(widerThanPlan(evaluateEcr({ rules: [one] }, images, NOW), plan)).toEqual([
      expect.stringContaining('deployed-to-production: '),
      expect.stringContaining(digestOf('B')),
    ]);
    const compiled = compileEcr(policy, policy.repositories[0] as RepositoryPolicy);
    expect(widerThanPlan(evaluateEcr(compiled.document ?? { rules: [] }, images, NOW), plan)).toEqual([]);
  });

  test('five that stay and an hour are wider than a policy, which keeps what is young and what is in use', () => {
    const { policy } = policyOf(
      'defaults: {limits: off}\nprotect: {tags: []}\nrules: [{name: r, select: {tags: ["*"]}, remove: {older-than: 1h, keep-newest: 5}}]',
    );
    const seven = Array.from({ length: 7 }, (_, at) => `i${at}: {tags: [i${at}], age: ${9 - at}h}`).join(', ');
    const { plan, images } = planOf(policy, seven, ', in-use: [{digest: i0}]');
    expect(plan.steps).toEqual([]);
    const outcome = evaluateArtifactRegistry(
      [
        { name: 'k', action: { type: 'Keep' }, mostRecentVersions: { keepCount: 5 } },
        { name: 'd', action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: '1h' } },
      ],
      images,
      NOW,
    );
    expect(widerThanPlan(outcome, plan)).toHaveLength(4);
  });
});

describe('what only this action tells apart is never given to a registry', () => {
  const compilers = {
    ECR: compileEcr,
    'Artifact Registry': compileArtifactRegistry,
    Harbor: (...[policy, own]: Parameters<typeof compileEcr>) => compileHarbor(policy, own, '**'),
    ACR: compileAcr,
    zot: (...[policy, own]: Parameters<typeof compileEcr>) => compileZot(policy, own, ['app']),
    GitLab: compileGitlab,
  };
  const basisOf = (name: string) => (['zot', 'GitLab'].includes(name) ? 'created' : 'pushed');
  const reasonsOf = (name: keyof typeof compilers, protect: string, rule: string) => {
    const { policy, own } = policyOf(
      `defaults: {multi-tag: any, basis: ${basisOf(name)}}\nprotect: {tags: [${protect}]}\nrules: [{name: r, ${rule}}]`,
    );
    const { document, rules } = compilers[name](policy, own);
    return { document, reasons: rules.map(({ fit, reason }) => `${fit}: ${reason}`).join() };
  };
  const AGE = 'select: {tags: ["*"], kind: any}, remove: {older-than: 90d}';
  test.each<[keyof typeof compilers, RegExp]>([
    ['ECR', /impossible: .*patterns of text/],
    ['Artifact Registry', /narrower/],
    ['Harbor', /impossible: .*globs only/],
    ['ACR', /narrower/],
    ['zot', /narrower/],
    ['GitLab', /narrower/],
  ])('%s: releases by their version', (name, fit) => {
    expect(reasonsOf(name, '{semver: "*"}', AGE).reasons).toMatch(fit);
  });
  test.each(Object.keys(compilers) as (keyof typeof compilers)[])('%s: charts, caches and pulls', (name) => {
    for (const [rule, reason] of [
      ['select: {tags: ["*"]}, remove: {older-than: 90d}', /use `kind: any`/],
      ['select: {tags: ["*"], kind: [image, chart]}, remove: {older-than: 90d}', /use `kind: any`/],
      ['select: {tags: ["*"], kind: any}, remove: {not-pulled-for: 90d}', /a pull of one platform/],
    ] as const) {
      const { document, reasons } = reasonsOf(name, '"v*"', rule);
      expect(document).toBeUndefined();
      expect(reasons).toMatch(reason);
    }
  });
});

test('what a registry cannot say is left out, with what to write instead', () => {
  const { policy, own } = policyOf('rules: [{name: r, select: {tags: ["pr-*"]}, remove: {older-than: 14d}}]');
  for (const { document, rules } of [compileEcr(policy, own), compileArtifactRegistry(policy, own)]) {
    expect(document).toBeUndefined();
    expect(rules[0]).toMatchObject({ fit: 'impossible', reason: expect.stringContaining('kind: any') });
    expect(rules[0]?.reason).toContain('multi-tag: any');
  }
});

/** More: `npm run test:property`. */
const CASES = 400;

test.each(NATIVE_PROPERTIES.map((each) => [each.name, each] as const))(
  '%s',
  { timeout: 120_000 },
  (_, { check, removing }) => {
    let removals = 0;
    fc.assert(
      check((removed) => {
        removals += removed > 0 ? 1 : 0;
      }),
      { numRuns: CASES, seed: propertySeed() },
    );
    // Rules that never remove anything would pass as well.
    expect(removals).toBeGreaterThanOrEqual(removing);
  },
);

describe('`keep-newest` as a count of ECR', () => {
  const fitOf = (rules: string, more = 'min-age: 0h, ') => {
    const { policy, own } = policyOf(`defaults: {${more}multi-tag: any}\nrules: ${rules}`);
    return compileEcr(policy, own);
  };

  test('the newest 20 releases, untagged images after 7 days and those of `dev` after 30 are one policy', () => {
    const { document, rules } = fitOf(`
  - {name: releases, select: {tags: ["release*"], kind: any}, remove: {keep-newest: 20}}
  - {name: untagged, select: {tagged: false, kind: any}, remove: {older-than: 7d, since: pushed}}
  - {name: dev, select: {tags: ["dev*"], kind: any}, remove: {older-than: 30d}}`);
    expect(rules.map(({ fit }) => fit)).toEqual(['narrower', 'narrower', 'narrower']);
    const images = Array.from({ length: 22 }, (_, at) => image(`R${at}`, [`release-${at}`], at + 1));
    const result = evaluateEcr(document ?? { rules: [] }, [...images, image('D', ['dev-1'], 31)], NOW);
    expect([...result.digests].toSorted()).toEqual(['D', 'R20', 'R21']);
    const alone = fitOf('[{name: r, select: {tags: ["release*"], kind: any}, remove: {keep-newest: 20}}]');
    expect(alone.rules[0]?.fit).toBe('exact');
  });

  test.each([
    ['the default `min-age`', 'tags: ["v*"]', 'keep-newest: 3', '', 'write `min-age: 0h`'],
    ['an age as well', 'tags: ["v*"]', 'keep-newest: 3, older-than: 7d', undefined, 'an age and a count in one rule'],
    ['another order', 'tags: ["v*"]', 'keep-newest: {count: 3, by: semver}', undefined, 'by push time only'],
    ['groups', 'tags: ["v*"]', 'keep-newest: {count: 3, group-by: major}', undefined, 'no groups'],
    ['a tag that is left out', 'tags: ["v*", "!v1*"]', 'keep-newest: 3', undefined, 'put them into `protect.tags`'],
    ['a count of what would go', 'tags: ["v*"]', 'keep-newest: 3, keep-scope: removable', undefined, '`keep-scope`'],
    ['a pattern that matches signatures', 'tags: ["sha*"]', 'keep-newest: 3', undefined, 'tags of signatures'],
    ['none', 'tags: ["v*"]', 'keep-newest: 0', undefined, 'at least one'],
    ['untagged images', 'tagged: false', 'keep-newest: 3, since: pushed', undefined, 'signatures and SBOMs'],
  ])('is not possible with %s', (_, select, remove, more, reason) => {
    const { document, rules } = fitOf(`[{name: r, select: {${select}, kind: any}, remove: {${remove}}}]`, more);
    expect(document).toBeUndefined();
    expect(rules[0]).toMatchObject({ fit: 'impossible', reason: expect.stringContaining(reason) });
  });

  test('tags that several may name one image need `multi-tag: any`', () => {
    const { policy, own } = policyOf(
      'defaults: {min-age: 0h}\nrules: [{name: r, select: {tags: ["v*"], kind: any}, remove: {keep-newest: 3}}]',
    );
    expect(compileEcr(policy, own).rules[0]?.reason).toContain('`multi-tag: any`');
  });
});
