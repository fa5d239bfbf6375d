import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/domain/digest.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { type Claims, claimsOfJob } from './sigstore/issuer.ts';
import { useSigningJob } from './sigstore/job.ts';
import type { SignedImage } from './sigstore/scene.ts';

const job = useSigningJob();

const FOREIGN_DIGEST: Digest = `sha256:${'f'.repeat(64)}`;
const REPOSITORY = 'https://github.com/acme/app';
const COMMIT = claimsOfJob().sha ?? '';
/** What the signer of a release must be. */
const RELEASE = [`repository=${REPOSITORY}`, `commit=${COMMIT}`, 'trigger=push,workflow_dispatch'];
const PRODUCTION = [...RELEASE, 'environment=production'];
const FORK: Claims = {
  ...{ repository: 'evil/fork', repository_id: '66' },
  job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
};

type Statement = Omit<NonNullable<Parameters<SignedImage['attach']>[0]>, 'claims'>;

const SIGNATURE: Statement = { predicateType: PREDICATES.signature };
const gateResult = ({ subject }: SignedImage, changes: object = {}): Statement => ({
  predicateType: PREDICATES.gateResult,
  predicate: {
    result: 'passed',
    scanner: { name: 'trivy', version: '0.76.0' },
    policy: {
      ...{ severity: ['CRITICAL'], ignoreUnfixed: false, scanners: ['vuln'], failOnEol: false },
      allowUnknownOs: false,
    },
    counts: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 },
    platforms: [
      {
        ...{ platform: 'linux/amd64', digest: subject.digest, blocking: 0, packages: 1 },
        counts: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 },
      },
    ],
    suppressed: {},
    ...changes,
  },
});
const provenance = (repository = REPOSITORY, gitCommit = COMMIT): Statement => ({
  predicateType: PREDICATES.provenance,
  predicate: {
    buildDefinition: {
      externalParameters: { workflow: { repository } },
      resolvedDependencies: [{ uri: `git+${repository}@refs/heads/main`, digest: { gitCommit } }],
    },
  },
});
const SBOM: Statement = { predicateType: PREDICATES.sbom, predicate: { spdxVersion: 'SPDX-2.3' } };

/** A statement that decides something, what it must be, and how it is forged. */
interface Row {
  readonly decides: string;
  readonly require: string;
  readonly claims: readonly string[];
  /** Of the genuine statement. */
  readonly signedBy?: Claims;
  readonly genuine: (image: SignedImage) => Statement;
  readonly forgeries: readonly (readonly [string, (image: SignedImage) => Promise<unknown>, RegExp])[];
}

/** The same statement by somebody else. */
const by =
  (statement: (image: SignedImage) => Statement, claims: Claims) =>
  (image: SignedImage): Promise<unknown> =>
    image.attach({ ...statement(image), claims });
const unsigned = () => Promise.resolve();

function impostors(statement: Row['genuine']): Row['forgeries'] {
  return [
    ['nobody signed it', unsigned, /It (?:is not signed|has no signed statement of this type)/],
    [
      'another workflow of the repository signed it',
      by(statement, { job_workflow_ref: 'acme/app/.github/workflows/pr.yml@refs/heads/main' }),
      /its identity is ".*pr\.yml@refs\/heads\/main"/,
    ],
    [
      'the workflow signed it on another branch',
      by(statement, { job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/evil' }),
      /its identity is ".*@refs\/heads\/evil"/,
    ],
    [
      'a fork that calls the workflow signed it',
      by(statement, FORK),
      /its repository is "https:\/\/github\.com\/evil\/fork"/,
    ],
    ['it was signed for another commit', by(statement, { sha: 'b'.repeat(40) }), /its commit is "b{40}"/],
    [
      'a pull request signed it, with the ref of the default branch',
      by(statement, { event_name: 'pull_request_target' }),
      /its trigger is "pull_request_target"/,
    ],
    [
      'it is about another image',
      (image) => image.attach({ ...statement(image), about: FOREIGN_DIGEST }),
      /it is about sha256:ffffffffffff, not/,
    ],
    [
      'another statement of the right workflow stands in for it',
      (image) => image.attach({ predicateType: 'https://example.com/other/v1' }),
      /Found: https:\/\/example\.com\/other\/v1/,
    ],
  ];
}

const rows: readonly Row[] = [
  {
    ...{ decides: 'a signature: that this workflow published the image', require: 'signature', claims: RELEASE },
    genuine: () => SIGNATURE,
    forgeries: impostors(() => SIGNATURE),
  },
  {
    ...{ decides: 'a gate result: that the image passed', require: 'gate-result', claims: RELEASE },
    genuine: gateResult,
    forgeries: [
      ...impostors(gateResult),
      [
        'it is the result of an image that failed',
        (image) => image.attach(gateResult(image, { result: 'failed' })),
        /the gate result that it signs is `failed`/,
      ],
      [
        'its counts are beyond what numbers can say',
        (image) => image.attach(gateResult(image, { counts: { CRITICAL: 2 ** 60 } })),
        /the gate result has no counts/,
      ],
      [
        'it has a second result, in another case',
        (image) => image.attach(gateResult(image, { Result: 'failed' })),
        /the key "Result", in another case/,
      ],
    ],
  },
  {
    ...{ decides: 'provenance: where the image comes from', require: 'provenance', claims: RELEASE },
    genuine: () => provenance(),
    forgeries: [
      ...impostors(() => provenance()),
      [
        'it names another commit than its certificate',
        (image) => image.attach(provenance(REPOSITORY, 'c'.repeat(40))),
        /it names the commit c{40}, and its certificate/,
      ],
      [
        'it names another repository than its certificate',
        (image) => image.attach(provenance('https://github.com/acme/lib')),
        /it names the repository https:\/\/github\.com\/acme\/lib, and its certificate/,
      ],
    ],
  },
  {
    ...{ decides: 'an SBOM: what the image contains', require: 'sbom', claims: RELEASE },
    genuine: () => SBOM,
    forgeries: impostors(() => SBOM),
  },
  {
    ...{ decides: 'a statement of a job in an environment', require: 'signature', claims: PRODUCTION },
    signedBy: { environment: 'production' },
    genuine: () => SIGNATURE,
    forgeries: [
      ['the job had no environment', by(() => SIGNATURE, {}), /its environment is absent, expected production/],
      ['the job was in another one', by(() => SIGNATURE, { environment: 'dev' }), /its environment is "dev"/],
    ],
  },
];

const verify = (
  image: SignedImage,
  row: Pick<Row, 'require' | 'claims'>,
  inputs: Readonly<Record<string, string>> = {},
) => job.verify(image.name, { require: row.require, 'signer-claims': row.claims.join('\n'), ...inputs });

describe.each(rows)('P13: $decides', (row) => {
  it('counts when the right job signed it', async () => {
    const image = await job.scene.image('api');
    await image.attach({ ...row.genuine(image), ...(row.signedBy === undefined ? {} : { claims: row.signedBy }) });
    await using run = await verify(image, row);
    expect(run.outputs.outcome, run.log).toBe('verified');
  });

  it.each(row.forgeries)('does not when %s', async (_how, forge, reason) => {
    const image = await job.scene.image('fallback');
    await forge(image);
    await using refused = await verify(image, row);
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toMatch(reason);
    // The forgery hides nothing.
    await image.attach({ ...row.genuine(image), ...(row.signedBy === undefined ? {} : { claims: row.signedBy }) });
    await using run = await verify(image, row);
    expect(run.outputs.outcome, run.log).toBe('verified');
  });
});

it('P13: age counts by the time that the authority proves, whatever the statement says', async () => {
  const image = await job.scene.image('api');
  const row = { require: 'gate-result', claims: RELEASE };
  await image.attach(gateResult(image, { database: { updatedAt: new Date(Date.now() + 86_400_000).toISOString() } }));
  await using young = await verify(image, row, { 'max-age': '1m' });
  expect(young.outputs.outcome, young.log).toBe('verified');
  await sleep(61_000);
  await using old = await verify(image, row, { 'max-age': '1m' });
  expect(old.outputs.outcome, old.log).toBe('unverified');
  expect(old.log).toContain('longer ago than 1m');
  await using longer = await verify(image, row, { 'max-age': '1h' });
  expect(longer.outputs.outcome, longer.log).toBe('verified');
});

it.each([
  ['without anchors', 'https://github.com/acme/.*', 'a pattern without anchors'],
  ['anchored on one side', '^https://github.com/acme/app', 'anchored on one side'],
  ['that accepts everybody', '^.*$', 'accepts everybody'],
])('P13: an identity pattern %s is refused', async (_what, pattern, reason) => {
  const image = await job.scene.image('api');
  await image.attach();
  await using run = await job.verify(image.name, { 'signer-identity': pattern });
  expect(run.outputs.outcome, run.log).toBe('invalid-input');
  expect(run.log).toContain(reason);
});
