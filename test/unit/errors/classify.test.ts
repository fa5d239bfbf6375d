import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/errors/catalogue.ts';
import { classify, classifyNetwork } from '../../../src/errors/classify.ts';
import { parseErrorBody } from '../../../src/http/error-body.ts';
import { RECORDED } from '../../support/recorded-answers.ts';

/** Rows that no answer of a server leads to, and what does. */
const NOT_FROM_AN_ANSWER: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['INPUT_INVALID', 'EVENT_INVALID', 'NO_TAGS', 'TAG_INVALID'],
      ...['DOCKER_MISSING', 'DAEMON_UNREACHABLE', 'BUILDX_MISSING', 'BUILDX_TOO_OLD', 'BUILDER_UNSUITABLE'],
      ...[
        'BUILD_FAILED',
        'CACHE_FAILED',
        'BUILD_NO_SPACE',
        'SOURCE_INVALID',
        'SOURCE_UNSAFE',
        'LAYOUT_CORRUPT',
        'IMAGE_INVALID',
        'IMAGE_UNPULLABLE',
        'ATTESTATION_TOO_LARGE',
        'FOREIGN_LAYERS',
      ],
      ...['PLATFORM_MISSING', 'SBOM_MISSING', 'PROVENANCE_MISSING', 'ATTESTATION_MISMATCH', 'FINDINGS'],
      ...['IGNOREFILE_INVALID', 'VEX_INVALID', 'SCANNER_UNAVAILABLE', 'SCANNER_REFUSED', 'SCANNER_FAILED'],
      ...[
        'SCANNER_TIMEOUT',
        'REPORT_INVALID',
        'DATABASE_UNREACHABLE',
        'DATABASE_DENIED',
        'DATABASE_TOO_OLD',
        'DATABASE_INVALID',
      ],
      ...[
        'BASELINE_UNUSABLE',
        'COMMIT_MISMATCH',
        'IMAGE_EMPTY',
        'PROMOTION_REFUSED',
        'POLICY_INVALID',
        'CLEANUP_POLICY_INVALID',
        'PLAN_UNUSABLE',
        'CLEANUP_STOPPED',
        'KEPT_IMAGE_INCOMPLETE',
        'ENVIRONMENT_MOVED',
        'DESIRED_STATE_INVALID',
        'SETUP_REFUSED',
        'SETUP_CONFLICT',
        'EXPORT_REFUSED',
        'DRIFT_FOUND',
        'PLATFORM_CONFLICT',
        'IMAGES_MIXED',
        'LOAD_FAILED',
        'BUILDER_UNREACHABLE',
      ],
      ...[
        'MIRROR_CONFIG_INVALID',
        'MIRROR_TAG_MISSING',
        'MIRROR_TAG_MOVED',
        'MIRROR_TARGET_CHANGED',
        'ATTESTATION_NOT_STORED',
        'ATTESTATIONS_UNREADABLE',
        'REPORT_CONDITION',
        'REPORT_FINDINGS',
      ],
      ...[
        'SIGSTORE_UNAVAILABLE',
        'SIGNING_NOT_PERMITTED',
        'SIGNING_REFUSED',
        'SIGNING_KEY_UNUSABLE',
        'SIGNING_CONFIG_INVALID',
        'UNVERIFIED',
      ],
      ...['TOOL_UNAVAILABLE', 'TOOL_REFUSED', 'TRUSTED_ROOT_INVALID', 'TRUSTED_ROOT_UNAVAILABLE'],
      ...['PROGRAM_MISSING', 'CANCELLED', 'INTERNAL', 'CAPABILITY_MISSING', 'ID_TOKEN_UNAVAILABLE'],
    ].map((code) => [code, 'this action itself']),
  ),
  CREDENTIALS_MISSING: 'a refusal of a request without credentials',
  SCOPE_TOO_NARROW: 'a header beside the answer, or the rights in a token',
  DIGEST_MISMATCH: 'bytes that are not what they should be',
  TAG_NOT_MOVED: 'the read-back after a write',
  REGISTRY_UNREACHABLE: 'a connection without an answer',
  TLS_UNTRUSTED: 'a connection without an answer',
  TLS_REFUSED: 'a connection without an answer',
  PLAIN_HTTP: 'an address that is not spoken to',
  REDIRECT_REFUSED: 'an address that is not spoken to',
  ANSWER_INVALID: 'an answer that is no error',
};

describe('P10: what a registry said finds its remedy', () => {
  test.each(RECORDED.map((each) => [each.from, each.to, each] as const))(
    '%s → %s',
    (_from, to, { host, operation, status, body }) => {
      expect(classify({ host, operation, status, ...parseErrorBody(body) })).toBe(to);
    },
  );

  test('every row that an answer can lead to has a recorded one, and no other row has', () => {
    const told = new Set(RECORDED.map(({ to }) => to));
    const rows = Object.keys(CATALOGUE).filter((code) => !(code in NOT_FROM_AN_ANSWER));
    expect([...told].toSorted()).toEqual(rows.toSorted());
    expect(Object.keys(NOT_FROM_AN_ANSWER).every((code) => code in CATALOGUE)).toBe(true);
  });

  test('every row has its place in docs/errors.md', () => {
    const headings = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^#+ (\S+)$/gm)].map(([, title]) => title);
    expect(headings).toEqual(expect.arrayContaining(Object.keys(CATALOGUE)));
  });

  test('a host that only looks like GHCR gets no advice for GHCR', () => {
    const answer = {
      operation: 'write',
      status: 403,
      code: 'DENIED',
      message: 'permission_denied: write_package',
    } as const;
    expect(classify({ ...answer, host: 'ghcr.io' })).toBe('GHCR_PACKAGE_NOT_LINKED');
    expect(classify({ ...answer, host: 'ghcr.io.evil.example' })).toBe('DENIED');
  });
});

test.each([
  ['ENOTFOUND', 'REGISTRY_UNREACHABLE'],
  ['ECONNREFUSED', 'REGISTRY_UNREACHABLE'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_UNTRUSTED'],
  ['CERT_HAS_EXPIRED', 'TLS_UNTRUSTED'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_UNTRUSTED'],
  ['ERR_INVALID_ARG_TYPE', undefined],
  [undefined, undefined],
])('a connection that died of %s: %s', (code, row) => {
  expect(classifyNetwork(code)).toBe(row);
});

test.each(Object.entries(CATALOGUE))('%s has a title and a cause', (_code, row) => {
  expect(row.title).toMatch(/[^.]$/);
  expect(row.cause).toMatch(/\.$/);
});
