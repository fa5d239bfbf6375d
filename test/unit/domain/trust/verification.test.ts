import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { GITHUB_ISSUER, PREDICATES } from '../../../../src/domain/trust/predicates.ts';
import {
  combinePlatforms,
  type SignedStatement,
  type VerificationPolicy,
  verifyStatements,
} from '../../../../src/domain/trust/verification.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const SAN = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
const NOW = new Date('2026-03-10T12:00:00Z');

const SIGNATURE: SignedStatement = {
  format: 'sigstore bundle',
  manifest: digest('e'),
  signer: { kind: 'certificate', claims: { identity: SAN, issuer: GITHUB_ISSUER } },
  time: new Date('2026-03-09T12:00:00Z'),
  predicateType: PREDICATES.signature,
  subjects: [digest('a')],
  predicate: {},
};

const POLICY: VerificationPolicy = {
  digest: digest('a'),
  signers: [{ kind: 'identity', issuer: GITHUB_ISSUER, identity: { kind: 'exact', text: SAN } }],
  predicateTypes: [PREDICATES.signature],
  now: NOW,
};

const verify = (signed: readonly SignedStatement[], policy: Partial<VerificationPolicy> = {}) =>
  verifyStatements({ signed, rejected: [] }, { ...POLICY, ...policy });
const reasons = (signed: readonly SignedStatement[], policy: Partial<VerificationPolicy> = {}) =>
  verify(signed, policy).requirements.flatMap((requirement) => requirement.reasons);

test('the genuine signature passes', () => {
  expect(verify([SIGNATURE])).toEqual({
    verified: true,
    requirements: [{ predicateType: PREDICATES.signature, met: SIGNATURE, reasons: [] }],
  });
});

describe('what does not count, and why', () => {
  test('nothing at all', () => {
    expect(reasons([])).toEqual(['It is not signed.']);
  });

  test('a right signature of another image', () => {
    expect(reasons([{ ...SIGNATURE, subjects: [digest('b')] }])).toEqual([
      'The sigstore bundle sha256:eeeeeeeeeeee does not count: it is about sha256:bbbbbbbbbbbb, not sha256:aaaaaaaaaaaa.',
    ]);
  });

  test('another statement by the right identity is no signature, though cosign would accept it', () => {
    const failed = { ...SIGNATURE, predicateType: PREDICATES.gateResult, predicate: { passed: false } };
    expect(verify([failed]).verified).toBe(false);
    expect(reasons([failed])).toEqual([`It is not signed. Found: gate-result.`]);
  });

  test('a signature is not the attestation that is asked for', () => {
    const [first] = reasons([SIGNATURE], { predicateTypes: [PREDICATES.provenance] });
    expect(first).toBe(`It has no signed statement of this type. Found: signature.`);
  });

  test('each type is required by name', () => {
    const { verified, requirements } = verify([SIGNATURE], {
      predicateTypes: [PREDICATES.signature, PREDICATES.gateResult],
    });
    expect(verified).toBe(false);
    expect(requirements.map(({ met }) => met !== undefined)).toEqual([true, false]);
  });

  test('a key where an identity is wanted, and the other way round', () => {
    const byKey: SignedStatement = { ...SIGNATURE, signer: { kind: 'key', key: '1'.repeat(64) } };
    expect(reasons([byKey])[0]).toContain('it was signed with a key, not by an identity');
    expect(reasons([SIGNATURE], { signers: [{ kind: 'key', key: '1'.repeat(64) }] })[0]).toContain(
      'it was not signed with the key of the policy',
    );
    expect(verify([byKey], { signers: [{ kind: 'key', key: '1'.repeat(64) }] }).verified).toBe(true);
    expect(verify([byKey], { signers: [{ kind: 'key', key: '2'.repeat(64) }] }).verified).toBe(false);
  });

  test('one that is older than allowed, by the time that was proven', () => {
    expect(verify([SIGNATURE], { maxAge: 2 * 86_400_000 }).verified).toBe(true);
    expect(reasons([SIGNATURE], { maxAge: 3_600_000 })[0]).toContain(
      'it was signed at 2026-03-09T12:00:00.000Z, longer ago than 1h',
    );
  });

  test('one without a trusted time, where an age is asked for; statements may say what they like', () => {
    const { time: _, ...timeless } = { ...SIGNATURE, predicate: { time: NOW.toISOString() } };
    expect(verify([timeless]).verified).toBe(true);
    expect(reasons([timeless], { maxAge: 86_400_000 })[0]).toContain('it has no trusted time');
  });

  test('one from the future', () => {
    expect(reasons([{ ...SIGNATURE, time: new Date('2026-03-10T13:00:00Z') }])[0]).toContain('in the future');
  });

  test('what did not stand up to the check says so', () => {
    const rejected = [{ format: 'sigstore bundle', manifest: digest('d'), reason: 'it has no trusted time' }] as const;
    const [requirement] = verifyStatements({ signed: [], rejected }, POLICY).requirements;
    expect(requirement?.reasons).toEqual([
      'It is not signed.',
      'The sigstore bundle sha256:dddddddddddd does not count: it has no trusted time.',
    ]);
  });
});

test('the newest statement that counts is the one that decides', () => {
  const older = { ...SIGNATURE, manifest: digest('f'), time: new Date('2026-03-01T00:00:00Z') };
  expect(verify([older, SIGNATURE]).requirements[0]?.met).toBe(SIGNATURE);
});

test('any one of several signers is enough', () => {
  const [us] = POLICY.signers;
  if (us === undefined) throw new Error('no signer');
  const other = { ...us, identity: { kind: 'exact', text: 'someone@acme.example' } } as const;
  expect(verify([SIGNATURE], { signers: [other, us] }).verified).toBe(true);
  expect(verify([SIGNATURE], { signers: [other] }).verified).toBe(false);
});

test.each([
  ['https://spdx.dev/Document/v2.3', PREDICATES.sbom, true],
  [PREDICATES.sbom, 'https://spdx.dev/Document/v2.3', true],
  ['https://spdx.dev/Document/v2.2', 'https://spdx.dev/Document/v2.3', false],
  ['https://spdx.dev/Documents', PREDICATES.sbom, false],
  ['https://slsa.dev/provenance/v0.2', PREDICATES.provenance, false],
])('a statement of type %s, where %s is asked for: %s', (predicateType, wanted, verified) => {
  expect(verify([{ ...SIGNATURE, predicateType }], { predicateTypes: [wanted] }).verified).toBe(verified);
});

test('a policy that asks for nothing is a mistake, not a pass', () => {
  expect(() => verify([SIGNATURE], { predicateTypes: [] })).toThrow(RangeError);
  expect(() => verify([SIGNATURE], { signers: [] })).toThrow(RangeError);
});

describe('what is signed must be good news', () => {
  const counts = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };
  const result = {
    result: 'passed',
    scanner: { name: 'trivy', version: '0.76.0' },
    policy: {
      severity: ['CRITICAL'],
      scanners: ['vuln'],
      ignoreUnfixed: false,
      failOnEol: true,
      allowUnknownOs: false,
    },
    counts,
    platforms: [{ platform: 'linux/amd64', digest: digest('a'), counts, blocking: 0, packages: 3 }],
    suppressed: {},
  };
  const gate = (predicate: object) => [
    { ...SIGNATURE, predicateType: PREDICATES.gateResult, predicate: { ...predicate } },
  ];
  const policy = { predicateTypes: [PREDICATES.gateResult] };

  test('a gate result that passed', () => {
    expect(verify(gate(result), policy).verified).toBe(true);
  });

  test.each([
    ['that failed', { ...result, result: 'failed' }, '`failed`'],
    ['without a result', { ...result, result: true }, 'neither passed nor failed'],
    ['without a platform', { ...result, platforms: [] }, 'names no platform'],
    ['without a policy', { ...result, policy: {} }, 'names no policy'],
    ['that says nothing', {}, 'neither passed nor failed'],
  ])('a gate result %s does not count, however well it is signed', (_what, predicate, reason) => {
    expect(reasons(gate(predicate), policy)[0]).toContain(reason);
  });

  test('provenance of another commit or repository than the certificate names', () => {
    const source = (repository: string, gitCommit: string) => ({
      buildDefinition: {
        externalParameters: { workflow: { repository } },
        resolvedDependencies: [{ digest: { gitCommit } }],
      },
    });
    const signer = {
      kind: 'certificate',
      claims: { identity: SAN, issuer: GITHUB_ISSUER, repository: 'https://github.com/acme/app', commit: 'c1' },
    } as const;
    const provenance = (predicate: object) => [
      { ...SIGNATURE, signer, predicateType: PREDICATES.provenance, predicate: { ...predicate } },
    ];
    const wanted = { predicateTypes: [PREDICATES.provenance] };
    expect(verify(provenance(source('https://github.com/acme/app', 'c1')), wanted).verified).toBe(true);
    expect(reasons(provenance(source('https://github.com/acme/app', 'c2')), wanted)[0]).toContain('commit c2');
    expect(reasons(provenance(source('https://github.com/evil/app', 'c1')), wanted)[0]).toContain('evil/app');
  });
});

describe('what is about one platform each', () => {
  const type = PREDICATES.sbom;
  const platform = (name: string, letter: string, signed: readonly SignedStatement[]) => ({
    name,
    result: verifyStatements({ signed, rejected: [] }, { ...POLICY, digest: digest(letter), predicateTypes: [type] }),
  });
  const sbom = (letter: string, time = '2026-03-09T12:00:00Z'): SignedStatement => ({
    ...SIGNATURE,
    predicateType: type,
    subjects: [digest(letter)],
    time: new Date(time),
  });
  const index = verify([SIGNATURE], { predicateTypes: [PREDICATES.signature, type] });

  test('counts when every platform has its own, the oldest for all', () => {
    const older = sbom('c', '2026-03-01T12:00:00Z');
    const result = combinePlatforms(index, [
      platform('linux/amd64', 'b', [sbom('b')]),
      platform('linux/arm64', 'c', [older]),
    ]);
    expect(result.verified).toBe(true);
    expect(result.requirements[1]?.met).toBe(older);
  });

  test('does not count when one lacks it, or has that of another', () => {
    const result = combinePlatforms(index, [
      platform('linux/amd64', 'b', [sbom('b')]),
      platform('linux/arm64', 'c', [sbom('b')]),
    ]);
    expect(result.verified).toBe(false);
    expect(result.requirements[1]?.reasons).toEqual([expect.stringContaining('linux/arm64: The sigstore bundle')]);
  });

  test('never stands in for what is about the index', () => {
    const signed = { name: 'linux/amd64', result: verify([SIGNATURE]) };
    expect(combinePlatforms(verify([]), [signed]).verified).toBe(false);
  });

  test('is not met by an image without platforms', () => {
    expect(combinePlatforms(index, []).verified).toBe(false);
  });
});
