import { expect, test } from 'vitest';
import { immutableTags } from '../../../../src/registries/aws/mutability.ts';

const filters = (...names: readonly string[]) => names.map((filter) => ({ filterType: 'WILDCARD', filter }));

test.each([
  ['all', 'IMMUTABLE', [], ['main', 'latest', 'release-1']],
  ['none', 'MUTABLE', [], []],
  ['none where it is not told', undefined, [], []],
  ['all but those that are excluded', 'IMMUTABLE_WITH_EXCLUSION', filters('latest', 'release-*'), ['main']],
  ['those that are excluded', 'MUTABLE_WITH_EXCLUSION', filters('release-*'), ['release-1']],
  ['a dot is a dot', 'MUTABLE_WITH_EXCLUSION', filters('l.test', 'mai'), []],
  ['a star alone is everything', 'MUTABLE_WITH_EXCLUSION', filters('*'), ['main', 'latest', 'release-1']],
] as const)('Amazon ECR holds fast %s', (_, imageTagMutability, imageTagMutabilityExclusionFilters, held) => {
  const tags = ['main', 'latest', 'release-1'];
  expect(immutableTags({ imageTagMutability, imageTagMutabilityExclusionFilters }, tags)).toEqual(held);
});
