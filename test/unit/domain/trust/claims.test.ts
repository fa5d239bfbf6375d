import { expect, test } from 'vitest';
import { readCertificateClaims } from '../../../../src/domain/trust/claims.ts';

const FULCIO = '1.3.6.1.4.1.57264.1';
const text = (value: string): Uint8Array => {
  const bytes = new TextEncoder().encode(value);
  const length =
    bytes.length < 128
      ? [bytes.length]
      : bytes.length < 256
        ? [0x81, bytes.length]
        : [0x82, bytes.length >> 8, bytes.length & 255];
  return new Uint8Array([0x0c, ...length, ...bytes]);
};
const issuer = { oid: `${FULCIO}.8`, value: text('https://issuer.example') };

test('extensions are texts of any length', () => {
  const long = `https://github.com/acme/${'a'.repeat(200)}`;
  const longer = `https://github.com/acme/${'a'.repeat(500)}`;
  expect(
    readCertificateClaims('me', [
      issuer,
      { oid: `${FULCIO}.12`, value: text(long) },
      { oid: `${FULCIO}.18`, value: text(longer) },
      { oid: `${FULCIO}.23`, value: text('production') },
    ]),
  ).toEqual({
    identity: 'me',
    issuer: 'https://issuer.example',
    repository: long,
    workflow: longer,
    environment: 'production',
  });
});

test.each([
  ['raw bytes', new TextEncoder().encode('production')],
  ['another type', new Uint8Array([0x04, 2, 65, 65])],
  ['a length that is too short', new Uint8Array([0x0c, 1, 65, 65])],
  ['a length that is too long', new Uint8Array([0x0c, 3, 65, 65])],
  ['bytes that are no UTF-8', new Uint8Array([0x0c, 1, 0xff])],
  ['nothing', new Uint8Array()],
])('an extension of %s is no claim', (_what, value) => {
  expect(readCertificateClaims('me', [issuer, { oid: `${FULCIO}.23`, value }])).toEqual({
    identity: 'me',
    issuer: 'https://issuer.example',
  });
});

test('a certificate of long ago has its issuer in the old place', () => {
  const old = { oid: `${FULCIO}.1`, value: new TextEncoder().encode('https://old.example') };
  expect(readCertificateClaims('me', [old])).toEqual({ identity: 'me', issuer: 'https://old.example' });
});

test('without identity or issuer there is nothing to compare', () => {
  expect(readCertificateClaims(undefined, [issuer])).toBeUndefined();
  expect(readCertificateClaims('me', [])).toBeUndefined();
});
