import { describe, expect, test } from 'vitest';
import { parseTemplate, renderTemplate } from '../../../src/domain/tags/expressions.ts';
import { parseHandlebars, renderHandlebars } from '../../../src/domain/tags/handlebars-template.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';
import { plainParts } from '../../../src/domain/tags/template.ts';
import { readVersion } from '../../../src/domain/tags/versions.ts';

const NAMES = ['branch', 'tag', 'sha', 'base_ref'];
const VALUES = { branch: 'main<&>', tag: '', sha: '{{tag}}' };
const DATES = { commitDate: new Date(0), now: new Date(0) };

const PLAIN = [
  '',
  'latest',
  'v{{branch}}',
  '{{branch}}-{{sha}}',
  '{{ branch }}',
  '{{branch}}{{branch}}',
  'a}}b',
  'a}b{c',
  '{ {branch}}',
  'C:\\temp',
  'text\nwith {{branch}}\nlines\n',
  '{{base_ref}}x',
  '{{none}}',
  '{{brnach}}',
  '{{constructor}} {{__proto__}}',
  '{{if}}',
];

describe('templates without arguments', () => {
  test.each(PLAIN)('are read as handlebars reads them: %j', (source) => {
    expect(plainParts(source)).toBeDefined();
    const theirs = parseHandlebars(source, NAMES);
    expect(parseTemplate(source, NAMES)).toEqual(theirs);
    if (theirs.ok)
      expect(renderTemplate(theirs.value, VALUES, DATES)).toBe(renderHandlebars(theirs.value, VALUES, DATES));
  });

  test.each([
    '{{date}}',
    "{{date 'YYYY'}}",
    '{{{branch}}}',
    '{{branch}}}',
    '{{branch',
    '{{',
    '{{#if tag}}x{{/if}}',
    '{{! comment }}',
    '{{~branch}}',
    '{{&branch}}',
    '\\{{branch}}',
    '{{branch}}\\',
    '{{branch.length}}',
    '{{this}}',
    '{{true}}',
    '{{else}}',
    '{{"branch"}}',
    '{{1}}',
    '{{branch\n}}',
    '{{é}}',
  ])('are all that is read without handlebars, unlike %j', (source) => {
    expect(plainParts(source)).toBeUndefined();
  });
});

test('what a rule needs is loaded when the text of the input shows it, and not for others', async () => {
  await loadRuleLibraries(['type=raw,value={{branch}}', 'name=value']);
  expect(parseTagRules(['type=raw,value={{branch}}']).ok).toBe(true);
  expect(() => parseTagRules(["type=raw,value={{date 'YYYY'}}"])).toThrow('before loadRuleLibraries()');
  expect(() => readVersion('1.2', 'pep440')).toThrow('before loadRuleLibraries()');

  // Of all ways in which quotes of a list can stand next to braces, none may escape.
  const pieces = ['{', '{{', '}}', '}', '"', '""', 'branch', ' ', ',', 'type=raw,value=', '\\', "date 'x'", '#if'];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const texts = Array.from({ length: 6000 }, () =>
    Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join(''),
  );
  const plain = texts.filter((text) =>
    [text, text.replaceAll('"', '')].every((each) => plainParts(each) !== undefined),
  );
  expect(plain.length).toBeGreaterThan(500);
  for (const text of plain) expect(() => parseTagRules([text])).not.toThrow();

  await loadRuleLibraries(["type=raw,value={{date 'YYYY'}}"]);
  expect(parseTagRules(["type=raw,value={{date 'YYYY'}}"]).ok).toBe(true);
  await loadRuleLibraries(['TYPE=PEP440,pattern={{version}}']);
  expect(readVersion('1.2', 'pep440')).toMatchObject({ text: '1.2' });
  await loadRuleLibraries(['nothing']);
  expect(parseTagRules(["type=raw,value={{date 'YYYY'}}"]).ok).toBe(true);
});
