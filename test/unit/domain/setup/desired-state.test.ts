import { describe, expect, test } from 'vitest';
import { parseDesiredState } from '../../../../src/domain/setup/read-desired-state.ts';
import { resolveRegistry, type VendorTraits } from '../../../../src/domain/setup/resolve.ts';

const ECR: VendorTraits = {
  block: 'aws',
  unitOf: (name) => name,
  principals: ['aws-role', 'aws-account', 'aws-organization', 'aws-function'],
};
const PROJECTS: VendorTraits = {
  block: 'harbor',
  unitOf: (name) => name.split('/', 1)[0] ?? name,
  principals: ['harbor-robot'],
};

const read = (text: string) => parseDesiredState(text, 'setup.yml');
const FILE = `version: 1
who:
  prod: [arn:aws:iam::111122223333:role/app, harbor:robot/prod]
  aws: ["444455556666"]
registries:
  ecr: {at: 111122223333.dkr.ecr.eu-west-1.amazonaws.com}
  harbor: {at: harbor.acme.example}
defaults:
  immutable: {except: [latest]}
  pull: [prod]
repositories:
  - match: acme/*
    labels: {owner: platform, tier: none}
  - name: acme/api
    labels: {owner: api}
    immutable: true
`;

function resolve(text: string, key: string, traits: VendorTraits, live: readonly string[] = []) {
  const state = read(text);
  if (!state.ok) throw new Error(state.problems.join('\n'));
  const entry = state.value.registries.find((each) => each.key === key);
  if (entry === undefined) throw new Error(key);
  return resolveRegistry(state.value, entry, traits, live, new Map());
}

describe('what is wrong in a file is told with line and column', () => {
  test.each([
    ['version: 2\nregistries: {a: {at: x.example}}\n', 'setup.yml:1:10: expected the number 1, found "2"'],
    ['version: 1\nregistries: {}\n', 'setup.yml:1:1: `registries` is empty: name at least one registry'],
    [
      'version: 1\nregistries: {a: {at: x.example}, b: {at: x.example}}\n',
      'setup.yml:2:34: "b" and "a" have the same address: one registry has one entry',
    ],
    [
      'version: 1\nregistries: {a: {at: https://x.example}}\n',
      'setup.yml:2:22: "https://x.example": write the registry without `https://`',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\nrepositories:\n  - name: arn:aws:ecr:eu-west-1:111122223333:repository/acme/api\n',
      'setup.yml:4:11: "arn:aws:ecr:eu-west-1:111122223333:repository/acme/api": write `acme/api`, not the ARN',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\nrepositories:\n  - name: x.example/acme/api\n',
      'setup.yml:4:11: "x.example/acme/api": write `acme/api` without the host, which `registries` names',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\nrepositories:\n  - immutable: true\n',
      'setup.yml:4:5: expected `name`, which creates a repository, or `match`, which only selects those that exist: one of them',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\nrepositories:\n  - {name: a, on: [b]}\n',
      'setup.yml:4:5: `on` names "b", and `registries` has only `a`. Did you mean `a`?',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\nrepositories:\n  - {name: a}\n  - {name: a}\n',
      'setup.yml:5:5: "a" is named twice for `a`, first in line 4',
    ],
    [
      'version: 1\nwho: {ci: [111122223333]}\nregistries: {a: {at: x.example}}\n',
      'setup.yml:2:12: expected a name of `who`, or a principal, found the number 111122223333: put it in quotes',
    ],
    [
      'version: 1\nwho: {ci: ["arn:aws:sts::111122223333:assumed-role/app/i-0abc"]}\nregistries: {a: {at: x.example}}\n',
      'setup.yml:2:12: "arn:aws:sts::111122223333:assumed-role/app/i-0abc": a session changes with every instance: write the role, `arn:aws:iam::111122223333:role/app`',
    ],
    [
      'version: 1\nwho: {ci: ["arn:aws:iam::111122223333:*"]}\nregistries: {a: {at: x.example}}\n',
      'setup.yml:2:12: "arn:aws:iam::111122223333:*": AWS takes no `*` in a principal: write the account, "111122223333", or one role for each line',
    ],
    [
      'version: 1\nwho: {prod: [o-a1b2c3d4e5]}\nregistries: {a: {at: x.example}}\ndefaults: {pull: [prood]}\n',
      'setup.yml:4:19: "prood" is no name of `who` and no principal. Did you mean `prod`?',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\ndefaults: {immutable: {except: [a], only: [b]}}\n',
      'setup.yml:3:23: `immutable` takes `except` or `only`, one of them',
    ],
    [
      'version: 1\nregistries: {a: {at: x.example}}\ndefaults: {imutable: true}\n',
      /^setup\.yml:3:12: unknown key "imutable", expected .*Did you mean `immutable`\?$/,
    ],
    [
      'version: 1\nregistries: {a: {at: x.example, webhooks: [{name: a, url: "https://x", secret: hunter2}]}}\n',
      'setup.yml:2:80: "hunter2": a secret is not written here: `env:NAME` names a variable of the environment',
    ],
  ])('%#', (text, problem) => {
    const state = read(text);
    expect(state.ok ? [] : state.problems).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });
});

describe('later and more exact wins', () => {
  test('defaults, then match, then name; maps merge and `none` removes', () => {
    const { desired, mistakes } = resolve(FILE, 'ecr', ECR, ['acme/old', 'other']);
    expect(mistakes).toEqual([]);
    const [api, old] = desired.repositories;
    expect(api).toMatchObject({
      name: 'acme/api',
      creates: true,
      settings: { immutable: { value: { mode: 'all' }, line: 16 } },
    });
    expect(Object.fromEntries(api?.settings.labels ?? [])).toEqual({
      owner: { value: 'api', line: 15 },
      tier: { value: null, line: 13 },
    });
    expect(old).toMatchObject({ name: 'acme/old', creates: false });
    expect(old?.settings.immutable).toEqual({ value: { mode: 'except', tags: ['latest'] }, line: 9 });
    expect(desired.unlisted).toEqual(['other']);
  });

  test('a registry takes the principals that it knows', () => {
    const ids = (key: string, traits: VendorTraits) =>
      resolve(FILE, key, traits).desired.repositories[0]?.settings.pull?.value?.map(({ id }) => id);
    expect(ids('ecr', ECR)).toEqual(['arn:aws:iam::111122223333:role/app']);
    expect(ids('harbor', PROJECTS)).toEqual(['prod']);
  });

  test('a group with nobody for a registry is a mistake, once', () => {
    const { mistakes } = resolve(FILE.replace('pull: [prod]', 'pull: [prod, aws]'), 'harbor', PROJECTS, ['acme']);
    expect(mistakes).toEqual([
      { severity: 'error', line: 10, message: '"aws" has no principal for `harbor`: expected `harbor:robot/<name>`' },
    ]);
  });

  test('two names in one project must agree', () => {
    const { mistakes } = resolve(`${FILE}  - name: acme/web\n`, 'harbor', PROJECTS);
    expect(mistakes).toEqual([
      {
        severity: 'error',
        line: 17,
        message:
          '"acme/api" (line 14) and "acme/web" are both in "acme", which has one setting for all, and they differ in `immutable`, `labels`',
      },
    ]);
  });

  test("fields of another vendor's API are a mistake", () => {
    const file = FILE.replace('.amazonaws.com}', '.amazonaws.com, azure: {sku: Premium}}');
    expect(resolve(file, 'ecr', ECR).mistakes).toEqual([
      {
        severity: 'error',
        line: 6,
        message: '`azure` has no meaning for "111122223333.dkr.ecr.eu-west-1.amazonaws.com"',
      },
    ]);
  });
});
