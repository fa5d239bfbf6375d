import { expect, it } from 'vitest';
import { didYouMean, quoted } from '../../../src/domain/suggestion.ts';

it.each([
  ['plattforms', ['platforms', 'push'], ' Did you mean `platforms`?'],
  ['gaet', ['gate', 'report'], ' Did you mean `gate`?'],
  ['critcal', ['CRITICAL', 'HIGH'], ' Did you mean `CRITICAL`?'],
  ['zzz', ['platforms', 'push'], ''],
  ['abc', ['ab', 'xyz'], ' Did you mean `ab`?'],
  ['abc', ['azz'], ''],
  ['erc', ['hub', 'ecr'], ' Did you mean `ecr`?'],
  ['x', [], ''],
])('%s among %j: %j', (word, words, suggestion) => {
  expect(didYouMean(word, words)).toBe(suggestion);
});

it('quotes the text of others on one short line', () => {
  expect(quoted('a\n::error::b')).toBe('"a\\n::error::b"');
  expect(quoted('x'.repeat(500)).length).toBeLessThan(90);
});
