import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { parseIgnoreFile } from '../../../../src/domain/gate/ignore-file.ts';
import type { PlatformReport } from '../../../../src/domain/gate/platform-report.ts';
import { baselineOf } from '../../../../src/domain/gate/policy.ts';
import type { ReportFinding } from '../../../../src/domain/gate/report.ts';
import { INDEX_DIGEST, idsOf, ip, judgeReports, lodash, platformReport, SECRET, TODAY } from '../../../support/gate.ts';

const DIGEST = `sha256:${'d'.repeat(64)}` as const;
const POLICY = { failOnEol: true, allowUnknownOs: false };
const arm64 = { platform: 'linux/arm64' } as const;

const baseline = (reports: readonly PlatformReport[], digest: Digest = DIGEST) =>
  baselineOf('ghcr.io/org/app:main', digest, reports, POLICY);

/** Whether an image with these findings passes beside a baseline with those. */
function passes(before: readonly ReportFinding[], now: readonly ReportFinding[]): boolean {
  return judgeReports([platformReport(now)], { baseline: baseline([platformReport(before)]) }).passed;
}

test('what the baseline has passes and is listed, what it lacks fails, what is gone is shown as fixed', () => {
  const fixed = lodash({ id: 'CVE-2020-8203', severity: 'HIGH' });
  const gateResult = judgeReports([platformReport([lodash(), ip()])], {
    baseline: baseline([platformReport([lodash(), fixed])]),
  });
  expect(gateResult.passed).toBe(false);
  expect(idsOf(gateResult.gated)).toEqual(['CVE-2024-29415']);
  expect(gateResult.gated[0]?.baseline).toBe('new');
  expect(gateResult.suppressed).toMatchObject([
    { finding: { id: 'CVE-2019-10744', baseline: 'known' }, by: 'baseline', reason: 'ghcr.io/org/app:main has it' },
  ]);
  expect(idsOf(gateResult.comparison?.fixed ?? [])).toEqual(['CVE-2020-8203']);
  expect(gateResult.comparison).toMatchObject({ platforms: ['linux/amd64'], missing: [], isSameImage: false });
});

test('without a baseline nothing is called known or new', () => {
  const gateResult = judgeReports([platformReport([lodash()])]);
  expect(gateResult.comparison).toBeUndefined();
  expect(gateResult.gated[0]).not.toHaveProperty('baseline');
});

describe('platforms', () => {
  test('what another platform of the baseline has is new', () => {
    const gateResult = judgeReports([platformReport([lodash()]), platformReport([lodash()], arm64)], {
      baseline: baseline([platformReport([]), platformReport([lodash()], arm64)]),
    });
    expect(gateResult.gated.map(({ platform }) => platform)).toEqual(['linux/amd64']);
  });

  test('a platform that the baseline lacks has no known findings, and is named', () => {
    const gateResult = judgeReports([platformReport([lodash()]), platformReport([lodash()], arm64)], {
      baseline: baseline([platformReport([lodash()])]),
    });
    expect(gateResult.gated.map(({ platform }) => platform)).toEqual(['linux/arm64']);
    expect(gateResult.comparison?.missing).toEqual(['linux/arm64']);
  });

  test('what was on a platform that the image does not have is not fixed', () => {
    const gateResult = judgeReports([platformReport([])], {
      baseline: baseline([platformReport([]), platformReport([lodash()], arm64)]),
    });
    expect(gateResult.comparison?.fixed).toEqual([]);
  });

  test('two spellings of one platform are the same', () => {
    const gateResult = judgeReports([platformReport([lodash()], arm64)], {
      baseline: baseline([platformReport([lodash()], { platform: 'linux/arm64/v8' })]),
    });
    expect(gateResult.passed).toBe(true);
  });
});

const pkg = (change: Partial<NonNullable<ReportFinding['package']>>) =>
  lodash({ package: { name: 'lodash', type: 'node-pkg', installed: '4.17.11', fixed: '4.17.12', ...change } });
const at = (path: string) => lodash({ path });
const misconfiguration: ReportFinding = {
  class: 'misconfiguration',
  id: 'DS-0002',
  severity: 'HIGH',
  target: 'image config',
};
const licence: ReportFinding = {
  class: 'license',
  id: 'AGPL-3.0',
  severity: 'CRITICAL',
  target: 'Node.js',
  package: { name: 'a', type: 'node-pkg', installed: '' },
};

describe('what is one and the same finding', () => {
  test.each<readonly [string, readonly ReportFinding[], readonly ReportFinding[], boolean]>([
    ['an update that keeps the vulnerability', [pkg({ installed: '4.17.5' })], [pkg({})], true],
    ['another fixed version', [pkg({ fixed: '4.17.13' })], [pkg({})], true],
    ['another vulnerability of the package', [lodash({ id: 'CVE-2' })], [lodash()], false],
    ['the same vulnerability of another package', [pkg({ name: 'lodash-es' })], [pkg({})], false],
    ['a package of the same name of another kind', [pkg({ type: 'debian' })], [pkg({})], false],
    ['a package that has moved', [at('a/package.json')], [at('b/package.json')], true],
    ['a second copy', [at('a/package.json')], [at('a/package.json'), at('b/package.json')], false],
    ['a copy less', [at('a/package.json'), at('b/package.json')], [at('b/package.json')], true],
    ['two copies that have moved', [at('a/p'), at('b/p')], [at('c/p'), at('d/p')], true],
    ['a secret on another line', [SECRET], [{ ...SECRET, line: 99 }], true],
    ['a secret in another file', [SECRET], [{ ...SECRET, path: 'b', target: 'b' }], false],
    ['another rule in the same file', [{ ...SECRET, id: 'aws' }], [SECRET], false],
    ['other text around the secret', [{ ...SECRET, context: 'a' }], [{ ...SECRET, context: 'b' }], false],
    ['a second secret in the file', [SECRET], [SECRET, { ...SECRET, line: 9 }], false],
    ['a check of the image config', [misconfiguration], [misconfiguration], true],
    ['a check of another file', [misconfiguration], [{ ...misconfiguration, path: 'a', target: 'a' }], false],
    ['a licence of the same package', [licence], [licence], true],
    [
      'a licence of another package',
      [licence],
      [{ ...licence, package: { name: 'b', type: 'node-pkg', installed: '' } }],
      false,
    ],
  ])('%s', (_, before, now, passed) => {
    expect(passes(before, now)).toBe(passed);
  });

  test.each([
    ['3.17.1', true],
    ['3.18.0', true],
  ])('a system past its end of life was there before as alpine %s', (version, passed) => {
    const of = (release: string) => ({
      report: {
        ...platformReport().report,
        system: { family: 'alpine', version: release, endOfLife: true },
      },
    });
    const gateResult = judgeReports([platformReport([], of('3.18.0'))], {
      baseline: baseline([platformReport([], of(version))]),
    });
    expect(gateResult.passed).toBe(passed);
  });

  test('a system that the scanner cannot read is never known', () => {
    const unknown = platformReport([], {
      report: { ...platformReport().report, system: undefined, systemPackages: undefined },
    });
    const gateResult = judgeReports([unknown], { baseline: baseline([unknown]) });
    expect(idsOf(gateResult.gated)).toEqual(['unknown-os']);
  });
});

describe('beside other decisions', () => {
  const entries = (day: string) => {
    const parsed = parseIgnoreFile(`- {id: CVE-2019-10744, reason: x, expires: ${day}}`, 'accepted.yaml');
    return 'entries' in parsed ? parsed.entries : [];
  };
  const beside = baseline([platformReport([lodash()])]);

  test('an ignore entry that has ended is not extended by the baseline', () => {
    const gateResult = judgeReports([platformReport([lodash()])], { ignores: entries('2026-06-14'), baseline: beside });
    expect(gateResult.gated[0]?.remark).toMatch(/ended/);
  });

  test('an ignore entry that holds keeps its reason', () => {
    const gateResult = judgeReports([platformReport([lodash()])], { ignores: entries(TODAY), baseline: beside });
    expect(gateResult.suppressed.map(({ by }) => by)).toEqual(['ignorefile']);
  });

  test('what the policy does not ask for stays where it was', () => {
    const gateResult = judgeReports([platformReport([lodash({ severity: 'LOW' })])], { baseline: beside });
    expect(gateResult.others).toMatchObject([{ baseline: 'known' }]);
  });

  test('a baseline that is the image itself is said to be', () => {
    const gateResult = judgeReports([platformReport([lodash()])], {
      baseline: baseline([platformReport([lodash()])], INDEX_DIGEST),
    });
    expect(gateResult.comparison?.isSameImage).toBe(true);
  });
});
