import { describe, expect, test } from 'vitest';
import { looserThan, readScanTerms, type ScanTerms } from '../../../../src/domain/promotion/scan-terms.ts';

const STRICT: ScanTerms = {
  severity: ['HIGH', 'CRITICAL'],
  scanners: ['vuln', 'secret'],
  ignoreUnfixed: false,
  failOnEol: true,
  allowUnknownOs: false,
};

describe('terms of a scan', () => {
  test.each<[string, Partial<ScanTerms>, string]>([
    ['severities', { severity: ['CRITICAL'] }, 'let HIGH pass'],
    ['scanners', { scanners: ['vuln'] }, 'did not look with secret'],
    ['fixes', { ignoreUnfixed: true }, 'let pass what has no fix'],
    ['age of the system', { failOnEol: false }, 'let systems pass that are past their end of life'],
    ['unknown systems', { allowUnknownOs: true }, 'let unknown systems pass'],
    ['blind spots', { acceptUnscanned: ['lock-file=app/**'] }, 'did not scan lock-file=app/**'],
    ['a baseline', { baseline: true }, 'let findings pass that its baseline had'],
  ])('less strict in %s', (_, terms, phrase) => {
    expect(looserThan(STRICT, { ...STRICT, ...terms })).toEqual([phrase]);
    // The other way round it is stricter than it has to be.
    expect(looserThan({ ...STRICT, ...terms }, STRICT)).toEqual([]);
  });

  test('can be read back, and nothing else is taken for them', () => {
    const eased = { ...STRICT, baseline: true, acceptUnscanned: ['lock-file=app/yarn.lock'] };
    for (const terms of [STRICT, eased]) expect(readScanTerms(JSON.parse(JSON.stringify(terms)))).toEqual(terms);
    for (const wrong of [
      undefined,
      null,
      [],
      { ...STRICT, severity: 'HIGH' },
      { ...STRICT, severity: ['HIGH\n'] },
      { ...STRICT, scanners: [7] },
      { ...STRICT, failOnEol: 'true' },
      { ...STRICT, severity: new Array(21).fill('LOW') },
      { ...STRICT, acceptUnscanned: 'lock-file=a' },
      { ...STRICT, acceptUnscanned: ['lock-file=a\nb'] },
    ]) {
      expect(readScanTerms(wrong)).toBeUndefined();
    }
  });
});
