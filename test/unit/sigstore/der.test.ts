import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ASN1Obj } from '@sigstore/core';
import { expect, test } from 'vitest';
import { writeDerQuickly } from '../../../src/sigstore/der.ts';

const original = ASN1Obj.prototype.toDER;

/** A certificate with fields of all lengths: an alternative name of 60,000 bytes needs three bytes for its length. */
function certificate(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'der-'));
  const names = Array.from({ length: 2000 }, (_, at) => `DNS:host-${at}.a-rather-long-domain.example`).join(',');
  const file = join(folder, 'certificate.der');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-outform', 'DER'],
      ...['-keyout', join(folder, 'key.pem'), '-out', file, '-subj', '/O=acme/CN=test'],
      ...['-addext', `subjectAltName=${names}`],
    ],
    { stdio: 'ignore' },
  );
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true });
  return bytes;
}

test('certificates are written as the library writes them, whole and with an extension taken out', () => {
  const bytes = certificate();
  const parse = () => ASN1Obj.parseBuffer(Buffer.from(bytes));
  const shortened = () => {
    const root = parse();
    root.subs[0]?.subs.at(-1)?.subs[0]?.subs.pop();
    return root;
  };
  const [whole, without] = [parse(), shortened()].map((root) => original.call(root));
  writeDerQuickly();
  expect(parse().toDER()).toEqual(bytes);
  expect(parse().toDER()).toEqual(whole);
  expect(shortened().toDER()).toEqual(without);
  expect(without?.length).toBeLessThan(bytes.length);
});
