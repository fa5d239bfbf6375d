import { expect, test } from 'vitest';
import { bytes, code, duration, plain, table } from '../../../src/report/markdown.ts';

test('text of others cannot reshape the summary', () => {
  expect(plain('a|b\n<img src=x onerror=alert(1)> [x](javascript:y) `c` **d**')).not.toMatch(/[|\n<>[\]()`*]/);
  expect(code('</code>| `x`')).toBe('<code>&lt;/code&gt;&#124; &#96;x&#96;</code>');
});

test('a table without rows is nothing', () => {
  expect(table(['a', 'b'], [])).toBe('');
  expect(table(['a', 'b'], [['1', '2']])).toBe('| a | b |\n| --- | --- |\n| 1 | 2 |');
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [500 * 1024 * 1024, '500 MiB'],
])('%i bytes', (count, text) => {
  expect(bytes(count)).toBe(text);
});

test.each([
  [400, '0.4s'],
  [65_000, '1m 05s'],
])('%i ms', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});
