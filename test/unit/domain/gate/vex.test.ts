import { describe, expect, test } from 'vitest';
import { parseVex } from '../../../../src/domain/gate/vex.ts';
import { ARM64_DIGEST, INDEX_DIGEST, ip, judgeReports, lodash, platformReport } from '../../../support/gate.ts';

const document = (...statements: readonly unknown[]) =>
  JSON.stringify({
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex',
    author: 'security',
    timestamp: '2026-01-01T00:00:00Z',
    version: 1,
    statements,
  });
const statement = (more: Record<string, unknown> = {}) => ({
  vulnerability: { name: 'CVE-2019-10744' },
  products: [{ '@id': `pkg:oci/app@${encodeURIComponent(INDEX_DIGEST)}` }],
  status: 'not_affected',
  justification: 'vulnerable_code_not_in_execute_path',
  ...more,
});
const product = (id: string, ...subcomponents: readonly string[]) => ({
  products: [
    {
      '@id': id,
      ...(subcomponents.length === 0 ? {} : { subcomponents: subcomponents.map((each) => ({ '@id': each })) }),
    },
  ],
});
const judged = (statements: readonly unknown[], finding = lodash()) =>
  judgeReports([platformReport([finding], { platform: 'linux/arm64' })], {
    vex: parseVex(document(...statements), 'app.openvex.json'),
  });

test('case 26: not_affected suppresses, and is shown with its justification and place', () => {
  const gateResult = judged([statement()]);
  expect(gateResult.passed).toBe(true);
  expect(gateResult.suppressed).toMatchObject([
    { by: 'vex', reason: 'not_affected: vulnerable_code_not_in_execute_path', place: 'app.openvex.json statements[0]' },
  ]);
});

describe('case 26: only statements about this image or this package count', () => {
  const digest = (value: string) => encodeURIComponent(value);
  test.each([
    ['the index', `pkg:oci/app@${digest(INDEX_DIGEST)}`, true],
    ['the platform', `pkg:oci/app@${digest(ARM64_DIGEST)}?repository_url=ghcr.io/org/app&arch=arm64`, true],
    ['another digest', `pkg:oci/app@${digest(`sha256:${'9'.repeat(64)}`)}`, false],
    ['another platform', `pkg:oci/app@${digest(INDEX_DIGEST)}?arch=amd64`, false],
    ['the repository, in every version', 'pkg:oci/app?repository_url=ghcr.io/org/app', true],
    ['another repository', 'pkg:oci/app?repository_url=ghcr.io/other/app', false],
    ['a name alone, which could be anybody', 'pkg:oci/app', false],
    ['the package', 'pkg:npm/lodash@4.17.11', true],
    ['the package in every version', 'pkg:npm/lodash', true],
    ['another version', 'pkg:npm/lodash@4.17.10', false],
    ['another package', 'pkg:npm/underscore', false],
    ['no purl', 'https://example.com/app', false],
  ])('%s', (_, id, passed) => {
    expect(judged([statement(product(id))]).passed).toBe(passed);
  });

  test.each([
    ['this image, the package as a part', 'pkg:oci/app?repository_url=ghcr.io/org/app', 'pkg:npm/lodash@4.17.11', true],
    ['this image, another part', 'pkg:oci/app?repository_url=ghcr.io/org/app', 'pkg:npm/ip', false],
    ['another image', 'pkg:oci/app?repository_url=ghcr.io/other/app', 'pkg:npm/lodash', false],
    ['a package with parts', 'pkg:npm/lodash', 'pkg:npm/lodash', false],
  ])('subcomponents: %s', (_, id, part, passed) => {
    expect(judged([statement(product(id, part))]).passed).toBe(passed);
  });

  test.each([
    ['pkg:npm/lodash', true],
    ['pkg:npm/ip', false],
  ])('subcomponents beside the products, as in version 0.0.1: %s', (part, passed) => {
    const products = ['pkg:oci/app?repository_url=ghcr.io/org/app'];
    const old = statement({ vulnerability: 'CVE-2019-10744', products, subcomponents: [part] });
    expect(judged([old]).passed).toBe(passed);
  });

  test('another vulnerability', () => {
    expect(judged([statement({ vulnerability: { name: 'CVE-2000-1' } })]).passed).toBe(false);
  });

  test.each([{ name: 'GHSA-jf85-cpcp-j695' }, { name: 'X-1', aliases: ['CVE-2019-10744'] }])(
    'the same by another name: %j',
    (vulnerability) => {
      expect(judged([statement({ vulnerability })]).passed).toBe(true);
    },
  );

  test('the purl may stand in identifiers, and the vulnerability as a bare text', () => {
    const products = [{ '@id': 'https://example.com/app', identifiers: { purl: 'pkg:npm/lodash' } }];
    expect(judged([statement({ vulnerability: 'CVE-2019-10744', products })]).passed).toBe(true);
  });
});

test.each([
  ['fixed', true],
  ['not_affected', true],
  ['affected', false],
  ['under_investigation', false],
])('status %s', (status, passed) => {
  expect(judged([statement({ status })]).passed).toBe(passed);
});

test('of several statements the latest holds, wherever it stands', () => {
  const early = statement({ timestamp: '2026-02-01T00:00:00Z' });
  const late = statement({ timestamp: '2026-03-01T00:00:00Z', status: 'affected' });
  expect(judged([early, late]).passed).toBe(false);
  expect(judged([late, early]).passed).toBe(false);
  expect(judged([{ ...late, timestamp: '2026-01-15T00:00:00Z' }, early]).passed).toBe(true);
});

test('a statement does not reach other findings', () => {
  const gateResult = judgeReports([platformReport([lodash(), ip()])], {
    vex: parseVex(document(statement()), 'a.json'),
  });
  expect(gateResult.gated.map(({ id }) => id)).toEqual(['CVE-2024-29415']);
});

test.each([
  ['no JSON', '{', /^not JSON/],
  ['another kind of document', '{"spdxVersion":"SPDX-2.3"}', /^@context: expected https:\/\/openvex\.dev/],
  [
    'not_affected without a justification',
    document(statement({ justification: undefined })),
    /^statements\[0\]: not_affected needs a justification/,
  ],
  [
    'an unknown status',
    document(statement(), statement({ status: 'ignored' })),
    /^statements\[1\]\.status: expected not_affected/,
  ],
  [
    'no vulnerability',
    document(statement({ vulnerability: {} })),
    /^statements\[0\]\.vulnerability\.name: expected a text/,
  ],
  ['products that are no list', document(statement({ products: 'x' })), /^statements\[0\]\.products: expected a list/],
  [
    'a product without a name',
    document(statement({ products: [{}] })),
    /^statements\[0\]\.products\[0\]: expected an @id/,
  ],
  [
    'a time that is none',
    document(statement({ timestamp: 'yesterday' })),
    /^statements\[0\]\.timestamp: expected a time/,
  ],
])('a document that cannot be used says where: %s', (_, text, message) => {
  expect(() => parseVex(text, 'a.json')).toThrow(message);
});

test.each([
  [
    'another vulnerability',
    'CVE-2000-0001',
    'pkg:npm/lodash@4.17.11',
    /has no effect: the scan did not find CVE-2000-0001/,
  ],
  [
    'another product',
    'CVE-2019-10744',
    'pkg:oci/other?repository_url=ghcr.io/org/other',
    /CVE-2019-10744 was found in pkg:npm\/lodash@4\.17\.11, but the product pkg:oci\/other\S* is neither/,
  ],
  ['the package', 'CVE-2019-10744', 'pkg:npm/lodash@4.17.11', undefined],
])('a statement that matches nothing is a warning: %s', (_name, id, product, warning) => {
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    timestamp: '2026-01-02T03:04:05Z',
    statements: [
      {
        vulnerability: { name: id },
        products: [{ '@id': product }],
        status: 'not_affected',
        justification: 'inline_mitigations_already_exist',
      },
    ],
  };
  const vex = parseVex(JSON.stringify(document), 'app.openvex.json');
  const { warnings } = judgeReports([platformReport([lodash()])], { vex });
  expect(warnings).toEqual(warning === undefined ? [] : [{ text: expect.stringMatching(warning) }]);
});

test.each([
  ['CycloneDX', { bomFormat: 'CycloneDX', specVersion: '1.5', vulnerabilities: [] }],
  ['CSAF', { document: { category: 'csaf_vex' }, vulnerabilities: [] }],
])('another format is named: %s', (name, document) => {
  expect(() => parseVex(JSON.stringify(document), 'vex.json')).toThrow(`it is a ${name} document, expected OpenVEX`);
});
