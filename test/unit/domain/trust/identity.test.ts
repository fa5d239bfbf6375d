import { beforeAll, describe, expect, test } from 'vitest';
import type { CertificateClaims } from '../../../../src/domain/trust/claims.ts';
import {
  identityProblems,
  loadIdentityPatterns,
  matchesRule,
  readTextRule,
  type WantedIdentity,
} from '../../../../src/domain/trust/identity.ts';
import { GITHUB_ISSUER } from '../../../../src/domain/trust/predicates.ts';

beforeAll(() => loadIdentityPatterns(['^']));

const SAN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
const COMMIT = 'a'.repeat(40);

const CLAIMS: CertificateClaims = {
  identity: SAN,
  issuer: GITHUB_ISSUER,
  signer: SAN,
  repository: 'https://github.com/acme/app',
  repositoryId: '22',
  commit: COMMIT,
  ref: 'refs/heads/main',
  workflow: SAN,
  trigger: 'push',
  runner: 'github-hosted',
};

const WANTED: WantedIdentity = { issuer: GITHUB_ISSUER, identity: { kind: 'exact', text: SAN } };

describe('an identity is compared in full', () => {
  test.each([
    ['a prefix', 'https://github.com/acme/app'],
    ['another ref', SAN.replace('main', 'main2')],
    ['another case', SAN.toUpperCase()],
    ['with a slash behind it', `${SAN}/`],
    ['another repository whose name has ours in it', SAN.replace('acme/app', 'acme/app-evil')],
  ])('%s is not it', (_what, identity) => {
    expect(identityProblems({ ...CLAIMS, identity }, WANTED)).toEqual([
      `its identity is ${JSON.stringify(identity)}, expected ${SAN}`,
    ]);
  });

  test('the same one is', () => {
    expect(identityProblems(CLAIMS, WANTED)).toEqual([]);
  });

  test('a pattern matches from the first to the last character, whatever is in it', () => {
    const rule = readTextRule('^https://github\\.com/acme/app/.+@refs/tags/v1|https://github\\.com/acme/b$');
    if (!rule.ok) throw new Error(rule.problems.join());
    expect(matchesRule(rule.value, 'https://github.com/acme/app/x.yml@refs/tags/v1')).toBe(true);
    expect(matchesRule(rule.value, 'https://github.com/acme/app/x.yml@refs/tags/v1-evil')).toBe(false);
    expect(matchesRule(rule.value, 'https://evil.example/?https://github.com/acme/b')).toBe(false);
  });
});

test.each([
  ['https://github.com/acme/.*', 'is a pattern without anchors'],
  ['https://github.com/acme/*', 'is a pattern without anchors'],
  ['^https://github.com/acme/', 'is anchored on one side only'],
  ['https://github\\.com/acme/app$', 'is anchored on one side only'],
  ['^https://github.com/acme/app\\$', 'is anchored on one side only'],
  ['^.*$', 'accepts everybody'],
  ['^(?:.+)$', 'accepts everybody'],
  ['^[\\s\\S]*$', 'accepts everybody'],
  ['^a)|(.*$', 'is no regular expression'],
])('the identity %s is refused: it %s', (text, problem) => {
  const rule = readTextRule(text);
  expect(rule.ok ? '' : rule.problems.join()).toContain(problem);
});

test.each([SAN, 'release+images@acme.example', 'https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main'])(
  '%s is an identity in full',
  (text) => {
    expect(readTextRule(text)).toEqual({ ok: true, value: { kind: 'exact', text } });
  },
);

describe('every wanted claim is compared by itself', () => {
  test.each<[string, Partial<WantedIdentity>, Partial<CertificateClaims>, string]>([
    ['another issuer', {}, { issuer: `${GITHUB_ISSUER}/acme` }, 'issuer is'],
    [
      'a repository that calls our reusable workflow has our identity, and its own repository',
      { repository: 'https://github.com/acme/app' },
      { repository: 'https://github.com/evil/fork' },
      'repository is "https://github.com/evil/fork"',
    ],
    ['a repository that took over the name', { repositoryId: '22' }, { repositoryId: '23' }, 'repository id is "23"'],
    ['another commit', { commit: COMMIT }, { commit: 'b'.repeat(40) }, 'commit is'],
    [
      'pull_request_target, which has the ref of the default branch',
      { triggers: ['push', 'workflow_dispatch'] },
      { trigger: 'pull_request_target' },
      'trigger is "pull_request_target", expected push or workflow_dispatch',
    ],
    ['a self-hosted runner', { runner: 'github-hosted' }, { runner: 'self-hosted' }, 'runner is "self-hosted"'],
    [
      'another environment',
      { environment: { name: 'production' } },
      { environment: 'staging' },
      'environment is "staging"',
    ],
    ['an environment where none is wanted', { environment: 'none' }, { environment: 'production' }, 'expected none'],
    [
      'another ref',
      { ref: { kind: 'exact', text: 'refs/heads/main' } },
      { ref: 'refs/pull/7/merge' },
      'ref is "refs/pull/7/merge"',
    ],
    [
      'another workflow that calls ours',
      { workflow: { kind: 'exact', text: SAN } },
      { workflow: SAN.replace('release', 'nightly') },
      'workflow is',
    ],
  ])('%s is refused', (_what, wanted, found, problem) => {
    const [first = '', ...more] = identityProblems({ ...CLAIMS, ...found }, { ...WANTED, ...wanted });
    expect(first).toContain(problem);
    expect(more).toEqual([]);
    expect(identityProblems({ ...CLAIMS, ...found }, WANTED)).toHaveLength(_what === 'another issuer' ? 1 : 0);
  });

  test('a claim that the certificate does not have is not equal to anything', () => {
    expect(identityProblems(CLAIMS, { ...WANTED, environment: { name: 'production' } })).toEqual([
      'its environment is absent, expected production',
    ]);
    const { trigger: _, ...withoutTrigger } = CLAIMS;
    expect(identityProblems(withoutTrigger, { ...WANTED, triggers: ['push'] })).toHaveLength(1);
  });

  test('no environment is wanted, and none is there', () => {
    expect(identityProblems(CLAIMS, { ...WANTED, environment: 'none' })).toEqual([]);
  });
});
