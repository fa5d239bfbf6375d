import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import { type PromotionRecord, recordBytes } from '../../../../src/domain/promotion/record.ts';
import { type RecordSigners, signedRecordProblems } from '../../../../src/domain/promotion/record-trust.ts';
import type { CertificateClaims } from '../../../../src/domain/trust/claims.ts';
import { GITHUB_ISSUER, PREDICATES } from '../../../../src/domain/trust/predicates.ts';
import type { SignedStatement } from '../../../../src/domain/trust/verification.ts';
import { recordWith } from '../../../support/promotion-record.ts';

const NOW = new Date('2026-05-01T12:00:00Z');
const IDENTITY = 'https://github.com/org/app/.github/workflows/promote.yml@refs/heads/main';
const CLAIMS: CertificateClaims = {
  identity: IDENTITY,
  issuer: GITHUB_ISSUER,
  repository: 'https://github.com/org/app',
  repositoryId: '22',
  trigger: 'push',
  environment: 'production',
};
const SIGNERS: RecordSigners = {
  issuer: GITHUB_ISSUER,
  repositories: ['https://github.com/org/app'],
  repositoryId: '22',
  identities: [],
};

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const record = (changes: Partial<PromotionRecord> = {}): PromotionRecord =>
  recordWith({
    digest: DIGEST,
    environment: 'production',
    event: 'push',
    time: '2026-05-01T11:00:00.000Z',
    ...changes,
  });

function problems(
  own: PromotionRecord = record(),
  {
    claims = CLAIMS,
    signers = SIGNERS,
    ...changes
  }: Partial<Omit<SignedStatement, 'time'>> & {
    readonly claims?: CertificateClaims;
    readonly signers?: RecordSigners;
    readonly time?: Date | 'none';
  } = {},
): readonly string[] {
  const predicate = fieldsOf(JSON.parse(new TextDecoder().decode(recordBytes(own))));
  const { time = new Date('2026-05-01T11:00:05Z'), ...others } = changes;
  return signedRecordProblems(
    own,
    {
      signer: { kind: 'certificate', claims },
      predicateType: PREDICATES.promotion,
      subjects: [own.digest],
      predicate,
      ...others,
      ...(time === 'none' ? {} : { time }),
    },
    own.digest,
    signers,
    NOW,
  );
}

describe('P13: a promotion record counts only when the job that promoted signed it', () => {
  test('the genuine one counts, in whatever case GitHub writes the environment', () => {
    expect(problems()).toEqual([]);
    expect(problems(record(), { claims: { ...CLAIMS, environment: 'Production' } })).toEqual([]);
    expect(problems(record({ event: 'workflow_run' }), { claims: { ...CLAIMS, trigger: 'workflow_run' } })).toEqual([]);
  });

  const { environment: _environment, ...withoutEnvironment } = CLAIMS;
  const { trigger: _trigger, ...withoutTrigger } = CLAIMS;
  test.each<[string, Parameters<typeof problems>[1], RegExp]>([
    ['another statement', { predicateType: PREDICATES.signature }, /for another statement/],
    ['another image', { subjects: [`sha256:${'9'.repeat(64)}`] }, /signature is for sha256:9{12}/],
    ['something that is no record', { predicate: {} }, /is no promotion record/],
    ['a key', { signer: { kind: 'key', key: 'ab' } }, /signed with a key/],
    ['Notary', { signer: { kind: 'notation', identity: 'x' } }, /signed with a key/],
    ['no environment', { claims: withoutEnvironment }, /a job without the environment "production"/],
    ['another environment', { claims: { ...CLAIMS, environment: 'staging' } }, /in the environment "staging"/],
    ['an environment that begins alike', { claims: { ...CLAIMS, environment: 'production-eu' } }, /"production-eu"/],
    ['another issuer', { claims: { ...CLAIMS, issuer: 'https://evil.example' } }, /its issuer is/],
    ['another repository', { claims: { ...CLAIMS, repository: 'https://github.com/org/app-evil' } }, /its repository/],
    ['another owner of the name', { claims: { ...CLAIMS, repositoryId: '23' } }, /its repository id is "23"/],
    ['a pull request', { claims: { ...CLAIMS, trigger: 'pull_request' } }, /a run of pull_request, which may not/],
    ['a comment', { claims: { ...CLAIMS, trigger: 'issue_comment' } }, /a run of issue_comment/],
    ['no trigger', { claims: withoutTrigger }, /a run of an unknown event/],
    ['another event', { claims: { ...CLAIMS, trigger: 'schedule' } }, /names the event "push", and its certificate/],
    [
      'another workflow',
      { signers: { ...SIGNERS, identities: [{ kind: 'exact', text: `${IDENTITY}x` }] } },
      /identity/,
    ],
    ['a later time', { time: new Date('2026-05-01T12:06:00Z') }, /in the future/],
    ['another day', { time: new Date('2026-04-30T11:00:00Z') }, /is dated 2026-05-01.*, and was signed at 2026-04-30/],
    ['no trusted time', { time: 'none' }, /no trusted time/],
  ])('%s: refused with its reason', (_what, changes, reason) => {
    expect(problems(record(), changes).join('; ')).toMatch(reason);
  });

  test.each<[string, Partial<PromotionRecord>]>([
    ['forced', { forced: true }],
    ['hold', { held: [DIGEST] }],
    ['predecessor', { previousRecord: DIGEST }],
    ['previous image', { previousDigest: DIGEST }],
    ['repository', { repository: 'other.example/app' }],
    ['tag', { to: ['ghcr.io/org/app:other'] }],
    ['time', { time: '2026-05-01T11:00:01.000Z' }],
    ['actor', { actor: 'somebody' }],
  ])('a changed %s is not what was signed', (_what, changes) => {
    const predicate = fieldsOf(JSON.parse(new TextDecoder().decode(recordBytes(record(changes)))));
    expect(problems(record(), { predicate })).toEqual(['it differs from what is signed']);
  });

  test('several repositories may sign, when they are named', () => {
    const repositories = ['https://github.com/org/app', 'https://github.com/org/deployments'];
    const claims = { ...CLAIMS, repository: 'https://github.com/org/deployments', repositoryId: '77' };
    expect(problems(record(), { claims, signers: { ...SIGNERS, repositories, repositoryId: undefined } })).toEqual([]);
    expect(problems(record(), { claims, signers: { ...SIGNERS, repositories: [] } }).join()).toMatch(/no repository/);
  });
});
