import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readPolicyFile } from '../../../../src/domain/promotion/policy.ts';
import { partText } from '../../../../src/domain/promotion/policy-part.ts';
import { requirementText } from '../../../../src/domain/promotion/requirement.ts';
import { parseImageName } from '../../../../src/domain/reference.ts';

const read = (
  value: unknown,
  environment = 'production',
  tags: readonly string[] = [],
  names: readonly string[] = [],
) => {
  const repositories = names.flatMap((name) => {
    const image = parseImageName(name);
    return image.ok ? [image.value] : [];
  });
  const policy = readPolicyFile(value, { environment, tags, repositories }, (path) =>
    ['promotion.yaml', ...(path.length > 0 ? [partText(path)] : [])].join(', '),
  );
  return policy.ok ? policy.value.map(requirementText) : policy.problems;
};

describe('a policy file', () => {
  const policy = { require: ['sbom'], environments: { Production: [{ deployed: 'staging' }], staging: ['scan=now'] } };

  test('holds for every environment, and more for one, whatever the case of its name', () => {
    expect(read(policy)).toEqual(['sbom', 'deployed=staging']);
    expect(read(policy, 'STAGING')).toEqual(['sbom', 'scan=now']);
    expect(read(policy, 'dev')).toEqual(['sbom']);
  });

  test('holds for an environment whose tag is written, whatever the environment is called', () => {
    const environments = { 'Prod/EU': ['sbom'], staging: ['not-older'] };
    expect(read({ environments }, 'qa', ['prod-eu'])).toEqual(['sbom']);
    expect(read({ environments }, 'qa', ['Staging', 'prod-eu'])).toEqual(['sbom', 'not-older']);
    expect(read({ environments }, 'qa', ['prod'])).toEqual([]);
  });

  test('may have either part alone, or neither', () => {
    expect(read({ require: ['sbom'] })).toEqual(['sbom']);
    expect(read({ environments: { production: ['sbom'] } })).toEqual(['sbom']);
    expect(read({})).toEqual([]);
  });

  const byRepository = (pattern: string, name: string) =>
    read({ repositories: { [pattern]: ['sbom'] } }, 'anything', ['latest'], [name]);
  test.each([
    ['ghcr.io/org/prod/app', 'ghcr.io/org/prod/app'],
    ['ghcr.io/org/prod/*', 'ghcr.io/org/prod/app'],
    ['GHCR.io/Org/prod/*', 'ghcr.io/org/prod/app'],
    ['prod/app', 'registry.example.com:5000/prod/app'],
    ['**/prod/**', 'ghcr.io/org/prod/team/app'],
    ['*/app', 'registry.example.com/prod/app'],
    ['*', 'ghcr.io/app'],
    ['**', 'ghcr.io/org/app'],
    ['docker.io/library/app', 'app'],
  ])('has a list for the repository %s, whatever the environment is called: %s', (pattern, name) => {
    expect(byRepository(pattern, name)).toEqual(['sbom']);
  });
  test.each([
    ['ghcr.io/org/prod/*', 'ghcr.io:443/org/prod/app'],
    ['ghcr.io/org/prod/*', 'ghcr.io:0443/org/prod/app'],
    ['ghcr.io:443/org/prod/*', 'ghcr.io/org/prod/app'],
    ['ghcr.io/org/prod/*', 'GHCR.io/Org/PROD/app'],
    ['docker.io/org/prod', 'index.docker.io/org/prod'],
  ])('%s is %s too, which is the same repository', (pattern, name) => {
    expect(byRepository(pattern, name)).toEqual(['sbom']);
  });
  test.each([
    ['ghcr.io/org/prod/*', 'ghcr.io:8443/org/prod/app'],
    ['ghcr.io/org/prod/*', 'ghcr.io/org/prod/team/app'],
    ['ghcr.io/org/prod', 'ghcr.io/org/prod/app'],
    ['ghcr.io/org/prod/app', 'ghcrxio.example/org/prod/app'],
    ['prod/app', 'ghcr.io/org/nonprod/app'],
  ])('%s is not %s', (pattern, name) => {
    expect(byRepository(pattern, name)).toEqual([]);
  });
  test('names the environment whose list a repository has', () => {
    const environments = { production: ['sbom', 'not-older'] };
    const of = (repositories: object) => read({ environments, repositories }, 'foo', ['latest'], ['ghcr.io/prod/app']);
    expect(of({ 'prod/*': 'Production' })).toEqual(['sbom', 'not-older']);
    expect(of({ 'prod/*': 'prodution' })).toEqual([expect.stringContaining('Did you mean `production`?')]);
    expect(of({ 'other/*': 'prodution' })).toHaveLength(1);
  });
  test('refuses a pattern that could match for long, or is none', () => {
    for (const pattern of ['*a*a*a*a*a*a*a*a*a', 'https://x/y', 'a b', '(a+)+', '']) {
      expect(byRepository(pattern, 'ghcr.io/org/app')).toEqual([expect.stringContaining('expected a repository')]);
    }
  });

  test('is checked as a whole: a mistake is told before the day on which it counts', () => {
    expect(read({ environments: { dev: ['sbon'] } })).toEqual([
      expect.stringMatching(/^promotion.yaml, environments.dev, entry 1: .*Did you mean `sbom`/),
    ]);
    expect(read({ requires: [] })).toEqual([expect.stringContaining('Did you mean `require`?')]);
    expect(read({ environments: ['production'] })).toEqual([expect.stringContaining('expected a map of environments')]);
    expect(read({ environments: { production: { sbom: true } } })).toEqual([
      expect.stringContaining('expected a list'),
    ]);
  });

  test.each([null, 'sbom', [], 7])('%j is none', (value) => {
    expect(read(value)).toEqual(['promotion.yaml: expected a map with `require` and `environments`.']);
  });

  test('as the documentation shows it', () => {
    const [, yaml = ''] =
      /```yaml\n(# \.github\/promotion\.yaml\n[\s\S]*?)```/.exec(readFileSync('docs/promote.md', 'utf8')) ?? [];
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
