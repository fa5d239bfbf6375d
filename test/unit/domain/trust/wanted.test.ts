import { beforeAll, describe, expect, test } from 'vitest';
import { loadIdentityPatterns } from '../../../../src/domain/trust/identity.ts';
import { PREDICATES } from '../../../../src/domain/trust/predicates.ts';
import { readNamedImages, readPredicateTypes } from '../../../../src/domain/trust/verification-subject.ts';
import { readIdentities, readWantedClaims } from '../../../../src/domain/trust/wanted.ts';

beforeAll(() => loadIdentityPatterns(['^']));

const COMMIT = 'a'.repeat(40);
const DIGEST = `sha256:${'b'.repeat(64)}`;

test('claims are read from lines', () => {
  expect(
    readWantedClaims([
      '# who',
      'repository=https://github.com/acme/app',
      'repository-id=22',
      `commit=${COMMIT}`,
      'ref = ^refs/tags/v.*$',
      'trigger=push, workflow_dispatch',
      'runner=github-hosted',
      'environment=production',
    ]),
  ).toMatchObject({
    ok: true,
    value: {
      repository: 'https://github.com/acme/app',
      repositoryId: '22',
      commit: COMMIT,
      ref: { kind: 'pattern', source: '^refs/tags/v.*$' },
      triggers: ['push', 'workflow_dispatch'],
      runner: 'github-hosted',
      environment: { name: 'production' },
    },
  });
  expect(readWantedClaims(['environment=none'])).toEqual({ ok: true, value: { environment: 'none' } });
});

test.each([
  ['an expression that came to nothing', 'commit=', 'commit'],
  ['a short commit', 'commit=abc1234', 'commit'],
  ['a repository without its server', 'repository=acme/app', 'https://github.com/org/app'],
  ['an empty environment', 'environment=', 'environment=none'],
  ['a pattern without anchors', 'ref=refs/tags/v*', 'without anchors'],
  ['an empty ref', 'ref=', '`ref` is empty'],
  ['an unknown claim', 'enviroment=production', 'Did you mean `environment`?'],
  ['no value', 'trigger', 'trigger'],
])('%s is refused: %s', (_what, line, problem) => {
  const read = readWantedClaims([line]);
  expect(read.ok ? '' : read.problems.join()).toContain(problem);
});

test('a claim that is set twice is refused', () => {
  expect(readWantedClaims(['runner=github-hosted', 'runner=self-hosted']).ok).toBe(false);
});

test('all problems with identities are reported at once', () => {
  const read = readIdentities(['https://a/.*', '^https://b', 'c']);
  expect(read.ok ? [] : read.problems).toHaveLength(2);
});

describe('what must be signed', () => {
  test('has names, and addresses for all other types', () => {
    expect(readPredicateTypes(['signature, gate-result', 'https://example.org/p/v1', 'signature'])).toEqual({
      ok: true,
      value: [PREDICATES.signature, PREDICATES.gateResult, 'https://example.org/p/v1'],
    });
  });

  test('is never guessed', () => {
    const read = readPredicateTypes(['provenence']);
    expect(read.ok ? '' : read.problems.join()).toContain('Did you mean `provenance`?');
  });
});

describe('images to verify', () => {
  test.each([
    ['ghcr.io/acme/app:1.2.3', 'ghcr.io/acme/app', '1.2.3'],
    [`ghcr.io/acme/app@${DIGEST}`, 'ghcr.io/acme/app', DIGEST],
    [`ghcr.io/acme/app:1.2.3@${DIGEST}`, 'ghcr.io/acme/app', DIGEST],
    ['127.0.0.1:5000/acme/app:main', '127.0.0.1:5000/acme/app', 'main'],
    ['alpine:3', 'docker.io/library/alpine', '3'],
  ])('%s', (text, name, version) => {
    const read = readNamedImages([text]);
    expect(read.ok ? read.value.map((image) => [image.reference.name, image.version]) : read.problems).toEqual([
      [name, version],
    ]);
  });

  test.each(['ghcr.io/acme/app', '127.0.0.1:5000/acme/app', 'ghcr.io/acme/app@sha256:abc', 'ghcr.io/acme/app:-x', ''])(
    '"%s" is refused',
    (text) => {
      expect(readNamedImages([text || 'ghcr.io/acme/app:']).ok).toBe(false);
    },
  );
});
