import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readPolicyFile } from '../../../../src/domain/promotion/policy.ts';
import { requirementText } from '../../../../src/domain/promotion/requirements.ts';

const read = (value: unknown, stage = 'production', tags: readonly string[] = []) => {
  const policy = readPolicyFile(value, { stage, tags }, 'promotion.yaml');
  return policy.ok ? policy.value.map(requirementText) : policy.problems;
};

describe('a policy file', () => {
  const policy = { require: ['sbom'], stages: { Production: [{ deployed: 'staging' }], staging: ['scan=now'] } };

  test('holds for every stage, and more for one, whatever the case of its name', () => {
    expect(read(policy)).toEqual(['sbom', 'deployed=staging']);
    expect(read(policy, 'STAGING')).toEqual(['sbom', 'scan=now']);
    expect(read(policy, 'dev')).toEqual(['sbom']);
  });

  test('holds for a stage whose tag is written, whatever the environment is called', () => {
    const stages = { 'Prod/EU': ['sbom'], staging: ['not-older'] };
    expect(read({ stages }, 'qa', ['prod-eu'])).toEqual(['sbom']);
    expect(read({ stages }, 'qa', ['Staging', 'prod-eu'])).toEqual(['sbom', 'not-older']);
    expect(read({ stages }, 'qa', ['prod'])).toEqual([]);
  });

  test('may have either part alone, or neither', () => {
    expect(read({ require: ['sbom'] })).toEqual(['sbom']);
    expect(read({ stages: { production: ['sbom'] } })).toEqual(['sbom']);
    expect(read({})).toEqual([]);
  });

  test('is checked as a whole: a mistake is told before the day on which it counts', () => {
    expect(read({ stages: { dev: ['sbon'] } })).toEqual([
      expect.stringMatching(/^promotion.yaml, stages.dev, entry 1: .*Did you mean `sbom`/),
    ]);
    expect(read({ requires: [] })).toEqual([expect.stringContaining('Did you mean `require`?')]);
    expect(read({ stages: ['production'] })).toEqual([expect.stringContaining('expected a map of stages')]);
    expect(read({ stages: { production: { sbom: true } } })).toEqual([expect.stringContaining('expected a list')]);
  });

  test.each([null, 'sbom', [], 7])('%j is none', (value) => {
    expect(read(value)).toEqual(['promotion.yaml: expected a map with `require` and `stages`.']);
  });

  test('as the documentation shows it', () => {
    const [, yaml = ''] =
      /```yaml\n(# \.github\/promotion\.yaml\n[\s\S]*?)```/.exec(readFileSync('docs/promotion.md', 'utf8')) ?? [];
    expect(read(parse(yaml))).toEqual([
      'sbom',
      'provenance,builder=https://github.com/org/app/*,repository=org/app',
      'platforms=linux/amd64,linux/arm64',
      'deployed=staging',
      'branch=main',
      'not-older',
      'scan,max-age=7d',
    ]);
  });
});
