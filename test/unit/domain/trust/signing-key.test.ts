import { describe, expect, test } from 'vitest';
import { readCosignKey, readNotationKey } from '../../../../src/domain/trust/signing-key.ts';

describe('a key of cosign', () => {
  test.each(['cosign.key', '/keys/release.key', 'env://COSIGN_KEY', 'awskms:///alias/release', 'hashivault://release'])(
    '%s',
    (text) => {
      expect(readCosignKey(text)).toEqual({ ok: true, value: text });
    },
  );

  test.each([
    [
      'the key itself, which would be seen',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nsecret',
      'write `env://NAME`',
    ],
    ['an unknown service', 'awskm:///alias/release', 'Did you mean `awskms`?'],
    ['a variable without a name', 'env://', 'the name of a variable'],
    ['a service without a key', 'gcpkms://', 'names no key'],
  ])('%s is refused', (_what, text, problem) => {
    const read = readCosignKey(text);
    expect(read.ok ? '' : read.problems.join()).toContain(problem);
    expect(read.ok ? '' : read.problems.join()).not.toContain('secret');
  });
});

describe('a key of notation', () => {
  test('is two files, or a plugin with an id', () => {
    expect(readNotationKey('key=a.key, certificate=a.crt')).toEqual({
      ok: true,
      value: { kind: 'files', key: 'a.key', certificate: 'a.crt' },
    });
    expect(readNotationKey('plugin=azure-kv,id=https://vault.example.net/keys/a/1?x=y')).toEqual({
      ok: true,
      value: { kind: 'plugin', plugin: 'azure-kv', id: 'https://vault.example.net/keys/a/1?x=y' },
    });
  });

  test.each(['', 'a.key', 'key=a.key', 'key=,certificate=a.crt', 'plugin=../evil,id=x', 'key=a,certificate=b,id=c'])(
    '"%s" is refused',
    (text) => {
      expect(readNotationKey(text).ok).toBe(false);
    },
  );
});
