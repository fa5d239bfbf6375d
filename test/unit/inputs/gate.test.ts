import { describe, expect, test } from 'vitest';
import type { Parsed } from '../../../src/domain/parsed.ts';
import { type GateTerms, readGate, stricterGate } from '../../../src/inputs/gate.ts';

function termsOf(fields: object): GateTerms {
  const read: Parsed<GateTerms> = readGate(fields, () => 'gate');
  if (!read.ok) throw new Error(read.problems.join());
  return read.value;
}

const [lock, pom] = ['lock-file=app/yarn.lock', 'lock-file=app/pom.xml'];

describe('the stricter of two ways to judge a scan', () => {
  test.each([
    ['severity', { severity: ['LOW'] }, { severity: ['HIGH'] }, { severity: ['LOW', 'HIGH'] }],
    ['scanners', { scanners: 'vuln' }, { scanners: 'secret' }, { scanners: ['vuln', 'secret'] }],
    ['ignore-unfixed', { 'ignore-unfixed': true }, {}, { 'ignore-unfixed': false }],
    ['fail-on-eol', { 'fail-on-eol': false }, {}, { 'fail-on-eol': true }],
    ['allow-unknown-os', { 'allow-unknown-os': true }, {}, { 'allow-unknown-os': false }],
    ['an age of the database', { 'max-db-age': '30d' }, { 'max-db-age': '12h' }, { 'max-db-age': 12 * 3_600_000 }],
    ['an ignore file that one names', { ignorefile: 'a.yaml' }, {}, { ignorefile: undefined }],
    ['two ignore files', { ignorefile: 'a.yaml' }, { ignorefile: 'b.yaml' }, { ignorefile: undefined }],
    ['the same ignore file', { ignorefile: 'a.yaml' }, { ignorefile: 'a.yaml' }, { ignorefile: 'a.yaml' }],
    ['VEX documents', { vex: ['a.json', 'b.json'] }, { vex: ['b.json'] }, { vex: ['b.json'] }],
    ['an accepted blind spot that one names', { 'accept-unscanned': [lock] }, {}, { 'accept-unscanned': [] }],
    [
      'accepted blind spots',
      { 'accept-unscanned': [lock, pom] },
      { 'accept-unscanned': [pom] },
      { 'accept-unscanned': [{ kind: 'lock-file', glob: 'app/pom.xml' }] },
    ],
  ])('%s, whichever comes first', (_, one, other, expected) => {
    const [a, b] = [termsOf(one), termsOf(other)];
    const sorted = (terms: GateTerms) => ({
      ...terms,
      severity: terms.severity.toSorted(),
      scanners: terms.scanners.toSorted(),
    });
    expect(stricterGate(a, b)).toMatchObject(expected);
    expect(sorted(stricterGate(b, a))).toEqual(sorted(stricterGate(a, b)));
    // Every input of the gate is decided: none is dropped, and none is one side's.
    expect(Object.keys(stricterGate(a, b)).toSorted()).toEqual(Object.keys(a).toSorted());
  });
});
