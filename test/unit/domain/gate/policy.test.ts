import { describe, expect, test } from 'vitest';
import { describeFinding } from '../../../../src/domain/gate/finding.ts';
import { parseIgnoreFile } from '../../../../src/domain/gate/ignore-file.ts';
import type { IgnoreEntry } from '../../../../src/domain/gate/ignores.ts';
import { idsOf, ip, judgeReports, lodash, platformReport, SECRET, TODAY } from '../../../support/gate.ts';

function ignores(text: string): readonly IgnoreEntry[] {
  const parsed = parseIgnoreFile(text, 'accepted.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.entries;
}
const entry = (more = '', expires = '2026-12-31') =>
  ignores(`- id: CVE-2019-10744\n  reason: not reachable\n  expires: ${expires}\n${more}`);

describe('severities', () => {
  test('case 2: a CRITICAL with a fix closes the gate, and its line names all there is to know', () => {
    const gateResult = judgeReports([platformReport([lodash()], { platform: 'linux/arm64' })]);
    expect(gateResult.passed).toBe(false);
    expect(gateResult.gated.map(describeFinding)).toEqual([
      'linux/arm64: CRITICAL CVE-2019-10744 in lodash 4.17.11 → 4.17.12 (app/node_modules/lodash/package.json, layer sha256:cccccccccccc): prototype pollution in defaultsDeep',
    ]);
  });

  test('case 3: a MEDIUM does not, and is still there', () => {
    const gateResult = judgeReports([platformReport([lodash({ severity: 'MEDIUM' })])]);
    expect(gateResult).toMatchObject({ passed: true, gated: [], counts: { total: { MEDIUM: 1, CRITICAL: 0 } } });
    expect(idsOf(gateResult.others)).toEqual(['CVE-2019-10744']);
  });

  test('severities are a set: what is not named does not count, however bad it is', () => {
    const gateResult = judgeReports([platformReport([lodash(), ip()])], { policy: { severities: ['HIGH'] } });
    expect(idsOf(gateResult.gated)).toEqual(['CVE-2024-29415']);
    expect(idsOf(gateResult.others)).toEqual(['CVE-2019-10744']);
  });

  test('case 9: only arm64 is vulnerable, and it is named', () => {
    const gateResult = judgeReports([platformReport(), platformReport([lodash()], { platform: 'linux/arm64' })]);
    expect(gateResult.passed).toBe(false);
    expect(gateResult.gated.map(({ platform }) => platform)).toEqual(['linux/arm64']);
    expect(gateResult.counts.platforms).toMatchObject({
      'linux/amd64': { CRITICAL: 0 },
      'linux/arm64': { CRITICAL: 1 },
    });
    expect(gateResult.platforms.map(({ platform, gated }) => [platform, gated])).toEqual([
      ['linux/amd64', 0],
      ['linux/arm64', 1],
    ]);
  });

  test('case 27: secrets, misconfigurations and licences close it with their class', () => {
    const others = (['misconfiguration', 'license'] as const).map((kind) => ({ ...SECRET, class: kind, id: kind }));
    const gateResult = judgeReports([platformReport([SECRET, ...others])]);
    expect(gateResult.gated.map((each) => each.class)).toEqual(['secret', 'misconfiguration', 'license']);
  });

  test('the worst comes first', () => {
    const gateResult = judgeReports([platformReport([ip(), lodash()])]);
    expect(idsOf(gateResult.gated)).toEqual(['CVE-2019-10744', 'CVE-2024-29415']);
  });

  test('every finding is in exactly one place', () => {
    const reports = [platformReport([lodash(), ip(), lodash({ severity: 'LOW', id: 'CVE-1' }), SECRET])];
    const gateResult = judgeReports(reports, { policy: { ignoreUnfixed: true }, ignores: entry() });
    expect([
      idsOf(gateResult.gated),
      idsOf(gateResult.others),
      idsOf(gateResult.suppressed.map(({ finding }) => finding)),
    ]).toEqual([['github-pat'], ['CVE-1'], ['CVE-2019-10744', 'CVE-2024-29415']]);
  });

  test('a gateResult without any report is no pass', () => {
    expect(() => judgeReports([])).toThrow(RangeError);
  });
});

describe('case 1: ignore-unfixed', () => {
  test('lets a vulnerability without a fix pass, and counts it', () => {
    const gateResult = judgeReports([platformReport([ip()])], { policy: { ignoreUnfixed: true } });
    expect(gateResult.passed).toBe(true);
    expect(gateResult.suppressed).toMatchObject([{ by: 'unfixed', reason: 'no fixed version (status affected)' }]);
    expect(judgeReports([platformReport([ip()])]).passed).toBe(false);
  });

  test.each([
    ['one with a fixed version', lodash()],
    [
      'one that is fixed in a version nobody names',
      ip({ package: { name: 'ip', type: 'x', installed: '1', status: 'fixed' } }),
    ],
    ['a secret', SECRET],
    ['a misconfiguration', { ...SECRET, class: 'misconfiguration' as const }],
  ])('not %s', (_, finding) => {
    expect(judgeReports([platformReport([finding])], { policy: { ignoreUnfixed: true } }).passed).toBe(false);
  });

  test('a will_not_fix has no fix either', () => {
    const finding = ip({ package: { name: 'zlib', type: 'debian', installed: '1', status: 'will_not_fix' } });
    expect(judgeReports([platformReport([finding])], { policy: { ignoreUnfixed: true } }).passed).toBe(true);
  });
});

describe('ignore entries', () => {
  test('case 5: one that holds suppresses, with its reason, place and days left', () => {
    const gateResult = judgeReports([platformReport([lodash()])], { ignores: entry('', '2026-06-16') });
    expect(gateResult.passed).toBe(true);
    expect(gateResult.suppressed).toMatchObject([
      { by: 'ignorefile', reason: 'not reachable', place: 'accepted.yaml:1', expires: '2026-06-16', daysLeft: 1 },
    ]);
    expect(gateResult.warnings).toEqual([]);
  });

  test.each([
    ['tomorrow', '2026-06-16', true],
    ['today, to the end of the day', TODAY, true],
    ['yesterday', '2026-06-14', false],
  ])('case 5: one whose last day is %s', (_, day, passed) => {
    expect(judgeReports([platformReport([lodash()])], { ignores: entry('', day) }).passed).toBe(passed);
  });

  test("Trivy's expired_at is the first day on which it no longer holds", () => {
    const until = (day: string) =>
      ignores(`vulnerabilities:\n  - id: CVE-2019-10744\n    statement: x\n    expired_at: ${day}\n`);
    const passed = (day: string) => judgeReports([platformReport([lodash()])], { ignores: until(day) }).passed;
    expect([passed('2026-06-16'), passed(TODAY)]).toEqual([true, false]);
  });

  test('case 5: one that has ended is named with its day, and the finding counts', () => {
    const gateResult = judgeReports([platformReport([lodash()])], { ignores: entry('', '2026-06-14') });
    expect(gateResult.gated.map(describeFinding)[0]).toMatch(
      /\[ignored until 2026-06-14 by accepted\.yaml:1, which has ended\]$/,
    );
    expect(gateResult.warnings).toEqual([
      {
        text: 'accepted.yaml:1: the entry for CVE-2019-10744 ended on 2026-06-14; a finding counts again.',
        file: 'accepted.yaml',
        line: 1,
      },
    ]);
  });

  test('case 7: one that matches nothing is reported', () => {
    const gateResult = judgeReports([platformReport([ip()])], { ignores: entry() });
    expect(gateResult.warnings).toEqual([
      {
        text: 'accepted.yaml:1: the entry for CVE-2019-10744 matches nothing that was found. Remove it.',
        file: 'accepted.yaml',
        line: 1,
      },
    ]);
  });

  test('one with the right id and the wrong package says where the id was found', () => {
    const { warnings } = judgeReports([platformReport([lodash()])], { ignores: entry('  package: lodash@4.17.11') });
    expect(warnings.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^accepted\.yaml:1: the entry for CVE-2019-10744 does not match what was found, lodash .*in app\/.* of linux\/amd64\. Compare its `package`/,
      ),
    ]);
  });

  test('ids are compared without case', () => {
    const written = ignores('- { id: cve-2019-10744, reason: x, expires: 2027-01-01 }\n');
    expect(judgeReports([platformReport([lodash()])], { ignores: written }).passed).toBe(true);
  });

  test.each([
    ['  package: lodash', true],
    ['  package: underscore', false],
    ['  path: app/**', true],
    ['  path: /app/node_modules/*/package.json', true],
    ['  path: "*/package.json"', false],
    ['  path: other/**', false],
    ['  paths: [other/**, "**/lodash/*"]', true],
    ['  purls: [pkg:npm/lodash]', true],
    ['  purls: ["pkg:npm/lodash@4.17.11"]', true],
    ['  purls: ["pkg:npm/lodash@4.17.10"]', false],
    ['  purls: ["pkg:npm/%40types/lodash"]', false],
    ['  purls: [pkg:pypi/lodash]', false],
    ['  platform: linux/amd64', true],
    ['  platform: linux/x86_64', true],
    ['  platform: linux/arm64', false],
    ['  package: lodash\n  path: other/**', false],
  ])('case 8: the scope `%s` decides', (scope, passed) => {
    expect(judgeReports([platformReport([lodash()])], { ignores: entry(scope) }).passed).toBe(passed);
  });

  test('case 8: an entry for one place does not hide the same CVE elsewhere', () => {
    const reports = [
      platformReport([lodash(), lodash({ path: 'admin/node_modules/lodash/package.json' })]),
      platformReport([lodash()], { platform: 'linux/arm64' }),
    ];
    const gateResult = judgeReports(reports, { ignores: entry('  path: app/**\n  platform: linux/amd64') });
    expect(gateResult.gated.map(({ platform, path }) => [platform, path])).toEqual([
      ['linux/amd64', 'admin/node_modules/lodash/package.json'],
      ['linux/arm64', 'app/node_modules/lodash/package.json'],
    ]);
  });

  test('what an entry names must be there: a path does not match a finding without one', () => {
    const gateResult = judgeReports([platformReport([lodash({ path: undefined })])], {
      ignores: entry('  path: "**"'),
    });
    expect(gateResult.passed).toBe(false);
  });

  test('groups hold for their own kind of finding only', () => {
    const inGroup = (group: string) => ignores(`${group}:\n  - {id: github-pat, reason: x, expires: 2026-12-31}\n`);
    const passed = (group: string) => judgeReports([platformReport([SECRET])], { ignores: inGroup(group) }).passed;
    expect([passed('secrets'), passed('vulnerabilities'), passed('ignores')]).toEqual([true, false, true]);
  });

  test('another id, or an alias of a vendor, does not match', () => {
    const other = ignores('- {id: GHSA-jf85-cpcp-j695, reason: x, expires: 2026-12-31}');
    expect(judgeReports([platformReport([lodash()])], { ignores: other }).passed).toBe(false);
  });
});

describe('case 22 and 23: operating systems', () => {
  const EOL = { system: { family: 'alpine', version: '3.18.4', endOfLife: true } };

  test('past its end of life closes the gate without any vulnerability, whatever the severities are', () => {
    const gateResult = judgeReports([platformReport([], { report: EOL })], { policy: { severities: [] } });
    expect(gateResult.gated.map(describeFinding)).toEqual([
      'linux/amd64: HIGH end-of-life in alpine 3.18.4: alpine 3.18.4 is past its end of life and gets no more security updates',
    ]);
  });

  test('fail-on-eol: false lets it pass with a note', () => {
    const gateResult = judgeReports([platformReport([], { report: EOL })], { policy: { failOnEol: false } });
    expect(gateResult.passed).toBe(true);
    expect(gateResult.notes[0]).toMatch(
      /linux\/amd64: alpine 3\.18\.4 is past its end of life \(`fail-on-eol` is false\)/,
    );
    expect(idsOf(gateResult.others)).toEqual(['end-of-life']);
  });

  test('the end of life can be accepted for a time', () => {
    const accepted = ignores('- {id: end-of-life, reason: moves in May, expires: 2026-12-31}');
    expect(judgeReports([platformReport([], { report: EOL })], { ignores: accepted }).passed).toBe(true);
  });

  const NONE = { system: undefined, systemPackages: undefined };
  const KNOWN_EMPTY = { systemPackages: 0 };
  test.each([
    [
      'os-release of a system that the scanner does not know',
      NONE,
      ['etc/os-release'],
      /does not support the operating system.*the image has etc\/os-release/,
    ],
    ['a package database without os-release', NONE, ['var/lib/dpkg/status'], /var\/lib\/dpkg\/status/],
    [
      'a known system whose package database is empty',
      KNOWN_EMPTY,
      ['etc/os-release', 'lib/apk/db/installed'],
      /found no package of alpine 3\.22\.1 \(the image has etc\/os-release, lib\/apk\/db\/installed\)/,
    ],
    [
      'a known system that the scanner has no result for',
      { systemPackages: undefined },
      ['etc/os-release'],
      /found no package/,
    ],
    ['a Windows image', { ...NONE, os: 'windows' }, [], /Windows/],
  ])('%s fails, unless it is allowed', (_, report, osFiles, message) => {
    const reports = [platformReport([], { report, osFiles })];
    const gateResult = judgeReports(reports, { policy: { severities: ['CRITICAL'] } });
    expect(idsOf(gateResult.gated)).toEqual(['unknown-os']);
    expect(gateResult.gated[0]?.title).toMatch(message);
    const allowed = judgeReports(reports, { policy: { allowUnknownOs: true } });
    expect(allowed.passed).toBe(true);
    expect(allowed.notes[0]).toMatch(/`allow-unknown-os` lets it pass/);
  });

  test('a release that the scanner does not know is not passed over in silence', () => {
    expect(judgeReports([platformReport([], { isUnlisted: true })]).notes).toEqual([
      expect.stringMatching(/does not support the release alpine 3\.22\.1: .* advisories may be missing/),
    ]);
    expect(judgeReports([platformReport()]).notes).toEqual([]);
  });

  test('where no secrets were looked for is told', () => {
    expect(judgeReports([platformReport([], { skipsSecrets: true })]).notes).toEqual([
      expect.stringMatching(/no secrets are looked for in the layers before/),
    ]);
  });

  test('FROM scratch passes, and the note says what was looked at', () => {
    const gateResult = judgeReports([platformReport([], { report: { ...NONE, languagePackages: 0 }, osFiles: [] })]);
    expect(gateResult.passed).toBe(true);
    expect(gateResult.notes).toEqual([
      'linux/amd64: there is no operating system in the image, so only language packages and binaries were looked at, and none was found.',
    ]);
  });

  test('FROM scratch with a vulnerable binary fails', () => {
    const gateResult = judgeReports([platformReport([lodash()], { report: NONE, osFiles: [] })]);
    expect(idsOf(gateResult.gated)).toEqual(['CVE-2019-10744']);
  });

  test('without the scanner for vulnerabilities nothing is said about the system but that', () => {
    const gateResult = judgeReports([platformReport([], { report: { ...NONE }, scanners: ['secret'] })]);
    expect(gateResult).toMatchObject({
      passed: true,
      notes: [expect.stringContaining('vulnerabilities were not looked for')],
    });
  });
});
