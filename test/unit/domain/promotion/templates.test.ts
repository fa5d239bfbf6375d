import { describe, expect, test } from 'vitest';
import {
  environmentTag,
  placeholdersIn,
  readSource,
  readTargets,
  type TemplateValues,
} from '../../../../src/domain/promotion/templates.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const VALUES: TemplateValues = { env: 'production', version: '1.2.3', sha: 'abc1234' };

function targets(lines: readonly string[], values: TemplateValues = VALUES) {
  const read = readTargets(lines, values);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.value.map(({ image, tag, kind }) => `${image === undefined ? '' : `${image.name}:`}${tag} ${kind}`);
}

function refusals(lines: readonly string[], values: TemplateValues = VALUES) {
  const read = readTargets(lines, values);
  return read.ok ? [] : read.problems;
}

describe('from', () => {
  test.each([
    ['staging', { by: 'tag', tag: 'staging' }],
    ['sha-{{sha}}', { by: 'tag', tag: 'sha-abc1234' }],
    ['{{ version }}', { by: 'tag', tag: '1.2.3' }],
    [DIGEST, { by: 'digest', digest: DIGEST }],
    ['env:review/7', { by: 'environment', environment: 'review/7', tag: 'review-7' }],
    ['ghcr.io/org/app:1.2.3', { by: 'tag', tag: '1.2.3', image: { host: 'ghcr.io', repository: 'org/app' } }],
    ['localhost:5000/app:dev', { by: 'tag', tag: 'dev', image: { host: 'localhost:5000', repository: 'app' } }],
    [`ghcr.io/org/app@${DIGEST}`, { by: 'digest', digest: DIGEST, image: { name: 'ghcr.io/org/app' } }],
    [`ghcr.io/org/app:dev@${DIGEST}`, { by: 'digest', digest: DIGEST, image: { name: 'ghcr.io/org/app' } }],
  ])('%s', (text, expected) => {
    expect(readSource(text, VALUES)).toMatchObject({ ok: true, value: expected });
  });
  test.each([
    ['', /empty/],
    ['sha256:abc', /no digest/],
    [`sha512:${'a'.repeat(128)}`, /by their sha256 digest/],
    [`ghcr.io/org/app@sha512:${'a'.repeat(128)}`, /by their sha256 digest/],
    ['env:', /missing after `env:`/],
    ['{{env}}', /write `env:<name>`/],
    ['{{tag}}', /unknown placeholder/],
    ['{{version', /no `}}`/],
    ['ghcr.io/org/app', /one image of the repository/],
    ['ghcr.io/org/app@sha256:abc', /no digest/],
    ['ghcr.io/org/app:-dev', /not a valid tag/],
    ['ghcr.io/Org/a b:dev', /not an image name/],
    ['app:dev', /a full name has a host/],
  ])('refuses %j', (text, expected) => {
    expect(readSource(text, VALUES)).toEqual({ ok: false, problems: [expect.stringMatching(expected)] });
  });
  test('a version that nobody knows is a problem', () => {
    expect(readSource('{{version}}', { env: 'production' })).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('{{version}} is empty: this run is not for a tag of a version')],
    });
  });
});

describe('to', () => {
  test.each([
    ['staging', 'staging moving'],
    ['{{env}}', 'production moving'],
    ['{{version}}-{{env}}', '1.2.3-production immutable'],
    ['1.2.3', '1.2.3 immutable'],
    ['v1.2.3', 'v1.2.3 immutable'],
    ['staging-1.2.3', 'staging-1.2.3 immutable'],
    ['2024.05.01', '2024.05.01 immutable'],
    ['sha-{{sha}}', 'sha-abc1234 immutable'],
    ['sha-abc1234', 'sha-abc1234 immutable'],
    ['1.2', '1.2 moving'],
    ['sha-production', 'sha-production moving'],
    ['node20-staging', 'node20-staging moving'],
    ['ghcr.io/org/prod/app', 'ghcr.io/org/prod/app:production moving'],
    ['ghcr.io/org/{{env}}/app:{{version}}', 'ghcr.io/org/production/app:1.2.3 immutable'],
    ['registry.example.com:5000/app', 'registry.example.com:5000/app:production moving'],
  ])('%s', (text, expected) => {
    expect(targets([text])).toEqual([expected]);
  });
  test('nothing stands for the tag of the environment', () => {
    expect(targets([])).toEqual(['production moving']);
    expect(refusals([], {})).toEqual([expect.stringContaining('no `environment`')]);
  });
  test('the name of an environment becomes a tag as names of branches do', () => {
    expect(targets(['{{env}}'], { env: 'Production EU' })).toEqual(['production-eu moving']);
    expect(environmentTag('review/7')).toBe('review-7');
    expect(environmentTag('...')).toBeUndefined();
  });
  test('build metadata of a version stays out of tags', () => {
    expect(targets(['{{version}}'], { version: '1.2.3+build.5' })).toEqual(['1.2.3-build.5 immutable']);
  });
  test('a target that is written twice is one, and the stricter promise counts', () => {
    expect(targets(['staging', '{{env}}'], { env: 'staging' })).toEqual(['staging moving']);
    expect(targets(['{{version}}', '1'], { version: '1' })).toEqual(['1 immutable']);
    expect(targets(['1', '{{version}}'], { version: '1' })).toEqual(['1 immutable']);
  });
  test.each([
    ['{{enviroment}}', /unknown placeholder/],
    ['{{verson}}', /Did you mean `version`/],
    ['{{env', /no `}}`/],
    ['-staging', /not a valid tag/],
    ['a b', /not a valid tag/],
    ['x'.repeat(129), /not a valid tag/],
    ['app:staging', /full name with a host/],
    ['ghcr.io/org/app:', /not a valid tag/],
    [`ghcr.io/org/app@${DIGEST}`, /a target has no digest/],
    ['ghcr.io/org/a$p:staging', /not an image name/],
    [DIGEST.replace(':', '-'), /what belongs to an image/],
    [`${DIGEST.replace(':', '-')}.sig`, /what belongs to an image/],
  ])('refuses %s', (text, expected) => {
    expect(refusals([text])).toEqual([expect.stringMatching(expected)]);
  });
  test.each([
    [{ version: 'main' }, '{{version}}', /not a version/],
    [{}, '{{version}}', /names no version/],
    [{ version: ' ' }, '{{version}}', /names no version/],
    [{}, '{{sha}}', /names no commit/],
    [{ sha: 'HEAD' }, '{{sha}}', /not a commit/],
    [{}, 'ghcr.io/org/app', /no environment is given/],
  ])('a value that cannot be used: %j', (values, text, expected) => {
    expect(refusals([text], values)).toEqual([expect.stringMatching(expected)]);
  });
  test('all problems come at once, each with its line', () => {
    expect(refusals(['# environments', '{{nope}}', 'fine', '{{version}}-{{sha}}', '-x'], {})).toEqual([
      expect.stringMatching(/^`to`, line 2 .*unknown placeholder/),
      expect.stringMatching(/^`to`, line 4 .*no version/),
      expect.stringMatching(/^`to`, line 4 .*no commit/),
      expect.stringMatching(/^`to`, line 5 .*not a valid tag/),
    ]);
  });
});

test('which values are needed can be told before they are known', () => {
  expect([...placeholdersIn(['{{env}}', 'ghcr.io/a/b:{{ VERSION }}', '{{x}}'])]).toEqual(['env', 'version']);
  expect(placeholdersIn(['staging']).size).toBe(0);
});
