import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import {
  type EnvironmentEvidence,
  type Evidence,
  judge,
  judgeAll,
  type PlatformEvidence,
  type ScanEvidence,
  type TargetEvidence,
} from '../../../../src/domain/promotion/judge.ts';
import type { PromotionRecord } from '../../../../src/domain/promotion/record.ts';
import type { RequirementCheck } from '../../../../src/domain/promotion/requirement-check.ts';
import { readRequirements } from '../../../../src/domain/promotion/requirements.ts';
import { storedWith } from '../../../support/promotion-record.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const A = digest('a');
const B = digest('b');
const COMMIT = 'c'.repeat(40);
const HOUR = 3_600_000;

/** The detail when the requirement is met, else what refuses it with `no: ` before it. */
function verdict(line: string, evidence: Partial<Evidence>): string {
  const read = readRequirements([line]);
  if (!read.ok || read.value[0] === undefined) throw new Error(line);
  const judged = judge(read.value[0], { digest: A, ...evidence });
  return judged.met ? judged.detail : `no: ${judged.reason}`;
}

const platform = (name: string, more: Partial<PlatformEvidence> = {}): PlatformEvidence => ({
  name,
  sbomPackages: 12,
  provenances: [
    { builder: 'https://github.com/org/app/actions/runs/7', repository: 'https://github.com/org/app', commit: COMMIT },
  ],
  ...more,
});
const PLATFORMS = [platform('linux/amd64'), platform('linux/arm64')];
const { sbomPackages: _, ...WITHOUT_SBOM } = platform('linux/arm64');

test.each([
  'platforms=linux/amd64',
  'sbom',
  'provenance',
  'signature',
  'scan',
  'scan,max-age=7d',
  'deployed=staging',
  'branch=main',
  'not-older',
])('without evidence %s is not met', (line) => {
  expect(verdict(line, {})).toMatch(/^no: ./);
});

describe('platforms', () => {
  test('are met when they are all there, in any spelling', () => {
    expect(verdict('platforms=linux/arm64,linux/x86_64', { platforms: PLATFORMS })).toBe(
      'the image has linux/amd64, linux/arm64',
    );
  });
  test('are not when one is missing', () => {
    expect(verdict('platforms=linux/arm64,linux/arm/v7', { platforms: PLATFORMS })).toMatch(
      /^no: .*not linux\/arm\/v7$/,
    );
    expect(verdict('platforms=linux/arm64', { platforms: [] })).toMatch(/^no: the image has no platform/);
  });
});

describe('sbom', () => {
  test('is met when every platform has one', () => {
    expect(verdict('sbom', { platforms: PLATFORMS })).toMatch(
      /^linux\/amd64: an SBOM of 12 packages; linux\/arm64: an/,
    );
  });
  test.each([
    ['one platform has none', [platform('linux/amd64'), WITHOUT_SBOM], /^no: linux\/arm64: there is no SBOM$/],
    ['one is empty', [platform('linux/amd64', { sbomPackages: 0 })], /^no: linux\/amd64: .*no package/],
    ['there is no platform', [], /^no: the image has no platform$/],
  ])('is not when %s', (__, platforms, expected) => {
    expect(verdict('sbom', { platforms })).toMatch(expected);
  });
});

describe('provenance', () => {
  const from = (repository: string) => [platform('linux/amd64', { provenances: [{ repository }] })];
  test.each([
    'provenance',
    'provenance,builder=https://github.com/org/app/actions/runs/7',
    'provenance,builder=https://github.com/org/app/*',
    'provenance,repository=org/app',
    'provenance,repository=https://github.com/Org/App.git',
    `provenance,commit=${COMMIT}`,
  ])('%s is met', (line) => {
    expect(verdict(line, { platforms: PLATFORMS })).toMatch(/^linux\/amd64: a provenance/);
  });
  test.each([
    ['provenance,builder=https://github.com/org/app/actions/runs/70', /has the builder/],
    ['provenance,builder=https://github.com/org/app/actions/runs', /has the builder/],
    ['provenance,builder=https://github.com/other/*', /has the builder/],
    ['provenance,repository=org/other', /has the repository "https:\/\/github.com\/org\/app", not "org\/other"/],
    ['provenance,repository=https://ghe.example/org/app', /has the repository/],
    [`provenance,commit=${'d'.repeat(40)}`, /has the commit/],
  ])('%s is not', (line, expected) => {
    expect(verdict(line, { platforms: PLATFORMS })).toMatch(/^no: linux\/amd64: its provenance has/);
    expect(verdict(line, { platforms: PLATFORMS })).toMatch(expected);
  });
  test.each([
    'https://github.com/org/app.git#refs/heads/main',
    'git+https://github.com/org/app@refs/heads/main',
    'https://github.com/org/app/',
    'git@github.com:org/app.git',
    'git@github.com:/org/app',
    'ssh://git@github.com/org/app.git',
    'git+ssh://git@github.com:22/org/app.git#main',
  ])('%s is org/app', (repository) => {
    expect(verdict('provenance,repository=org/app', { platforms: from(repository) })).not.toMatch(/^no/);
  });
  test.each([
    'https://github.com.evil.example/org/app',
    'https://github.com/org/app-2',
    'https://evil.example/x#org/app',
    'git@evil.example:org/app.git',
    'github.com@evil.example:org/app.git',
    'git@github.com:22/org/app.git',
    'git@github.com://org/app.git',
    'ssh://github.com@evil.example/org/app.git',
    'ssh://git@github.com:2222/org/app.git',
    'ssh://evil.example@refs/org/app',
  ])('%s is not org/app', (repository) => {
    expect(verdict('provenance,repository=org/app', { platforms: from(repository) })).toMatch(/^no/);
  });
  test('a repository whose owner is called refs is not any other', () => {
    const wanted = 'provenance,repository=https://github.com/refs/app';
    expect(verdict(wanted, { platforms: from('git@github.com:refs/app.git') })).not.toMatch(/^no/);
    expect(verdict(wanted, { platforms: from('git@evil.example:refs/app.git') })).toMatch(/^no/);
  });
  test('is not met where one platform has none, or one that does not say it', () => {
    const none = [platform('linux/amd64'), platform('linux/arm64', { provenances: [] })];
    expect(verdict('provenance', { platforms: none })).toBe('no: linux/arm64: there is no provenance');
    expect(verdict('provenance,builder=x', { platforms: [platform('linux/amd64', { provenances: [{}] })] })).toMatch(
      /^no: .*names no builder/,
    );
  });
  test('is not met by one of two that disagree', () => {
    const two = [platform('linux/amd64', { provenances: [{ commit: COMMIT }, { commit: 'd'.repeat(40) }] })];
    expect(verdict(`provenance,commit=${COMMIT}`, { platforms: two })).toMatch(/^no: .*has the commit "dddd/);
  });
});

test('signature is what the verification of it came to', () => {
  const signatures = (result: RequirementCheck) => ({ signatures: new Map([['signature', result]]) });
  expect(verdict('signature', { platforms: PLATFORMS })).toMatch(/^no: the signatures of the image were not read/);
  expect(verdict('signature', signatures({ met: true, detail: 'signed by us' }))).toBe('signed by us');
  expect(verdict('signature', signatures({ met: false, reason: 'it is not signed' }))).toBe('no: it is not signed');
  expect(verdict('signature,identity=us', signatures({ met: true, detail: 'signed by us' }))).toMatch(/^no: /);
});

describe('scan', () => {
  const scan = (more: Partial<ScanEvidence> = {}) => ({ scan: { passed: true, age: HOUR, byThisRun: false, ...more } });
  test('is met by a verdict that is young enough', () => {
    expect(verdict('scan,max-age=1h', scan())).toBe('scanned 1h ago, by an unsigned record');
    expect(verdict('scan,max-age=7d', scan({ age: 49 * HOUR, detail: '2 low' }))).toBe(
      'scanned 3d ago (2 low), by an unsigned record',
    );
  });
  test('is met by a scan of this run', () => {
    expect(verdict('scan=now', scan({ byThisRun: true }))).toBe('scanned by this run');
    expect(verdict('scan,max-age=1h', scan({ byThisRun: true, age: 0 }))).toBe('scanned by this run');
  });
  test.each([
    ['scan,max-age=1h', { age: HOUR + 1 }, /the scan was 2h ago, and at most 1h/],
    ['scan=now', { age: 0 }, /not scanned by this run/],
    ['scan,max-age=7d', { passed: false, detail: '1 critical' }, /has not passed \(1 critical\)/],
    ['scan=now', { passed: false, byThisRun: true }, /has not passed/],
    ['scan,max-age=7d', { age: -1 }, /in the future/],
    ['scan,max-age=7d', { age: Number.NaN }, /in the future/],
  ])('%s is not met by %j', (line, more, expected) => {
    expect(verdict(line, scan(more))).toMatch(/^no: /);
    expect(verdict(line, scan(more))).toMatch(expected);
  });
});

describe('deployed', () => {
  const record = (image: Digest, more: Partial<PromotionRecord> = {}) => storedWith({ digest: image, ...more });
  const judged = (environment: Partial<EnvironmentEvidence>, commit: string | undefined = COMMIT) =>
    verdict('deployed=staging', {
      ...(commit === '' ? {} : { commit }),
      environments: new Map([['staging', { records: [], ...environment }]]),
    });
  const rolledBack = record(B, { kind: 'rollback', previousDigest: A, time: '2026-02-01T12:00:00.000Z', held: [A] });

  test('is met when the environment has it now', () => {
    expect(judged({ holds: A })).toBe('staging points to it now');
  });
  test('is met by a record of it', () => {
    expect(judged({ holds: B, records: [record(A)] })).toMatch(/by an unsigned promotion record$/);
  });
  test('is met by a successful deployment of it', () => {
    expect(judged({ deployments: [{ state: 'success', commit: COMMIT }] })).toMatch(/was a success/);
    expect(judged({ deployments: [{ state: 'success', commit: 'd'.repeat(40), digest: A }] })).toMatch(/was a success/);
  });
  test.each([
    ['the environment has another', { holds: B }, /staging points to sha256:b{12}/],
    ['the environment has nothing', { holds: null }, /staging points to nothing/],
    ['the environment was not read', {}, /was not read/],
    ['a record is of another image', { holds: B, records: [record(B)] }, /no promotion record/],
    [
      'a record is of another environment',
      { holds: B, records: [record(A, { environment: 'dev' })] },
      /no promotion record/,
    ],
    ['it was rolled back', { holds: B, records: [record(A), rolledBack] }, /staging was rolled back from/],
    [
      'it was rolled back, whatever the deployment says',
      { holds: B, records: [rolledBack], deployments: [{ state: 'success', commit: COMMIT }] },
      /rolled back/,
    ],
    ['GitHub was not asked', {}, /GitHub deployments could not be read/],
    ['there is no deployment', { deployments: [] }, /no deployment of it$/],
    ['the deployment failed', { deployments: [{ state: 'failure', commit: COMMIT }] }, /its deployment is "failure"/],
    [
      'the deployment is of another commit',
      { deployments: [{ state: 'success', commit: 'd'.repeat(40) }] },
      /no deployment/,
    ],
    [
      'the deployment is of another image of the commit',
      { deployments: [{ state: 'success', commit: COMMIT, digest: B }] },
      /no deployment/,
    ],
  ])('is not when %s', (__, environment, expected) => {
    expect(judged(environment)).toMatch(/^no: /);
    expect(judged(environment)).toMatch(expected);
  });
  test('an image without a commit is met by no deployment of a commit', () => {
    expect(judged({ deployments: [{ state: 'success', commit: COMMIT }] }, '')).toMatch(/^no: /);
  });
  test('another environment says nothing', () => {
    expect(
      verdict('deployed=staging', { environments: new Map([['dev', { holds: A, records: [], deployments: [] }]]) }),
    ).toMatch(/^no: nothing is known/);
  });
});

describe('branch', () => {
  const branches = (relation: 'contains' | 'lacks' | 'unknown') => new Map([['main', relation]]);
  test('is met by a commit in its history', () => {
    expect(verdict('branch=main', { commit: COMMIT, branches: branches('contains') })).toBe('ccccccc is on main');
  });
  test.each([
    ['the commit is elsewhere', { commit: COMMIT, branches: branches('lacks') }, /ccccccc is not on main/],
    ['nobody could tell', { commit: COMMIT, branches: branches('unknown') }, /could not determine/],
    [
      'another branch was looked at',
      { commit: COMMIT, branches: new Map([['dev', 'contains' as const]]) },
      /could not determine/,
    ],
    ['the image names no commit', { branches: branches('contains') }, /names no commit/],
  ])('is not when %s', (__, evidence, expected) => {
    expect(verdict('branch=main', evidence)).toMatch(/^no: /);
    expect(verdict('branch=main', evidence)).toMatch(expected);
  });
});

describe('not-older', () => {
  const judged = (target: TargetEvidence, more: Partial<Evidence> = {}) =>
    verdict('not-older', { commit: COMMIT, target, ...more });
  const held: TargetEvidence = { holds: B, commit: 'd'.repeat(40) };
  test.each([
    ['the environment is empty', { holds: null }, /is empty/],
    ['the environment has it', { holds: A }, /already has this image/],
    ['it is newer', { ...held, relation: 'ahead' as const }, /ccccccc comes after ddddddd/],
    ['it is another build', { ...held, relation: 'same' as const }, /another build/],
  ])('is met when %s', (__, target, expected) => {
    expect(judged(target)).not.toMatch(/^no: /);
    expect(judged(target)).toMatch(expected);
  });
  test.each([
    ['it is older', { ...held, relation: 'behind' as const }, /newer than ccccccc. Use `rollback: true`/],
    ['they have diverged', { ...held, relation: 'diverged' as const }, /neither/],
    ['nobody could tell', { ...held, relation: 'unknown' as const }, /could not determine/],
    ['nobody has looked', held, /could not determine/],
    [
      'the environment names no commit',
      { holds: B, relation: 'ahead' as const },
      /the image in the environment names no commit/,
    ],
  ])('is not when %s', (__, target, expected) => {
    expect(judged(target)).toMatch(/^no: /);
    expect(judged(target)).toMatch(expected);
  });
  test('is not when the image names no commit', () => {
    expect(verdict('not-older', { target: { ...held, relation: 'ahead' } })).toBe('no: the image names no commit');
  });
  test('a rollback may go back, and is let past nothing else', () => {
    expect(judged({ ...held, relation: 'behind' }, { rollback: true })).toMatch(/^a rollback/);
    expect(verdict('sbom', { rollback: true })).toMatch(/^no: /);
  });
});

test('all are judged, each under its own text', () => {
  expect(
    judgeAll([{ name: 'sbom' }, { name: 'branch', branch: 'main' }], { digest: A, platforms: PLATFORMS }),
  ).toMatchObject([
    { name: 'sbom', met: true },
    { name: 'branch=main', met: false },
  ]);
});

describe('P13: proof', () => {
  const proofs = (text: string, check: RequirementCheck) => ({ proofs: new Map([[text, check]]) });
  const signed: RequirementCheck = { met: true, detail: 'SBOM signed by us' };
  const refusal: RequirementCheck = { met: false, reason: 'it was signed by evil' };

  test.each(['sbom', 'provenance', 'scan,max-age=7d'])(
    '%s is met by a signed statement, where there is one',
    (line) => {
      expect(verdict(line, { platforms: PLATFORMS, ...proofs(line, signed) })).toBe('SBOM signed by us');
    },
  );
  test.each(['sbom', 'provenance'])('%s is shown as unsigned otherwise', (line) => {
    expect(verdict(line, { platforms: PLATFORMS, ...proofs(line, refusal) })).toMatch(/ \(unsigned\)$/);
  });
  test.each(['sbom,signed', 'provenance,signed', 'scan,max-age=7d,signed'])('%s is met by nothing else', (line) => {
    const scan = { passed: true, age: HOUR, byThisRun: false };
    expect(verdict(line, { platforms: PLATFORMS, scan })).toBe('no: the signatures of the image were not read');
    expect(verdict(line, { platforms: PLATFORMS, scan, ...proofs(line, refusal) })).toBe('no: it was signed by evil');
    expect(verdict(line, { platforms: PLATFORMS, scan, ...proofs(line, signed) })).toBe('SBOM signed by us');
  });
});
