import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parseIgnoreFile } from '../../../src/domain/gate/ignore-file.ts';
import { baselineOf } from '../../../src/domain/gate/policy.ts';
import { defaultCategory, renderSarif, toSarif } from '../../../src/report/sarif.ts';
import { INDEX_DIGEST, ip, judgeReports, lodash, platformReport, SECRET } from '../../support/gate.ts';

const OPTIONS = {
  category: 'registry-action/ghcr.io/org/app',
  dockerfile: 'docker/Dockerfile',
  trivyVersion: '0.76.0',
};
const LOW = lodash({ id: 'CVE-1', severity: 'LOW' });
const gateResult = judgeReports([
  platformReport([lodash(), LOW, SECRET]),
  platformReport([], { platform: 'linux/arm64' }),
]);

test('case 37: one run for each platform, each with a category of its own, also when it is clean', () => {
  const { runs } = toSarif(gateResult, OPTIONS);
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
    toSarif(gateResult, OPTIONS).runs.map(({ automationDetails, results }) => [automationDetails, results]),
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
  expect(toSarif(gateResult, OPTIONS).runs[0]?.results[0]).toMatchObject({
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

const SCHEMA: unknown = JSON.parse(readFileSync(new URL('../../contracts/sarif-2.1.0.json', import.meta.url), 'utf8'));

describe('what GitHub accepts', () => {
  const isValid = new Ajv({
    strict: false,
    validateFormats: false,
    meta: false,
    validateSchema: false,
    unicodeRegExp: false,
  }).compile(Object(SCHEMA));
  const many = (count: number) => Array.from({ length: count }, (_, at) => lodash({ id: `CVE-${at}` }));

  test('all of it is SARIF 2.1.0, with known and accepted findings', () => {
    const parsed = parseIgnoreFile('- {id: CVE-2, reason: x, expires: 2026-12-31}', 'accepted.yaml');
    const judged = judgeReports([platformReport([lodash(), lodash({ id: 'CVE-2' }), ip(), SECRET])], {
      ignores: 'entries' in parsed ? parsed.entries : [],
      baseline: baselineOf('ghcr.io/org/app:main', INDEX_DIGEST, [platformReport([ip()])], {
        failOnEol: true,
        allowUnknownOs: false,
      }),
    });
    const sarif = toSarif(judged, OPTIONS);
    expect(isValid(sarif), JSON.stringify(isValid.errors)).toBe(true);
    expect(isValid({ ...sarif, version: '2.0.0' })).toBe(false);
    expect(sarif.runs[0]?.results.map(({ ruleId, baselineState }) => [ruleId, baselineState])).toEqual([
      ['CVE-2019-10744', 'new'],
      ['github-pat', 'new'],
      ['CVE-2', 'new'],
      ['CVE-2024-29415', 'unchanged'],
    ]);
  });

  test('25,000 results of a run, the gravest, and a note', () => {
    const judged = judgeReports([
      platformReport([...many(25_000).map((each) => ({ ...each, severity: 'LOW' as const })), lodash()]),
    ]);
    const { text, note } = renderSarif(judged, OPTIONS);
    const { runs } = JSON.parse(text);
    expect(runs[0].results).toHaveLength(25_000);
    expect(runs[0].results[0].ruleId).toBe('CVE-2019-10744');
    expect(note).toMatch(/has 25000 of 25001 findings/);
  });

  test('20 runs, and a note', () => {
    const reports = Array.from({ length: 22 }, (_, at) => platformReport([lodash()], { platform: `linux/a${at}` }));
    const { text, note } = renderSarif(judgeReports(reports), OPTIONS);
    expect(JSON.parse(text).runs).toHaveLength(20);
    expect(note).toMatch(/has 20 of 22/);
  });

  test('a size compressed, and a note', () => {
    const limits = { runs: 20, results: 25_000, gzipBytes: 4000 };
    const { text, note } = renderSarif(judgeReports([platformReport(many(500))]), OPTIONS, limits);
    expect(gzipSync(text).length).toBeLessThanOrEqual(4000);
    expect(note).toMatch(/of 500 findings/);
  });

  test('what fits has no note', () => {
    expect(renderSarif(gateResult, OPTIONS).note).toBeUndefined();
  });

  test('a path with signs that mean something in an address', () => {
    const [run] = toSarif(gateResult, { ...OPTIONS, dockerfile: 'a#b/c d:e' }).runs;
    expect(JSON.stringify(run?.results[0]?.locations)).toContain('"uri":"a%23b/c%20d%3Ae"');
  });

  test.each([
    ['Dockerfile', undefined, 'registry-action/app'],
    ['alpine/Dockerfile', undefined, 'registry-action/app/alpine/Dockerfile'],
    ['Dockerfile', 'slim', 'registry-action/app/slim'],
  ])('the default category of %s and target %s', (dockerfile, target, category) => {
    expect(defaultCategory('app', dockerfile, target)).toBe(category);
  });
});
