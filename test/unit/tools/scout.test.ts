import { expect, it } from 'vitest';
import { readScout } from '../../../src/tools/scout/scout.ts';

const report = (rules: readonly object[], ids: readonly string[]) =>
  JSON.stringify({ runs: [{ tool: { driver: { rules } }, results: ids.map((ruleId) => ({ ruleId })) }] });

it('reads vulnerabilities with their packages', () => {
  const rules = [
    {
      id: 'CVE-2024-1',
      properties: {
        cvssV3_severity: 'CRITICAL',
        fixed_version: '3.1',
        purls: ['pkg:deb/debian/openssl@3.0?os_name=debian', 'pkg:deb/debian/libssl3@3.0'],
      },
    },
    { id: 'CVE-2024-2', properties: { 'security-severity': '7.5', fixed_version: 'not fixed', purls: ['no purl'] } },
  ];
  expect(readScout(report(rules, ['CVE-2024-1', 'CVE-2024-2']))).toEqual({
    source: 'scout',
    status: 'complete',
    findings: [
      { id: 'CVE-2024-1', severity: 'CRITICAL', package: 'libssl3', version: '3.0', fixed: '3.1' },
      { id: 'CVE-2024-1', severity: 'CRITICAL', package: 'openssl', version: '3.0', fixed: '3.1' },
      { id: 'CVE-2024-2', severity: 'HIGH' },
    ],
  });
});

it('a result without its rule is a finding of unknown severity', () => {
  expect(readScout(report([], ['CVE-2024-9'])).findings).toEqual([{ id: 'CVE-2024-9', severity: 'UNKNOWN' }]);
});

it.each(['', '{', '{}', '[]', '{"runs": 1}'])('%j is a failed scan, not a clean image', (text) => {
  const { status, findings } = readScout(text);
  expect(status).toBe('failed');
  expect(findings).toBeUndefined();
});

it('an empty run is a clean image', () => {
  expect(readScout(report([], []))).toMatchObject({ status: 'complete', findings: [] });
});
