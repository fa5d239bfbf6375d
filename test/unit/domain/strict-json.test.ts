import { describe, expect, test } from 'vitest';
import { miscasedKey, readStrictJson } from '../../../src/domain/strict-json.ts';

const read = (text: string) => readStrictJson(Buffer.from(text));

describe('JSON that every parser reads alike', () => {
  test.each<[string, string]>([
    ['an object', '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}'],
    ['a list', '[1,"a",null,true]'],
    ['a text', '"a\\":"'],
    ['keys and texts with quotes, backslashes and colons', '{"a\\"b":"c\\\\","\\\\":":","x:y":"\\":"}'],
    ['space before the colons', '{"a" :1,"b"\n\t: {"c"\r\n:"d"}}'],
    ['texts before commas and brackets', '{"a":["b","c"],"d":"e"}'],
    ['the same key in different objects', '{"a":{"a":{"a":"a"}}}'],
    ['keys that differ in case', '{"PATH":1,"Path":2}'],
    ['a key that JavaScript gives a meaning', '{"__proto__":{"a":1},"constructor":2}'],
    ['escapes beyond ASCII', '{"\\u00e4":1,"ö":2}'],
    ['two hundred levels', `${'['.repeat(200)}${']'.repeat(200)}`],
  ])('%s', (_what, text) => {
    expect(read(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  test.each<[string, string | Buffer, string]>([
    ['a key twice', '{"a":1,"a":1}', 'the same key twice'],
    ['a key twice, once in escapes', '{"a":1,"\\u0061":2}', 'the same key twice'],
    ['a key twice, deep inside', '{"x":[{"y":{"a":1,"b":2,"a":3}}]}', 'the same key twice'],
    ['a prototype twice', '{"__proto__":1,"__proto__":2}', 'the same key twice'],
    ['an empty key twice', '{"":1,"":2}', 'the same key twice'],
    ['something after the JSON', '{"a":1} {"a":2}', 'not JSON'],
    ['a byte after the JSON', '{"a":1}\0', 'not JSON'],
    ['a byte order mark', '\uFEFF{"a":1}', 'not JSON'],
    ['a comment', '{"a":1 /* b */}', 'not JSON'],
    ['a trailing comma', '{"a":1,}', 'not JSON'],
    ['NaN', '{"a":NaN}', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['a byte that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
    ['half a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not UTF-8'],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'not UTF-8'],
    ['too many levels', `${'['.repeat(202)}${']'.repeat(202)}`, 'levels'],
    ['very many levels', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'levels'],
  ])('%s is refused', (_what, text, reason) => {
    const result = readStrictJson(typeof text === 'string' ? Buffer.from(text) : text);
    expect(result).toEqual({ ok: false, problems: [expect.stringContaining(reason)] });
  });

  test('a text of millions of backslashes takes no longer than it must', () => {
    const start = performance.now();
    expect(read(`{"a":"${'\\\\'.repeat(2_000_000)}"}`).ok).toBe(true);
    expect(read(`{"a":"${'\\"'.repeat(200_000)}"}`).ok).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

test.each<[Readonly<Record<string, unknown>>, string | undefined]>([
  [{ subject: 1, other: 2 }, undefined],
  [{ subject: 1, Subject: 2 }, 'Subject'],
  [{ SUBJECT: 2 }, 'SUBJECT'],
  [{}, undefined],
])('a key in another case: %j', (fields, key) => {
  expect(miscasedKey(fields, ['subject'])).toBe(key);
});
