import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import type { CleanupPlan } from '../../../../src/domain/retention/plan.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { digestOf, NOW, readScenario, type Scenario } from './scenario.ts';

const ROOT = join(import.meta.dirname, '../../../scenarios/cleanup');

/** What a plan does, in the names of the scenario. What it does not name stays. */
function shown(plan: CleanupPlan, { nameOf }: Scenario) {
  const steps = plan.repositories.flatMap(({ steps: list }) => list);
  const problems = [...plan.problems, ...plan.repositories.flatMap((repository) => repository.problems)];
  return {
    delete: steps.flatMap((step) => (step.action === 'delete' ? nameOf(step.digest) : [])),
    untag: steps.flatMap((step) => (step.action === 'untag' ? `${nameOf(step.digest)}:${step.tag}` : [])),
    problems: problems.map(({ severity, code }) => `${severity} ${code}`).sort(),
  };
}

const scenarios = readdirSync(ROOT).filter((name) => !name.includes('.'));

test('there are scenarios', () => expect(scenarios.length).toBeGreaterThan(40));

describe.each(scenarios)('%s', (name) => {
  const read = (file: string) => readFileSync(join(ROOT, name, file), 'utf8');
  const expected = fieldsOf(parse(read('expected.yaml')));
  const policy = parsePolicy(read('policy.yaml'), 'policy.yaml');

  if (expected.error !== undefined) {
    test('the policy is refused', () => {
      expect(policy.ok ? [] : policy.problems.join('\n')).toContain(String(expected.error));
    });
    return;
  }

  test('the plan is the expected one', () => {
    if (!policy.ok) throw new Error(policy.problems.join('\n'));
    const scenario = readScenario(read('inventory.yaml'));
    const { inventories, inUse, refs } = scenario;
    const plan = planCleanup({ policy: policy.value, inventories, inUse, refs, now: NOW, sha256: digestOf });
    const actual = shown(plan, scenario);
    const { delete: deleted = [], untag = [], problems = [], reasons, ...facts } = expected;
    // A list of deletions is an order only where the scenario says so.
    const order = facts.ordered === true ? actual.delete : actual.delete.toSorted();
    expect({ ...actual, delete: order }).toEqual({
      delete: Array.isArray(deleted) && facts.ordered !== true ? deleted.map(String).toSorted() : deleted,
      untag,
      problems,
    });
    for (const [key, code] of Object.entries(fieldsOf(reasons))) {
      const found = plan.repositories.flatMap(({ tags, manifests }) => [
        ...tags.filter(({ tag }) => tag === key).map(({ reason }) => reason.code),
        ...manifests.filter(({ digest }) => scenario.nameOf(digest) === key).map(({ reason }) => reason.code),
      ]);
      expect(found, key).toContain(code);
    }
    for (const [key, value] of Object.entries(fieldsOf(facts.totals))) {
      expect(fieldsOf(plan.repositories[0]?.totals)[key], key).toBe(value);
    }
  });
});
