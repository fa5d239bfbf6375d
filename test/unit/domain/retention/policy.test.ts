import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import { parsePlan, planDigest, planParts } from '../../../../src/domain/retention/plan-document.ts';
import { parsePolicy, policySchema } from '../../../../src/domain/retention/read-policy.ts';
import { digestOf, hashParts, NOW, readScenario } from './scenario.ts';

const RULE = 'rules: [{select: {tags: [a]}, remove: {older-than: 7d}}]';

test.each([
  ['rulez: []', 'p.yaml:1:1: unknown key "rulez", expected', 'Did you mean `rules`?'],
  [
    'rules:\n  - select: {tags: [a]}\n    remove: {older-then: 7d}',
    'p.yaml:3:14: unknown key "older-then"',
    'Did you mean `older-than`?',
  ],
  ['rules: [{select: {tags: [a]}, remove: {older-than: 1 month}}]', 'p.yaml:1:', 'write days, as in `30d`'],
  ['rules: [{select: {tags: ["/(?!x)a/"]}, remove: {older-than: 7d}}]', 'p.yaml:1:', 'RE2 has no look-around'],
  [String.raw`rules: [{select: {tags: ['/^v\d+/']}, remove: {older-than: 7d}}]`, 'matches the whole tag', 'at its end'],
  ['rules: [{select: {tags: ["v\\\\d+"]}, remove: {older-than: 7d}}]', 'has no meaning in a glob', 'between slashes'],
  ['rules: [{select: {tags: [1.10]}, remove: {older-than: 7d}}]', 'found the number 1.1', 'put it in quotes'],
  ['rules: [{select: {tags: [a]}}]', 'this rule does nothing', ''],
  ['rules: [{select: {tags: [a], tagged: false}, remove: {older-than: 7d}}]', 'write two rules', ''],
  ['rules: [{select: {tags: [a]}, remove: {}}]', '`older-than: 0d` removes whatever its age', ''],
  ['a: &x 1\nb: *x', 'aliases', ''],
  ['', 'the policy is empty', ''],
  [`${RULE}\nversion: 2`, 'p.yaml:2:10: expected the number 1', ''],
])('%j is refused with the place and the fix', (text, place, fix) => {
  const policy = parsePolicy(text, 'p.yaml');
  expect(policy.ok ? '' : policy.problems.join('\n')).toContain(place);
  expect(policy.ok ? '' : policy.problems.join('\n')).toContain(fix);
});

test('the schema for editors accepts every policy that is read', () => {
  const validate = new Ajv2020({ strict: false }).compile(policySchema());
  const root = join(import.meta.dirname, '../../../scenarios/cleanup');
  for (const name of readdirSync(root)) {
    const text = readFileSync(join(root, name, 'policy.yaml'), 'utf8');
    if (parsePolicy(text, name).ok)
      expect(validate(parse(text)), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
  }
  expect(validate({ rulez: [] })).toBe(false);
});

test('a plan that was changed, cut off or made with another policy is refused', () => {
  const policy = parsePolicy(RULE, 'p');
  if (!policy.ok) throw new Error('policy');
  const { inventories, inUse, refs } = readScenario(
    'repositories: {ghcr.io/a/b: {manifests: {X: {tags: [a], age: 20d}, Y: {tags: [b], age: 1d}}}}',
  );
  const plan = planCleanup({ policy: policy.value, inventories, inUse, refs, now: NOW, sha256: digestOf });
  const text = [...planParts(plan, planDigest(plan, hashParts))].join('');
  expect(parsePlan(text, hashParts, plan).ok).toBe(true);
  for (const [changed, expected, why] of [
    [text.replace('"tag":"b"', '"tag":"c"'), plan, 'changed after it was made'],
    [text.slice(0, 100), plan, 'not JSON'],
    [text, { policyDigest: digestOf('other') }, 'another policy'],
    ['{}', plan, 'no plan'],
  ] as const) {
    const read = parsePlan(changed, hashParts, expected);
    expect(read.ok ? '' : read.problems.join()).toContain(why);
  }
});

/** Counts how often the manifests and tags of an inventory are looked at: work, which does not depend on the load of a machine. */
function counted<T extends object>(list: readonly T[], count: () => void): readonly T[] {
  const watch = (each: T) =>
    new Proxy(each, {
      get: (target, key, receiver) => {
        count();
        return Reflect.get(target, key, receiver);
      },
    });
  return list.map(watch);
}

function lookups(images: number): number {
  const policy = parsePolicy(
    'defaults: {limits: off}\nrules: [{select: {tags: ["dev-*"]}, remove: {older-than: 14d, keep-newest: 10}}, {select: {tags: ["v*"]}, remove: {keep-newest: {count: 100, by: semver}}}]',
    'p',
  );
  if (!policy.ok) throw new Error('policy');
  const { inventories, inUse, refs } = readScenario(
    `repositories: {ghcr.io/a/b: {manifests: {n1..${images}: {tags: ["dev-#", "v1.#.0"], age: "400..1", children: ["c#"]}}}}`,
  );
  let looks = 0;
  const count = () => {
    looks += 1;
  };
  const watched = inventories.map((each) => ({
    ...each,
    tags: counted(each.tags, count),
    manifests: counted(each.manifests, count),
  }));
  const plan = planCleanup({ policy: policy.value, inventories: watched, inUse, refs, now: NOW, sha256: digestOf });
  expect(plan.repositories[0]?.totals.tags).toBe(2 * images);
  expect(plan.repositories[0]?.totals.deletedManifests).toBeGreaterThan(1.8 * images - 200);
  return looks;
}

// Ten times the images take ten times the work, and a little more for what is sorted.
test('100,000 tags are planned in one pass', { timeout: 600_000 }, () => {
  const [small, large] = [lookups(500), lookups(5000)];
  expect(small).toBeGreaterThan(500);
  expect(large / small).toBeLessThan(15);
  expect(lookups(50_000) / large).toBeLessThan(15);
});
