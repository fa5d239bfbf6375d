import { expect, test } from 'vitest';
import { FORCE, stepsAfterRefusal } from '../../../../src/domain/promotion/remedy.ts';
import { requirementText } from '../../../../src/domain/promotion/requirement.ts';
import { readRequirements } from '../../../../src/domain/promotion/requirements.ts';

test('every requirement has a step of its own, and nothing is advised that did not refuse', () => {
  const lines = ['platforms=linux/amd64', 'sbom', 'scan=now', 'deployed=dev', 'branch=main'];
  const read = readRequirements([...lines, 'provenance', 'not-older', 'signature']);
  if (!read.ok) throw new Error(read.problems.join());
  const steps = read.value.map((each) => stepsAfterRefusal([requirementText(each)], false));
  expect(steps.map(({ length }) => length)).toEqual(read.value.map(() => 1));
  expect(new Set(steps.flat()).size).toBe(8);
  expect(stepsAfterRefusal([], true)).toEqual([FORCE]);
  expect(stepsAfterRefusal(['scan,max-age=7d', 'scan=now'], false)).toHaveLength(1);
  expect(stepsAfterRefusal(['sbom', 'scan=now', 'not-older'], true)).toHaveLength(3);
});
