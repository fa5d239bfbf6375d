import { describe, expect, test } from 'vitest';
import { bindingProblem, coverageProblem, type ScannedPlatform } from '../../../../src/domain/gate/platform-report.ts';
import { decodeReport } from '../../../../src/domain/gate/report.ts';
import { AMD64_DIGEST, ARM64_DIGEST, platformReport } from '../../../support/gate.ts';

const report = (change: Record<string, unknown> = {}) => ({
  SchemaVersion: 2,
  Trivy: { Version: '0.76.0' },
  ArtifactName: 'linux-amd64',
  Metadata: { ImageID: AMD64_DIGEST, DiffIDs: ['sha256:1'], ImageConfig: { os: 'linux', architecture: 'amd64' } },
  Results: [],
  ...change,
});
const results = (...each: readonly unknown[]) => report({ Results: each });
const vulnerability = { VulnerabilityID: 'CVE-1', PkgName: 'a', InstalledVersion: '1', Severity: 'HIGH' };

test('what Go leaves out when it is empty is empty', () => {
  expect(decodeReport(report({ Results: null }))).toEqual({
    scannerVersion: '0.76.0',
    imageId: AMD64_DIGEST,
    diffIds: ['sha256:1'],
    os: 'linux',
    architecture: 'amd64',
    system: undefined,
    systemPackages: undefined,
    installed: [],
    languagePackages: 0,
    findings: [],
  });
});

test.each<[string, unknown, RegExp]>([
  ['nothing', undefined, /^report: expected an object, got nothing/],
  ['a list', [], /^report: expected an object, got a list/],
  ['schema 1', report({ SchemaVersion: 1 }), /^SchemaVersion: expected 2, got number/],
  ['no metadata', report({ Metadata: undefined }), /^Metadata: expected an object/],
  ['results that are no list', report({ Results: {} }), /^Results: expected a list, got object/],
  [
    'an unknown severity',
    results({}, { Vulnerabilities: [vulnerability, { ...vulnerability, Severity: 'WORST' }] }),
    /^Results\[1\]\.Vulnerabilities\[1\]\.Severity: expected CRITICAL, HIGH.*got "WORST"/,
  ],
  [
    'a vulnerability without id',
    results({ Vulnerabilities: [{ ...vulnerability, VulnerabilityID: 7 }] }),
    /^Results\[0\]\.Vulnerabilities\[0\]\.VulnerabilityID: expected a text, got number/,
  ],
  ['a secret without rule', results({ Secrets: [{}] }), /^Results\[0\]\.Secrets\[0\]\.RuleID/],
  [
    'findings that the scanner itself left out',
    results({ ExperimentalModifiedFindings: [{}] }),
    /^Results\[0\]: the scanner itself has left out 1 findings/,
  ],
  [
    'an EOSL that is a text',
    report({ Metadata: { ...report().Metadata, OS: { Family: 'alpine', EOSL: 'no' } } }),
    /^Metadata\.OS\.EOSL/,
  ],
])('a report with %s says where it is wrong', (_, json, message) => {
  expect(() => decodeReport(json)).toThrow(message);
});

test('an empty severity is UNKNOWN, passed checks are no findings, and texts are one bounded line', () => {
  const { findings } = decodeReport(
    results(
      {
        Class: 'lang-pkgs',
        Target: 'usr/bin/app',
        Vulnerabilities: [{ ...vulnerability, Severity: '', Title: `a\n::warning::b${'x'.repeat(5000)}` }],
      },
      {
        Class: 'config',
        Target: 'Dockerfile',
        Misconfigurations: [
          { ID: 'P', Status: 'PASS' },
          { ID: 'F', Status: 'FAIL', Severity: 'LOW' },
          { ID: 'N', Severity: 'LOW' },
        ],
      },
    ),
  );
  expect(findings.map(({ id, severity, path }) => [id, severity, path])).toEqual([
    ['CVE-1', 'UNKNOWN', 'usr/bin/app'],
    ['F', 'LOW', 'Dockerfile'],
    ['N', 'LOW', 'Dockerfile'],
  ]);
  expect(findings[0]?.title).toMatch(/^a ::warning::bx+$/);
  expect(findings[0]?.title?.length).toBeLessThanOrEqual(1000);
});

test('P8: the text of a secret is not taken over', () => {
  const decoded = decodeReport(
    results({
      Class: 'secret',
      Target: '/a',
      Secrets: [{ RuleID: 'r', Match: 'canary', Code: { Lines: [{ Content: 'canary' }] } }],
    }),
  );
  expect(JSON.stringify(decoded)).not.toContain('canary');
});

describe('a report is bound to its platform', () => {
  const expected: ScannedPlatform = {
    name: 'linux/amd64',
    platform: { os: 'linux', architecture: 'amd64' },
    configDigest: AMD64_DIGEST,
    diffIds: ['sha256:1'],
  };
  const decoded = decodeReport(report());
  test.each<[string, string | RegExp | undefined, Partial<typeof decoded>, Partial<ScannedPlatform>]>([
    ['all is equal', undefined, {}, {}],
    ['another config', /about the image sha256:a/, { imageId: ARM64_DIGEST }, {}],
    ['other layers', /about 1 layers \(sha256:2\), expected sha256:1/, { diffIds: ['sha256:2'] }, {}],
    ['fewer layers', /about 0 layers \(none\)/, { diffIds: [] }, {}],
    [
      'layers in another order',
      /about 2 layers/,
      { diffIds: ['sha256:2', 'sha256:1'] },
      { diffIds: ['sha256:1', 'sha256:2'] },
    ],
    ['no layers on either side', /no layers, so a scan would look at nothing/, { diffIds: [] }, { diffIds: [] }],
    ['another architecture', /about linux\/arm64, expected linux\/amd64/, { architecture: 'arm64' }, {}],
    ['another system', /about windows\/amd64/, { os: 'windows' }, {}],
    ['another scanner', /written by version 0\.74\.0, expected 0\.76\.0/, { scannerVersion: '0.74.0' }, {}],
    ['a scanner without a version', /written by version \(none\)/, { scannerVersion: undefined }, {}],
  ])('%s', (_, problem, change, other) => {
    const found = bindingProblem({ ...decoded, ...change }, { ...expected, ...other }, '0.76.0');
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe('case 13: every platform has exactly one report', () => {
  const amd64 = { name: 'linux/amd64', digest: AMD64_DIGEST };
  const arm64 = { name: 'linux/arm64', digest: ARM64_DIGEST };
  const [reportA, reportB] = [platformReport(), platformReport([], { platform: 'linux/arm64' })];
  test.each([
    ['all there', [amd64, arm64], [reportA, reportB], undefined],
    ['one missing', [amd64, arm64], [reportA], /linux\/arm64 \(sha256:a+\) has 0 reports/],
    ['one twice', [amd64, arm64], [reportA, reportA, reportB], /linux\/amd64 .* has 2 reports/],
    ['one too many', [amd64], [reportA, reportB], /report about linux\/arm64 .* not in the image/],
    ['no platform at all', [], [], /has no platform/],
  ])('%s', (_, expected, reports, problem) => {
    const found = coverageProblem(expected, reports);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});
