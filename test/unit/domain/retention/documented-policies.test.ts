import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import { parsePolicy, policySchema } from '../../../../src/domain/retention/read-policy.ts';
import { yamlExamples } from '../../../support/workflows.ts';

const text = await readFile(new URL('../../../../docs/cleanup.md', import.meta.url), 'utf8');
const policies = yamlExamples(text).filter((each) => {
  const { rules, repositories } = fieldsOf(parse(each));
  return rules !== undefined || repositories !== undefined;
});

test('the page has five policies to copy, a complete one, one for each registry and one for rules in the registry', () => {
  expect(policies).toHaveLength(5 + 1 + 8 + 1);
});

test.each(policies)('a policy of the page is one, for the action and for editors: %s', (policy) => {
  expect(parsePolicy(policy, 'policy')).toMatchObject({ ok: true });
  const validate = new Ajv2020({ strict: false }).compile(policySchema());
  expect(validate(parse(policy)), JSON.stringify(validate.errors)).toBe(true);
});

test('the complete policy shows the default of each setting', () => {
  const complete = parsePolicy(policies[5] ?? '', 'policy');
  const bare = parsePolicy('rules: [{ select: { tagged: false }, remove: { older-than: 1d } }]', 'policy');
  if (!complete.ok || !bare.ok) throw new Error('a policy is invalid');
  const settings = ({
    match: _m,
    rules: _r,
    protect: _p,
    limits,
    ...rest
  }: (typeof bare.value.repositories)[number]) => ({
    ...rest,
    limits: { ...limits, untagged: limits.untagged ?? { percent: 100 } },
  });
  const [own] = complete.value.repositories;
  const [defaults] = bare.value.repositories;
  if (own === undefined || defaults === undefined) throw new Error('a policy has no entry');
  expect(settings(own)).toEqual(settings(defaults));
  expect(complete.value.inUse).toEqual(bare.value.inUse);
  expect(complete.value.protect.locked).toBe(bare.value.protect.locked);
});
