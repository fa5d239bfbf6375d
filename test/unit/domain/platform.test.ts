import { describe, expect, test } from 'vitest';
import { normalPlatform, platformName, platformProblem } from '../../../src/domain/platform.ts';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['amd64', 'linux/amd64'],
  ['Linux/x86_64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/i386', 'linux/386'],
  ['macos/arm64', 'darwin/arm64'],
  ['windows/amd64', 'windows/amd64'],
])('%s is %s', (text, normal) => {
  expect(normalPlatform(text)).toBe(normal);
});

test('the name of a platform leaves the usual variant of arm64 out', () => {
  expect(platformName({ os: 'linux', architecture: 'arm64', variant: 'v8' })).toBe('linux/arm64');
  expect(platformName({ os: 'linux', architecture: 'arm', variant: 'v7' })).toBe('linux/arm/v7');
});

describe('the platforms of an image', () => {
  test.each<[readonly string[], readonly string[], RegExp | undefined]>([
    [['linux/amd64', 'linux/arm64/v8'], ['linux/arm64', 'linux/amd64'], undefined],
    [['linux/arm'], ['linux/arm/v7'], undefined],
    [['windows/amd64'], ['windows/amd64', 'windows/amd64'], undefined],
    [['linux/amd64', 'linux/arm64'], ['linux/amd64'], /linux\/arm64 is missing\.$/],
    [['linux/amd64'], ['linux/amd64', 'linux/arm64'], /linux\/arm64 was not requested/],
    [
      ['linux/amd64', 'linux/arm64'],
      ['linux/amd64', 'linux/amd64'],
      /linux\/arm64 is missing; linux\/amd64 occurs more than once/,
    ],
    [['local'], ['linux/amd64'], undefined],
    [['local', 'linux/arm64'], ['linux/amd64', 'linux/arm64'], undefined],
    [['local'], ['linux/amd64', 'linux/arm64'], /not requested/],
  ])('%s asked for, %s there', (asked, present, problem) => {
    if (problem === undefined) expect(platformProblem(asked, present)).toBeUndefined();
    else expect(platformProblem(asked, present)).toMatch(problem);
  });
});
