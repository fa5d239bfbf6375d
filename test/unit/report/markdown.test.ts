import { expect, test } from 'vitest';
import { ActionError } from '../../../src/errors/action-error.ts';
import { bytes, code, duration, plain, table } from '../../../src/report/markdown.ts';
import { renderError } from '../../../src/report/parts.ts';

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

test('a step of a remedy keeps what is in angle brackets, and its code', () => {
  const facts = { registry: 'nexus.example.com', repository: 'docker/app' };
  const remedy = ['Grant `nx-repository-view-docker-<repository>-add` to the user, not <all> of them.'];
  const shown = renderError(new ActionError('DENIED', 'No.', { facts, remedy }));
  expect(shown).toContain('<code>nx-repository-view-docker-&lt;repository&gt;-add</code>');
  expect(shown).toContain('not &lt;all&gt; of them.');
});
