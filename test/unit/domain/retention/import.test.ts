import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../../../src/domain/retention/duration.ts';
import { importPolicy } from '../../../../src/domain/retention/import/import-policy.ts';
import type { RepositoryInventory } from '../../../../src/domain/retention/inventory.ts';
import {
  compileArtifactRegistry,
  evaluateArtifactRegistry,
  type GarPolicy,
} from '../../../../src/domain/retention/native/artifact-registry.ts';
import { nativeImages } from '../../../../src/domain/retention/native/compare.ts';
import { compileEcr, type EcrRule, evaluateEcr } from '../../../../src/domain/retention/native/ecr-lifecycle-policy.ts';
import {
  compileGitlab,
  evaluateGitlab,
  type GitlabExpiration,
} from '../../../../src/domain/retention/native/gitlab.ts';
import { compileHarbor, evaluateHarbor, type HarborRule } from '../../../../src/domain/retention/native/harbor.ts';
import type { NativeImage, NativeOutcome } from '../../../../src/domain/retention/native/native.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../../../../src/domain/retention/policy.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { propertySeed } from '../../../support/property-seed.ts';
import { randomCleanup } from './random-cleanup.ts';
import { digestOf, NOW, readScenario } from './scenario.ts';

function converted(document: unknown) {
  const result = importPolicy(JSON.stringify(document));
  if (!result.ok) throw new Error(result.problems.join('\n'));
  const policy = parsePolicy(result.value.text, 'policy');
  if (!policy.ok) throw new Error(policy.problems.join('\n'));
  return { ...result.value, policy: policy.value };
}

const body = (document: unknown) =>
  converted(document)
    .text.split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .trim();
const refused = (document: unknown) => {
  const result = importPolicy(typeof document === 'string' ? document : JSON.stringify(document));
  return result.ok ? '' : result.problems.join('\n');
};

const ecr = (...rules: readonly Partial<EcrRule>[]) => ({
  rules: rules.map((rule, index) => ({ rulePriority: index + 1, action: { type: 'expire' }, ...rule })),
});
const countOf = (tagPatternList: readonly string[], countNumber: number): Partial<EcrRule> => ({
  selection: { tagStatus: 'tagged', tagPatternList, countType: 'imageCountMoreThan', countNumber },
});

describe('ECR', () => {
  test('the examples of the documentation', () => {
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html
    const old = { countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 } as const;
    expect(
      body(ecr({ description: 'Expire images older than 14 days', selection: { tagStatus: 'untagged', ...old } })),
    ).toBe(`version: 1
defaults: { multi-tag: any }
protect: { tags: [] }
rules:
  - name: "Expire images older than 14 days"
    select: { tagged: false, kind: any }
    remove: { older-than: 14d, since: pushed }`);
    expect(body(ecr(countOf(['prod*'], 1), countOf(['beta*'], 1)))).toBe(`version: 1
defaults: { multi-tag: require-all }
protect: { tags: [] }
rules:
  - name: "rule 1"
    select: { tags: ["prod*"], kind: any }
    remove: { keep-newest: 1 }
  - name: "rule 2"
    select: { tags: ["beta*", "!prod*"], kind: any }
    remove: { keep-newest: 1 }`);
  });

  test('a prefix becomes a pattern, and any rule comes as two', () => {
    const any = { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 5 } as const;
    const prefix = {
      tagStatus: 'tagged',
      tagPrefixList: ['keep'],
      countType: 'imageCountMoreThan',
      countNumber: 99_999,
    } as const;
    const { text, notes } = converted(ecr({ description: 'shield', selection: prefix }, { selection: any }));
    expect(text).toContain('select: { tags: ["*", "!keep*"], kind: any }');
    expect(text).toContain('select: { tagged: false, kind: any }');
    expect(notes.join(' ')).toContain('"shield" only keeps');
    expect(notes.join(' ')).toContain('counts tagged and untagged images separately');
  });

  test('a prefix that looks like a whole tag is named, and deletes what the registry would', () => {
    const dev = {
      selection: { tagStatus: 'tagged', tagPrefixList: ['dev'], countType: 'imageCountMoreThan', countNumber: 1 },
    } as const;
    const { text, notes, policy } = converted(ecr(dev));
    expect(text).toContain('select: { tags: ["dev*"], kind: any }');
    expect(notes.join(' ')).toContain('every tag that begins with "dev"');
    const { inventories, inUse, refs } = readScenario(
      '{repositories: {ghcr.io/acme/app: {manifests: {A: {tags: [dev], age: 10d}, B: {tags: [dev-20250701], age: 5d}, C: {tags: [x], age: 1d}}}}}',
    );
    const unlimited = {
      ...policy,
      repositories: policy.repositories.map((each) => ({
        ...each,
        limits: { ...each.limits, tagged: { percent: 100 } },
      })),
    };
    const plan = planCleanup({ policy: unlimited, inventories, inUse, refs, now: NOW, sha256: digestOf });
    expect(plan.repositories[0]?.steps).toMatchObject([{ action: 'delete', tags: ['dev'] }]);
    const meant = { selection: { ...dev.selection, tagPrefixList: ['dev-'] } };
    expect(converted(ecr(meant)).notes.join(' ')).not.toContain('begins with');
  });

  test.each<[string, Partial<EcrRule>, RegExp]>([
    [
      'a pull, which archives only',
      {
        action: { type: 'transition', targetStorageClass: 'archive' } as never,
        selection: { tagStatus: 'any', countType: 'sinceImagePulled', countUnit: 'days', countNumber: 30 } as never,
      },
      /no "transition"/,
    ],
    [
      'the archive',
      {
        selection: {
          tagStatus: 'any',
          storageClass: 'archive',
          countType: 'sinceImageTransitioned',
          countUnit: 'days',
          countNumber: 90,
        } as never,
      },
      /no storage class "archive"/,
    ],
  ])('%s is left out', (_, rule, reason) => {
    const { notes, text } = converted(ecr(countOf(['x*'], 2), rule));
    expect(notes.join(' ')).toMatch(reason);
    expect(text.match(/ name:/g)).toHaveLength(1);
  });

  test('what a policy cannot say is named, and still exempts images from later rules', () => {
    const archive = {
      action: { type: 'transition', targetStorageClass: 'archive' },
      selection: {
        tagStatus: 'tagged',
        tagPatternList: ['arch-*'],
        countType: 'sinceImagePulled',
        countUnit: 'days',
        countNumber: 30,
      },
    };
    const { text, notes } = converted({
      rules: [
        { rulePriority: 1, ...archive },
        { ...ecr(countOf(['a*', 'b*'], 1)).rules[0], description: 'both', rulePriority: 2 },
        { ...ecr(countOf(['x*'], 2)).rules[0], rulePriority: 3 },
      ],
    });
    expect(text).toContain('select: { tags: ["x*", "!arch-*", "!a*"], kind: any }');
    expect(notes.join('\n')).toMatch(/"rule 1" is left out: a policy has no "transition"/);
    expect(notes.join('\n')).toMatch(/"both" is left out: it selects images that match all/);
  });

  test('as the command line prints it', () => {
    const text = JSON.stringify(ecr(countOf(['v*'], 3)));
    expect(body({ registryId: '1', repositoryName: 'app', lifecyclePolicyText: text })).toContain('keep-newest: 3');
  });

  test.each<[string, unknown, RegExp]>([
    [
      'an unknown condition',
      ecr({ ...countOf(['v*'], 1), selection: { ...countOf(['v*'], 1).selection, size: 3 } as never }),
      /"size" is not known/,
    ],
    ['a count of nothing', ecr(countOf(['v*'], 0)), /countNumber: expected a whole number/],
    [
      'the same priority twice',
      { rules: [...ecr(countOf(['v*'], 1)).rules, ...ecr(countOf(['w*'], 1)).rules] },
      /same `rulePriority`/,
    ],
    [
      'patterns of what has no tag',
      ecr({
        selection: { tagStatus: 'untagged', tagPatternList: ['x'], countType: 'imageCountMoreThan', countNumber: 1 },
      }),
      /`tagged` needs/,
    ],
    [
      'only what cannot be said',
      ecr({ ...countOf(['v*'], 1), action: { type: 'transition', targetStorageClass: 'archive' } as never }),
      /cannot express any of the rules.*transition/,
    ],
  ])('%s is refused', (_, document, message) => {
    expect(refused(document)).toMatch(message);
  });

  const selection = { tagStatus: 'tagged', tagPatternList: ['v*'], countType: 'imageCountMoreThan', countNumber: 1 };
  const days = { countType: 'sinceImagePushed', countUnit: 'days', countNumber: 7 };
  const one = (more: object, action: object = { type: 'expire' }) => ({
    rules: [{ rulePriority: 1, selection: { ...selection, ...more }, action }],
  });
  const bare = (more: object) => ({
    rules: [{ rulePriority: 1, selection: { tagStatus: 'untagged', ...days }, action: { type: 'expire' }, ...more }],
  });
  const ARCHIVE = { type: 'transition', targetStorageClass: 'archive' };
  test.each<[string, unknown, RegExp]>([
    ['no rule at all', { rules: [] }, /at least one rule/],
    [
      '51 rules',
      ecr(...Array.from({ length: 51 }, (_, at) => countOf([`t${at}*`], 1))),
      /at most 50 rules, and these are 51/,
    ],
    [
      'a text that is too long',
      ecr(...Array.from({ length: 40 }, (_, at) => ({ ...countOf([`t${at}*`], 1), description: 'x'.repeat(1000) }))),
      /ECR takes at most 30720/,
    ],
    ['a unit of a count', one({ countUnit: 'days' }), /`imageCountMoreThan` has no `countUnit`/],
    ['an age without a unit', one({ ...days, countUnit: undefined }), /`sinceImagePushed` needs `countUnit: days`/],
    ['hours', one({ ...days, countUnit: 'hours' }), /needs `countUnit: days`/],
    ['null', one({ countUnit: null }), /"countUnit": ECR takes no null/],
    ['an unknown condition', one({ countType: 'sinceImageScanned' }), /`countType` is imageCountMoreThan, .* not/],
    ['both kinds of patterns', one({ tagPrefixList: ['v'] }), /`tagPatternList` or `tagPrefixList`, not both/],
    ['no pattern', one({ tagPatternList: [] }), /`tagged` needs/],
    ['six stars', one({ tagPatternList: ['test*1*2*3*4*5*6'] }), /more than 4 `\*`/],
    ['a pull that expires', one({ ...days, countType: 'sinceImagePulled' }), /`sinceImagePulled` is for "transition"/],
    [
      'a time of transition without the archive',
      one({ ...days, countType: 'sinceImageTransitioned' }),
      /is for "expire" with `storageClass: archive`/,
    ],
    ['a count in the archive', one({ storageClass: 'archive' }), /for `sinceImageTransitioned` only/],
    ['an unknown class', one({ storageClass: 'cold' }), /"standard" or "archive"/],
    ['an unknown action', one({}, { type: 'delete' }), /`action.type` is "expire" or "transition"/],
    ['a transition to nowhere', one({}, { type: 'transition' }), /needs `targetStorageClass: archive`/],
    ['an end in the archive', one({}, { ...ARCHIVE, type: 'expire' }), /"expire" has no `targetStorageClass`/],
    ['a description that is no text', bare({ description: 3 }), /`description` is not text/],
    [
      '`any` before another rule',
      ecr({ selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9 } }, countOf(['v*'], 1)),
      /`tagStatus: any` needs the highest `rulePriority`/,
    ],
    [
      'two rules for what has no tag',
      { rules: [1, 2].map((rulePriority) => ({ ...bare({}).rules[0], rulePriority })) },
      /one rule with `tagStatus: untagged`, and rules\[0\] has it/,
    ],
    [
      'the same prefixes twice',
      ecr(
        ...[
          ['a', 'b'],
          ['b', 'a'],
        ].map((tagPrefixList) => ({
          selection: {
            tagStatus: 'tagged' as const,
            tagPrefixList,
            countType: 'imageCountMoreThan' as const,
            countNumber: 1,
          },
        })),
      ),
      /one rule with the prefixes \["a","b"\]/,
    ],
  ])('what ECR refuses is refused: %s', (_, document, message) => {
    expect(refused(document)).toMatch(message);
  });

  test('priorities need not be in order, and an untagged rule of each storage class is one', () => {
    const archived = { ...days, tagStatus: 'untagged', storageClass: 'archive', countType: 'sinceImageTransitioned' };
    const any = { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9 };
    const action = { type: 'expire' };
    const { notes } = converted({
      rules: [
        { rulePriority: 90, selection: any, action },
        { rulePriority: 5, selection: { tagStatus: 'untagged', ...days }, action },
        { rulePriority: 7, selection: archived, action },
      ],
    });
    expect(notes.join(' ')).toMatch(/"rule 7" is left out: a policy has no storage class "archive"/);
  });
});

describe('Artifact Registry', () => {
  // https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy
  const documented = [
    {
      name: 'delete-prerelease',
      action: { type: 'Delete' },
      condition: { tagState: 'tagged', tagPrefixes: ['alpha', 'v0'], olderThan: '30d' },
    },
    {
      name: 'keep-tagged-release',
      action: { type: 'Keep' },
      condition: { tagState: 'tagged', tagPrefixes: ['release'], packageNamePrefixes: ['webapp', 'mobile'] },
    },
    {
      name: 'keep-minimum-versions',
      action: { type: 'Keep' },
      mostRecentVersions: { packageNamePrefixes: ['webapp', 'mobile', 'sandbox'], keepCount: 5 },
    },
  ];
  test('the documented policies, as gcloud takes them and as the API returns them', () => {
    const text = body(documented);
    expect(text).toBe(`version: 1
defaults: { multi-tag: require-all }
protect: { tags: [] }
rules:
  - name: "delete-prerelease"
    select: { tags: ["alpha*", "v0*"], kind: any }
    remove: { older-than: 30d }
  - name: "keep-tagged-release"
    select: { tags: ["release*"], kind: any }
    keep: { newest: 1000000 }
  - name: "keep-minimum-versions"
    select: { tags: ["*"], kind: any }
    keep: { newest: 5 }
  - name: "keep-minimum-versions, untagged"
    select: { tagged: false, kind: any }
    keep: { newest: 5 }`);
    const api = Object.fromEntries(
      documented.map(({ name, action, condition, ...rest }) => [
        name,
        {
          id: name,
          action: action.type.toUpperCase(),
          ...(condition && {
            condition: {
              ...condition,
              tagState: 'TAGGED',
              ...('olderThan' in condition ? { olderThan: '2592000s' } : {}),
            },
          }),
          ...rest,
        },
      ]),
    );
    expect(body({ name: 'projects/p/…', cleanupPolicies: api })).toBe(text);
    expect(body(api)).toBe(text);
  });

  test('restrictions are named: a Delete is left out, a Keep keeps more', () => {
    const { notes } = converted([
      ...documented,
      { name: 'some', action: { type: 'Delete' }, condition: { packageNamePrefixes: ['web'], olderThan: '1d' } },
      { name: 'new', action: { type: 'Delete' }, condition: { newerThan: '1d' } },
    ]);
    expect(notes.join('\n')).toMatch(/"keep-tagged-release" keeps more than before/);
    expect(notes.join('\n')).toMatch(/"some" is left out: a policy has no `packageNamePrefixes`/);
    expect(notes.join('\n')).toMatch(/"new" is left out/);
  });

  test.each<[string, unknown, RegExp]>([
    ['only Keep', [documented[1]], /No rule deletes anything/],
    [
      'an age that is none',
      [{ name: 'x', action: { type: 'Delete' }, condition: { olderThan: '3 weeks' } }],
      /olderThan: expected a time/,
    ],
    [
      'an unknown condition',
      [{ name: 'x', action: { type: 'Delete' }, condition: { sizeOver: 3 } }],
      /"sizeOver" is not known/,
    ],
    ['an unknown action', [{ name: 'x', action: { type: 'Archive' } }], /action: expected/],
  ])('%s is refused', (_, document, message) => {
    expect(refused(document)).toMatch(message);
  });
});

const harborRule = (
  template: string,
  count: number | undefined,
  pattern = '**',
  decoration: 'matches' | 'excludes' = 'matches',
  untagged = true,
  repository = '**',
) => ({
  action: 'retain',
  template,
  params: count === undefined ? {} : { [template]: count },
  tag_selectors: [{ kind: 'doublestar', decoration, pattern, extras: JSON.stringify({ untagged }) }],
  scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: repository }] },
});
const harbor = (...rules: readonly unknown[]) => ({
  id: 3,
  algorithm: 'or',
  rules,
  trigger: { kind: 'Schedule' },
  scope: { level: 'project', ref: 2 },
});

describe('Harbor', () => {
  test('rules about every tag become conditions, and the others keep', () => {
    expect(
      body(
        harbor(
          harborRule('latestPushedK', 10),
          harborRule('nDaysSinceLastPull', 30),
          harborRule('always', undefined, 'v*', 'matches', false),
        ),
      ),
    ).toBe(`version: 1
defaults: { multi-tag: require-all }
protect: { tags: [] }
rules:
  - name: "tagged"
    select: { tags: ["*"], kind: any }
    remove: { older-than: 0d, not-pulled-for: 30d, keep-newest: 10 }
  - name: "untagged"
    select: { tagged: false, kind: any }
    remove: { older-than: 0d, not-pulled-for: 30d, keep-newest: 10, since: pushed }
  - name: "rule 3"
    select: { tags: ["v*"], kind: any }
    keep: { newest: 1000000 }`);
  });

  test('repositories that are named get entries of their own', () => {
    const { text, notes } = converted(
      harbor(harborRule('latestPushedK', 3, '**', 'matches', true, 'app'), harborRule('latestPushedK', 9)),
    );
    expect(text).toContain('- match: ["*/app"]');
    expect(text).toContain('keep-newest: 9');
    expect(text).toContain('- match: ["**","!*/app"]');
    expect(notes.join(' ')).toContain('the name of the project');
  });

  test.each<[string, unknown, RegExp]>([
    ['the most recently pulled', harbor(harborRule('latestPulledN', 3)), /cannot keep by "latestPulledN"/],
    [
      'repositories that overlap',
      harbor(
        harborRule('always', undefined, '**', 'matches', true, 'a*'),
        harborRule('latestPushedK', 1, '**', 'matches', true, '*b'),
      ),
      /may overlap/,
    ],
    ['what retains everything', harbor(harborRule('always', undefined)), /deletes nothing/],
    [
      'another kind of pattern',
      harbor({
        ...harborRule('latestPushedK', 1),
        tag_selectors: [{ kind: 'regex', decoration: 'matches', pattern: 'v', extras: '' }],
      }),
      /a pattern of `doublestar`/,
    ],
  ])('%s is refused', (_, document, message) => {
    expect(refused(document)).toMatch(message);
  });

  test('a disabled rule is named', () => {
    const { notes } = converted(
      harbor({ ...harborRule('always', undefined), disabled: true }, harborRule('latestPushedK', 1)),
    );
    expect(notes.join(' ')).toContain('Rule 1 is disabled');
  });
});

describe('GitLab', () => {
  const policy = {
    enabled: true,
    cadence: '1d',
    keep_n: 10,
    older_than: '14d',
    name_regex_delete: 'dev-.+|tmp',
    name_regex_keep: 'main|v.+',
  };
  test('of a project, and alone', () => {
    const text = body(policy);
    expect(text).toContain(
      String.raw`select: { tags: ["/(?:.*(?:\\Adev-.+|tmp\\z).*)/", "!latest", "!/(?:.*(?:\\Amain|v.+\\z).*)/"], kind: any }`,
    );
    expect(text).toContain('remove: { older-than: 14d, keep-newest: 10 }');
    expect(text).toContain('defaults: { basis: created }');
    expect(body({ id: 1, container_expiration_policy: { ...policy, next_run_at: '2026-01-01' } })).toBe(text);
    expect(body({ container_expiration_policy_attributes: policy })).toBe(text);
  });
  test.each<[string, unknown, RegExp]>([
    ['a disabled policy', { ...policy, enabled: false }, /disabled/],
    ['one that deletes nothing', { ...policy, name_regex_delete: '' }, /deletes nothing/],
    ['look-ahead', { ...policy, name_regex_keep: '(?!x).*' }, /not an RE2 regular expression/],
    ['an unknown age', { ...policy, older_than: 'a while' }, /older_than/],
  ])('%s is refused', (_, document, message) => {
    expect(refused(document)).toMatch(message);
  });
});

test('what is none of them is refused, with what can be converted', () => {
  expect(refused({ retention: 3 })).toMatch(/none of the formats/);
  expect(refused('{')).toMatch(/no JSON/);
  expect(refused('[]')).toMatch(/No rule deletes anything/);
  expect(refused('null')).toMatch(/none of the formats/);
});

const days = fc.constantFrom(1, 7, 30, 60);
const globs = fc.constantFrom('pr-*', 'main-*', 'sha-*', 'v*', '*', 'x1', 'nightly-2026-*', '*-rc*');
const ecrSelection = fc.oneof(
  fc.record({ tagStatus: fc.constant('tagged'), tagPatternList: fc.array(globs, { minLength: 1, maxLength: 2 }) }),
  fc.record({ tagStatus: fc.constantFrom('untagged', 'any') }),
);
const ecrCount = fc.oneof(
  fc.record({ countType: fc.constant('imageCountMoreThan'), countNumber: fc.constantFrom(1, 2, 3, 20_000) }),
  fc.record({ countType: fc.constant('sinceImagePushed'), countUnit: fc.constant('days'), countNumber: days }),
);
function ecrOrder<T>(list: readonly (readonly [{ readonly tagStatus: string }, T])[]) {
  const statusOf = ([{ tagStatus }]: (typeof list)[number]) => tagStatus;
  const taken = list.filter(
    (each) => statusOf(each) === 'tagged' || each === list.find((other) => statusOf(other) === statusOf(each)),
  );
  const isLast = (each: (typeof list)[number]) => Number(statusOf(each) === 'any');
  return taken.toSorted((a, b) => isLast(a) - isLast(b));
}

/** As ECR takes them: one rule for what has no tag, and one for everything, which is the last. */
const randomEcr = fc.array(fc.tuple(ecrSelection, ecrCount), { minLength: 1, maxLength: 5 }).map((list) => ({
  rules: ecrOrder(list).map(([selection, count], index) => ({
    rulePriority: index + 1,
    selection: { ...selection, ...count },
    action: { type: 'expire' },
  })),
}));

const randomGar = fc
  .array(
    fc.oneof(
      fc.record({
        action: fc.record({ type: fc.constantFrom('Delete', 'Delete', 'Keep') }),
        condition: fc.record(
          {
            tagState: fc.constantFrom('tagged', 'untagged', 'any'),
            tagPrefixes: fc.array(fc.constantFrom('pr-', 'main-1', 'v', 'x'), { minLength: 1, maxLength: 2 }),
            olderThan: fc.constantFrom('7d', '2592000s', '36h'),
            newerThan: fc.constantFrom('60d'),
          },
          { requiredKeys: [] },
        ),
      }),
      fc.record({
        action: fc.constant({ type: 'Keep' }),
        mostRecentVersions: fc.record({ keepCount: fc.constantFrom(1, 3) }),
      }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) => list.map((each, index) => ({ name: `p${index}`, ...each })));

const randomHarbor = fc
  .array(
    fc
      .record({
        template: fc.constantFrom('latestPushedK', 'nDaysSinceLastPush', 'nDaysSinceLastPull', 'always'),
        count: fc.constantFrom(0, 1, 3, 10),
        pattern: fc.constantFrom('**', '**', 'v*', 'main-*', '{pr-*,x*}', 'latest'),
        decoration: fc.constantFrom('matches' as const, 'excludes' as const),
        untagged: fc.boolean(),
      })
      .map(({ template, count, pattern, decoration, untagged }) =>
        harborRule(template, template === 'always' ? undefined : count, pattern, decoration, untagged),
      ),
    { minLength: 1, maxLength: 4 },
  )
  .map((rules) => harbor(...rules));

const randomGitlab = fc.record({
  enabled: fc.constant(true),
  keep_n: fc.constantFrom(1, 5, null),
  older_than: fc.constantFrom('7d', '30d', null),
  name_regex_delete: fc.constantFrom('.*', 'pr-.+', 'main-.*|x', '^v.+', '[a-z]+-1.*|sha-.*'),
  name_regex_keep: fc.constantFrom('', 'v.+', 'main-1.*|latest', '.*-rc.*'),
});

/** What the original removes, and what its conversion compiled for the same registry removes. */
interface Dialect {
  readonly document: fc.Arbitrary<unknown>;
  readonly original: (document: never, images: readonly NativeImage[]) => NativeOutcome;
  readonly again: (
    policy: CleanupPolicy,
    own: RepositoryPolicy,
    images: readonly NativeImage[],
  ) => NativeOutcome | undefined;
}

const through = <T>(document: T | undefined, evaluate: (document: T) => NativeOutcome) =>
  document === undefined ? undefined : evaluate(document);

const DIALECTS: Readonly<Record<string, Dialect>> = {
  ECR: {
    document: randomEcr,
    original: (document: { rules: EcrRule[] }, images) => evaluateEcr(document, images, NOW),
    again: (policy, own, images) => through(compileEcr(policy, own).document, (each) => evaluateEcr(each, images, NOW)),
  },
  'Artifact Registry': {
    document: randomGar,
    original: (document: GarPolicy[], images) => evaluateArtifactRegistry(document, images, NOW),
    again: (policy, own, images) =>
      through(compileArtifactRegistry(policy, own).document, (each) => evaluateArtifactRegistry(each, images, NOW)),
  },
  Harbor: {
    document: randomHarbor,
    original: (document: { algorithm: 'or'; rules: HarborRule[] }, images) => evaluateHarbor(document, images, NOW),
    again: (policy, own, images) =>
      through(compileHarbor(policy, own, '**').document, (each) => evaluateHarbor(each, images, NOW)),
  },
  GitLab: {
    document: randomGitlab,
    original: (document: GitlabExpiration, images) => evaluateGitlab(document, images, NOW),
    again: (policy, own, images) =>
      through(compileGitlab(policy, own).document, (each) => evaluateGitlab(each, images, NOW)),
  },
};

/**
 * As the registries see a repository: every push is dated, platforms have no tags of their own, which registries do not count, and
 * tags of signatures are on signatures only, not on lists of images.
 */
function seen(random: RepositoryInventory): RepositoryInventory {
  const listed = new Set(random.manifests.flatMap(({ children }) => children));
  const isAttached = (tag: string) => tag.startsWith('sha256-');
  const lists = new Set(random.manifests.flatMap(({ digest, children }) => (children.length === 0 ? [] : [digest])));
  const named = new Set(random.tags.flatMap(({ name, digest }) => (isAttached(name) ? [] : [digest])));
  return {
    ...random,
    traits: { ...random.traits, pulled: 'recorded', lastTaggedIsUndeletable: false },
    tags: random.tags.flatMap(({ name, digest }) =>
      listed.has(digest) || (isAttached(name) && (named.has(digest) || lists.has(digest))) ? [] : [{ name, digest }],
    ),
    manifests: random.manifests.map(({ lock: _, subject: __, presence, ...manifest }) => {
      const pushedAt = manifest.pushedAt ?? NOW - 90 * DAY;
      return {
        ...manifest,
        pushedAt,
        createdAt: pushedAt,
        presence: presence === 'missing' ? 'present' : presence,
        pulledAt: manifest.pulledAt ?? 'never',
        kind: manifest.kind === 'referrer' ? 'other' : manifest.kind,
      };
    }),
  };
}

test.each(Object.keys(DIALECTS))(
  '%s: a converted policy never deletes more than the original',
  { timeout: 120_000 },
  (name) => {
    const dialect = DIALECTS[name];
    if (dialect === undefined) throw new Error(name);
    const counts = { converted: 0, removed: 0, again: 0 };
    fc.assert(
      fc.property(randomCleanup(14), dialect.document, ({ inventory: random }, document) => {
        const result = importPolicy(JSON.stringify(document));
        if (!result.ok) return;
        counts.converted += 1;
        const parsed = parsePolicy(
          result.value.text.replace(/^protect:.*$/m, 'protect: { tags: [], locked: false, in-use: [] }'),
          'policy',
        );
        if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
        // As the evaluators have neither: no limits, and nothing is young.
        const policy: CleanupPolicy = {
          ...parsed.value,
          repositories: parsed.value.repositories.map((own) => ({
            ...own,
            minAge: 0,
            limits: { onExceed: 'batch', minTaggedLeft: 0, keepNewestImage: false },
          })),
        };
        const [own] = policy.repositories;
        if (own === undefined) throw new Error('no entry');
        const inventory = seen(random);
        const images = nativeImages(inventory);
        const original = dialect.original(document as never, images);
        const [plan] = planCleanup({
          policy,
          inventories: [inventory],
          inUse: { images: [], unreadable: [] },
          refs: {},
          now: NOW,
          sha256: digestOf,
        }).repositories;
        if (plan === undefined) throw new Error('no plan');
        const roots = new Set(images.flatMap(({ digest, isChild }) => (isChild === true ? [] : [digest])));
        const tags = plan.tags.filter(({ action }) => action !== 'keep').map(({ tag }) => tag);
        const digests = plan.manifests
          .filter(
            ({ action, digest, role, tags: own }) =>
              action === 'delete' && role === 'root' && roots.has(digest) && own.length === 0,
          )
          .map(({ digest }) => digest as string);
        counts.removed += tags.length + digests.length;
        expect(tags.filter((tag) => !original.tags.has(tag) && !tag.startsWith('sha256-'))).toEqual([]);
        expect(digests.filter((digest) => !original.digests.has(digest))).toEqual([]);
        const again = dialect.again(policy, own, images);
        if (again === undefined) return;
        counts.again += again.tags.size + again.digests.size;
        expect([...again.tags].filter((tag) => !original.tags.has(tag))).toEqual([]);
        expect([...again.digests].filter((digest) => !original.digests.has(digest))).toEqual([]);
      }),
      { numRuns: 600, seed: propertySeed() },
    );
    // Conversions that remove nothing would pass as well.
    expect(counts.converted, name).toBeGreaterThan(50);
    expect(counts.removed, name).toBeGreaterThan(20);
    expect(counts.again, name).toBeGreaterThan(0);
  },
);
