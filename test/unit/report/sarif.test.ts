import { describe, expect, test } from 'vitest';
import { parseIgnoreFile } from '../../../src/domain/gate/ignore-file.ts';
import { toSarif } from '../../../src/report/sarif.ts';
import { INDEX_DIGEST, ip, judgeReports, lodash, platformReport, SECRET } from '../../support/gate.ts';

const OPTIONS = { image: 'ghcr.io/org/app', dockerfile: 'docker/Dockerfile', trivyVersion: '0.76.0' };
const LOW = lodash({ id: 'CVE-1', severity: 'LOW' });
const verdict = judgeReports([
  platformReport([lodash(), LOW, SECRET]),
  platformReport([], { platform: 'linux/arm64' }),
]);

test('case 37: one run for each platform, each with a category of its own, also when it is clean', () => {
  const { runs } = toSarif(verdict, OPTIONS);
  expect(runs.map((run) => [run.automationDetails.id, run.results.length])).toEqual([
    ['registry-action/ghcr.io/org/app/linux-amd64/', 3],
    ['registry-action/ghcr.io/org/app/linux-arm64/', 0],
  ]);
});

test('case 37: severities are complete while the gate has a set', () => {
  const { runs } = toSarif(
    judgeReports([platformReport([lodash(), LOW, ip()])], { policy: { severities: [], ignoreUnfixed: true } }),
    OPTIONS,
  );
  expect(runs[0]?.results.map(({ ruleId, level }) => [ruleId, level])).toEqual([
    ['CVE-2019-10744', 'error'],
    ['CVE-2024-29415', 'error'],
    ['CVE-1', 'note'],
  ]);
});

test('case 37: no tag, digest, or path of the run in category, location or fingerprint', () => {
  const text = JSON.stringify(
    toSarif(verdict, OPTIONS).runs.map(({ automationDetails, results }) => [automationDetails, results]),
  );
  expect(text).not.toContain(INDEX_DIGEST);
  expect(text).not.toMatch(/sha256:|\/tmp\/|_temp|runner/);
});

describe('fingerprints', () => {
  const of = (finding: ReturnType<typeof lodash>) =>
    toSarif(judgeReports([platformReport([finding])]), OPTIONS).runs[0]?.results[0]?.partialFingerprints;

  test('stay the same when version, layer, title or line change', () => {
    const pkg = { name: 'lodash', type: 'node-pkg', installed: '4.17.5', fixed: '5' };
    expect(of(lodash({ package: pkg, layer: 'sha256:other', title: 'other' }))).toEqual(of(lodash()));
    expect(of({ ...SECRET, line: 99 })).toEqual(of(SECRET));
  });

  test('differ by id, package and path, and between twins', () => {
    const all = [
      of(lodash()),
      of(lodash({ id: 'CVE-2' })),
      of(lodash({ path: 'b/package.json' })),
      of(lodash({ package: { name: 'b', type: 'node-pkg', installed: '1' } })),
    ];
    expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(all.length);
    const twins = toSarif(judgeReports([platformReport([SECRET, { ...SECRET, line: 9 }])]), OPTIONS).runs[0]?.results;
    const [first, second] = twins?.map((each) => each.partialFingerprints.primaryLocationLineHash ?? '') ?? [];
    expect([first?.slice(-2), second?.slice(-2)]).toEqual([':1', ':2']);
  });
});

test('rules are listed once, with the worst severity, and results point at them', () => {
  const both = [lodash({ severity: 'LOW' }), lodash({ path: 'b/package.json' })];
  const run = toSarif(judgeReports([platformReport(both)]), OPTIONS).runs[0];
  expect(run?.tool.driver.rules).toMatchObject([
    {
      id: 'CVE-2019-10744',
      helpUri: 'https://avd.aquasec.com/nvd/cve-2019-10744',
      properties: { 'security-severity': '9.5', tags: ['vulnerability', 'security', 'CRITICAL'] },
    },
  ]);
  expect(run?.results.map(({ ruleIndex }) => ruleIndex)).toEqual([0, 0]);
});

test.each([
  ['CRITICAL', 'error', '9.5'],
  ['HIGH', 'error', '8.0'],
  ['MEDIUM', 'warning', '5.5'],
  ['LOW', 'note', '2.0'],
  ['UNKNOWN', 'note', '0.0'],
] as const)('%s is level %s with score %s', (severity, level, score) => {
  const run = toSarif(judgeReports([platformReport([lodash({ severity })])]), OPTIONS).runs[0];
  expect(run?.results[0]?.level).toBe(level);
  expect(run?.tool.driver.rules[0]).toMatchObject({ properties: { 'security-severity': score } });
});

test('alerts point at the Dockerfile and name the place inside of the image', () => {
  expect(toSarif(verdict, OPTIONS).runs[0]?.results[0]).toMatchObject({
    message: {
      text: expect.stringMatching(
        /CVE-2019-10744 \(CRITICAL\) in lodash 4\.17\.11 → 4\.17\.12: .*\nPlatform: linux\/amd64\nFound in: app\/node_modules/,
      ),
    },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: 'docker/Dockerfile' }, region: { startLine: 1 } },
        logicalLocations: [{ name: 'lodash', fullyQualifiedName: 'pkg:npm/lodash@4.17.11', kind: 'module' }],
      },
    ],
  });
});

test('what was accepted is there, suppressed with its reason; what is unfixed is open', () => {
  const parsed = parseIgnoreFile('- {id: CVE-2019-10744, reason: not reachable, expires: 2026-12-31}', 'accepted.yaml');
  const ignores = 'entries' in parsed ? parsed.entries : [];
  const judged = judgeReports([platformReport([lodash(), ip()])], { ignores, policy: { ignoreUnfixed: true } });
  expect(toSarif(judged, OPTIONS).runs[0]?.results.map(({ ruleId, suppressions }) => [ruleId, suppressions])).toEqual([
    ['CVE-2024-29415', []],
    [
      'CVE-2019-10744',
      [{ kind: 'external', status: 'accepted', justification: 'not reachable (until 2026-12-31), accepted.yaml:1' }],
    ],
  ]);
});
