import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/errors/catalogue.ts';
import { classify, classifyNetwork, type RegistryAnswer } from '../../../src/errors/classify.ts';
import { parseErrorBody } from '../../../src/http/error-body.ts';

interface Recorded extends Pick<RegistryAnswer, 'host' | 'operation' | 'status'> {
  readonly to: keyof typeof CATALOGUE;
  readonly body: string;
  readonly from: string;
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('../../fixtures/registry-errors.json', import.meta.url), 'utf8'),
);

describe('P10: what a registry said finds its remedy', () => {
  test.each(recorded.map((each) => [each.from, each.to, each] as const))(
    '%s → %s',
    (_from, to, { host, operation, status, body }) => {
      expect(classify({ host, operation, status, ...parseErrorBody(body) })).toBe(to);
    },
  );

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

test.each(Object.entries(CATALOGUE))('%s has a cause and something that the user can do', (_code, row) => {
  expect(row.title).toMatch(/[^.]$/);
  expect(row.cause).toMatch(/\.$/);
  expect(row.remedy.length).toBeGreaterThan(0);
  for (const step of row.remedy) expect(step).toMatch(/^[A-Z].*\.$/s);
});
