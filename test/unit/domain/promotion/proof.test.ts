import { describe, expect, test } from 'vitest';
import type { Fields } from '../../../../src/domain/fields.ts';
import { proofProblems } from '../../../../src/domain/promotion/proof.ts';
import { isProvable } from '../../../../src/domain/promotion/requirement.ts';
import { readRequirements } from '../../../../src/domain/promotion/requirements.ts';
import type { CertificateClaims } from '../../../../src/domain/trust/claims.ts';
import { gateResultPredicate } from '../../../../src/domain/trust/gate-result.ts';
import { GITHUB_ISSUER, PREDICATES } from '../../../../src/domain/trust/predicates.ts';
import type { SignedStatement, Signer } from '../../../../src/domain/trust/verification.ts';

const COMMIT = 'c'.repeat(40);
const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const IDENTITY = 'https://github.com/org/app/.github/workflows/release.yml@refs/heads/main';
const CLAIMS: CertificateClaims = {
  identity: IDENTITY,
  issuer: GITHUB_ISSUER,
  repository: 'https://github.com/org/app',
  commit: COMMIT,
};
const WANTED = {
  ...{ severity: ['CRITICAL', 'HIGH'], scanners: ['vuln'] },
  ...{ ignoreUnfixed: false, failOnEol: true, allowUnknownOs: false },
};

function problems(line: string, predicate: Fields, signer: Signer = { kind: 'certificate', claims: CLAIMS }): string {
  const read = readRequirements([line]);
  const [requirement] = read.ok ? read.value : [];
  if (requirement === undefined || !isProvable(requirement)) throw new Error(line);
  const statement: SignedStatement = {
    format: 'sigstore bundle',
    ...{ manifest: DIGEST, subjects: [DIGEST], signer, predicate, predicateType: PREDICATES.sbom },
  };
  return proofProblems(requirement, statement, WANTED).join('; ');
}

const provenance = (repository = 'https://github.com/org/app', commit = COMMIT, builder = IDENTITY): Fields => ({
  buildDefinition: {
    externalParameters: { workflow: { repository } },
    resolvedDependencies: [{ uri: 'git+x', digest: { gitCommit: commit } }],
  },
  runDetails: { builder: { id: builder } },
});

describe('P13: what a signed statement must contain to be proof', () => {
  test('provenance of the certificate itself', () => {
    expect(problems('provenance,signed', provenance())).toBe('');
    expect(problems(`provenance,signed,repository=org/app,commit=${COMMIT}`, provenance())).toBe('');
  });
  test.each<[string, string, Fields, Signer | undefined, RegExp]>([
    [
      'another builder',
      'provenance,signed',
      provenance(undefined, undefined, 'https://evil/b'),
      undefined,
      /builder https:\/\/evil\/b/,
    ],
    ['no content', 'provenance,signed', {}, undefined, /do not both name the repository, commit, builder/],
    ['a key', 'provenance,signed', provenance(), { kind: 'key', key: 'ab' }, /signed with a key/],
    [
      'a certificate without a repository',
      'provenance,signed',
      provenance(),
      certificate('repository'),
      /both name the rep/,
    ],
    [
      'a certificate without a commit',
      'provenance,signed',
      provenance(),
      certificate('commit'),
      /both name the commit/,
    ],
    [
      'another commit than required',
      `provenance,signed,commit=${'d'.repeat(40)}`,
      provenance(),
      undefined,
      /the commit/,
    ],
    [
      'another repository than required',
      'provenance,signed,repository=org/b',
      provenance(),
      undefined,
      /the repository/,
    ],
  ])('provenance with %s is none', (_what, line, predicate, signer, reason) => {
    expect(problems(line, predicate, signer)).toMatch(reason);
  });

  test('an SBOM has packages', () => {
    expect(problems('sbom,signed', { packages: [{}] })).toBe('');
    for (const predicate of [{}, { packages: [] }, { packages: 'many' }]) {
      expect(problems('sbom,signed', predicate)).toBe('its SBOM names no package at all');
    }
  });

  const result = (policy: Partial<typeof WANTED>) =>
    gateResultPredicate({
      ...{ result: 'passed', scanner: { name: 'trivy', version: '1' }, policy: { ...WANTED, ...policy } },
      ...{ counts: COUNTS, suppressed: {} },
      platforms: [{ platform: 'linux/amd64', digest: DIGEST, counts: COUNTS, blocking: 0, packages: 1 }],
    });
  test('a gate result is as strict as required', () => {
    expect(problems('scan,max-age=7d,signed', result({}))).toBe('');
    expect(problems('scan,max-age=7d,signed', result({ severity: ['CRITICAL'] }))).toMatch(/its scan let HIGH pass/);
    expect(problems('scan,max-age=7d,signed', result({ scanners: ['secret'] }))).toMatch(/did not look with vuln/);
    expect(problems('scan,max-age=7d,signed', {})).not.toBe('');
  });
});

const COUNTS = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };

function certificate(without: 'repository' | 'commit'): Signer {
  const { [without]: _left, ...claims } = CLAIMS;
  return { kind: 'certificate', claims: { ...claims, identity: IDENTITY, issuer: GITHUB_ISSUER } };
}
