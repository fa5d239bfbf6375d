import { describe, expect, test } from 'vitest';
import { parseErrorBody } from '../../../src/http/error-body.ts';
import { createRedactor, DROPPED } from '../../../src/http/redact.ts';

// P8: a hostile server gets the Authorization header, and may write it back in any spelling.

const PASSWORD = 'Canary+Pass/word=42~x';
const BASIC = Buffer.from(`robot:${PASSWORD}`).toString('base64');

function redactor() {
  const { add, redact } = createRedactor();
  add(PASSWORD);
  add(BASIC);
  return redact;
}

const each = (text: string, write: (character: string) => string) => [...text].map(write).join('');
const hex = (character: string) => (character.codePointAt(0) ?? 0).toString(16);

/** https://www.rfc-editor.org/rfc/rfc4648#section-6, without padding. */
function base32(text: string): string {
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

const SPELLINGS: readonly (readonly [string, (secret: string) => string])[] = [
  ['as it is', (secret) => secret],
  ['JSON escapes', (secret) => each(secret, (it) => `\\u00${hex(it)}`)],
  ['escaped escapes', (secret) => each(secret, (it) => `\\\\u00${hex(it)}`)],
  ['escapes of source code', (secret) => each(secret, (it) => `\\x${hex(it)}`)],
  ['entities', (secret) => each(secret, (it) => `&#x${hex(it)};`)],
  ['decimal entities', (secret) => each(secret, (it) => `&#${it.codePointAt(0)};`)],
  ['percent', (secret) => each(secret, (it) => `%${hex(it)}`)],
  ['percent twice', (secret) => each(secret, (it) => `%25${hex(it)}`)],
  ['hex', (secret) => Buffer.from(secret).toString('hex').toUpperCase()],
  ['hex with colons', (secret) => each(secret, (it) => `${hex(it)}:`)],
  ['base64', (secret) => Buffer.from(secret).toString('base64')],
  ['base64 behind a word', (secret) => Buffer.from(`Basic ${secret}`).toString('base64')],
  ['base64url', (secret) => Buffer.from(secret).toString('base64url')],
  ['split by tags', (secret) => each(secret, (it) => `<i>${it}</i>`)],
  ['split by white space', (secret) => [...secret].join(' ')],
  ['split by a hyphen that is not seen', (secret) => [...secret].join('&shy;')],
  ['lower case', (secret) => secret.toLowerCase()],
  ['backwards', (secret) => [...secret].reverse().join('')],
  ['its first half', (secret) => secret.slice(0, 18)],
  ['split by escaped line breaks', (secret) => [...secret].join('\\n')],
  ['base64 of UTF-16', (secret) => Buffer.from(secret, 'utf16le').toString('base64')],
  ['hex of UTF-16', (secret) => Buffer.from(secret, 'utf16le').toString('hex')],
  ['base32', (secret) => base32(secret)],
  ['base32 behind a word', (secret) => base32(`robot:${secret}`)],
  ['numbers', (secret) => JSON.stringify([...Buffer.from(secret)])],
];

describe.each(SPELLINGS)('P8: %s', (_name, spell) => {
  test.each([
    ['the password', PASSWORD],
    ['the header', BASIC],
  ])('%s', (_what, secret) => {
    const echo = spell(secret);
    for (const body of [
      `{"errors":[{"code":"DENIED","message":"you sent ${echo.replaceAll('"', '\\"')} to us"}]}`,
      JSON.stringify({ errors: [{ code: 'DENIED', message: `you sent ${echo}` }] }),
      JSON.stringify({ errors: [{ code: echo, detail: { sent: echo } }] }),
      `<html><title>Bad</title><p>You sent ${echo}</p></html>`,
      echo,
    ]) {
      const { code = '', message = '' } = parseErrorBody(body, redactor());
      for (const text of [code, message]) {
        expect(text).not.toContain(echo);
        expect(text.toLowerCase()).not.toContain(secret.slice(2, 14).toLowerCase());
      }
    }
  });
});

test('a text without a secret stays as it is', () => {
  const text = 'denied: requested access to org/app is denied, see https://example.com/a%20b (id 3fa85f64-5717-4562)';
  expect(redactor()(text)).toBe(text);
  expect(redactor()(`user robot: ${text}`)).not.toBe(DROPPED);
});

test('the code of an answer stays when its message is dropped', () => {
  const message = SPELLINGS.find(([name]) => name === 'hex')?.[1](PASSWORD) ?? '';
  expect(parseErrorBody(JSON.stringify({ errors: [{ code: 'DENIED', message }] }), redactor())).toEqual({
    code: 'DENIED',
    message: DROPPED,
  });
});
