import { expect, test } from 'vitest';
import { bytes } from '../../../src/domain/amount.ts';
import { ActionError } from '../../../src/errors/action-error.ts';
import { code, duration, plain, table } from '../../../src/report/markdown.ts';
import { renderErrors } from '../../../src/report/parts.ts';

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
  const shown = renderErrors([new ActionError('DENIED', 'No.', { facts, remedy })]);
  expect(shown).toContain('<code>nx-repository-view-docker-&lt;repository&gt;-add</code>');
  expect(shown).toContain('not &lt;all&gt; of them.');
});

test('errors with the same remedy share it', () => {
  const wrong = (line: number) => new ActionError('IGNOREFILE_INVALID', `a.yaml:${line}: no.`);
  const shown = renderErrors([wrong(1), wrong(3), new ActionError('DENIED', 'No.')]);
  expect(shown.match(/IGNOREFILE_INVALID\]/g)).toHaveLength(1);
  expect(shown).toMatch(/a\.yaml:1: no\.[\s\S]*a\.yaml:3: no\.[\s\S]*> 1\. [\s\S]*DENIED\]/);
});

test('long code without spaces may be broken at its punctuation, and is otherwise as it was', () => {
  const long = JSON.stringify(Array.from({ length: 10 }, (_, at) => `repositories/app-${at}/content/read`));
  const rendered = code(long);
  expect(rendered).toContain('repositories/<wbr>app');
  expect(rendered.replaceAll('<wbr>', '')).toBe(`<code>${plain(long)}</code>`);
  expect(code('a/b,c')).toBe('<code>a/b,c</code>');
});
