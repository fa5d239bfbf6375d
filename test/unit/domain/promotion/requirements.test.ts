import { describe, expect, test } from 'vitest';
import { type PartPath, partText } from '../../../../src/domain/promotion/policy-part.ts';
import {
  lengthOfTime,
  mergeRequirements,
  type Requirement,
  requirementText,
} from '../../../../src/domain/promotion/requirement.ts';
import { readPolicy, readRequirements } from '../../../../src/domain/promotion/requirements.ts';

const COMMIT = 'c'.repeat(40);
const DAY = 86_400_000;

function required(...lines: readonly string[]): readonly Requirement[] {
  const read = readRequirements(lines);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.value;
}

describe('the input', () => {
  test.each([
    ['platforms=linux/amd64,linux/aarch64', { name: 'platforms', platforms: ['linux/amd64', 'linux/arm64'] }],
    ['platforms,linux/arm/v7', { name: 'platforms', platforms: ['linux/arm/v7'] }],
    ['sbom', { name: 'sbom' }],
    ['SBOM', { name: 'sbom' }],
    ['provenance', { name: 'provenance' }],
    [
      `provenance,builder=https://github.com/org/*,repository=org/app,commit=${COMMIT.toUpperCase()}`,
      { name: 'provenance', builder: 'https://github.com/org/*', repository: 'org/app', commit: COMMIT },
    ],
    ['provenance=repository=org/app', { name: 'provenance', repository: 'org/app' }],
    ['signature', { name: 'signature', statements: [] }],
    [
      'signature,identity=https://github.com/org/app/.github/workflows/r.yml@refs/heads/main,statement=gate-result',
      {
        name: 'signature',
        identity: 'https://github.com/org/app/.github/workflows/r.yml@refs/heads/main',
        statements: ['https://registry-action.github.io/predicates/gate-result/v1'],
      },
    ],
    ['sbom,signed', { name: 'sbom', proof: {} }],
    ['sbom=signed', { name: 'sbom', proof: {} }],
    [
      'sbom,identity=^https://x$,issuer=https://i',
      { name: 'sbom', proof: { identity: '^https://x$', issuer: 'https://i' } },
    ],
    ['provenance,repository=org/app,signed', { name: 'provenance', repository: 'org/app', proof: {} }],
    ['scan,max-age=7d,signed', { name: 'scan', maxAge: 7 * DAY, proof: {} }],
    ['scan,signed,max-age=7d', { name: 'scan', maxAge: 7 * DAY, proof: {} }],
    ['scan', { name: 'scan', maxAge: 'now' }],
    ['scan=now', { name: 'scan', maxAge: 'now' }],
    ['scan,max-age=7d', { name: 'scan', maxAge: 7 * DAY }],
    ['scan=max-age=12h', { name: 'scan', maxAge: DAY / 2 }],
    ['deployed=staging', { name: 'deployed', environment: 'staging' }],
    ['branch=release/1.x', { name: 'branch', branch: 'release/1.x' }],
    ['branch=refs/heads/main', { name: 'branch', branch: 'main' }],
    ['not-older', { name: 'not-older' }],
  ])('%s', (line, expected) => {
    expect(required(line)).toEqual([expected]);
  });
  test.each([
    ['platforms', /names no platform/],
    ['platforms=', /is not a platform/],
    ['platforms=linux', /is not a platform/],
    ['sbom=', /takes no value/],
    ['sbom=false', /takes no value/],
    ['sbm', /Did you mean `sbom`/],
    ['provenance,builder=', /`builder` is ""/],
    ['provenance,', /accepts builder=/],
    ['provenance=', /accepts builder=/],
    ['provenance,repo=org/app', /accepts builder=/],
    ['provenance,builder=https://*/x', /`builder` is/],
    ['provenance,repository=app', /`repository` is/],
    ['provenance,commit=abc1234', /a full commit id/],
    ['provenance,builder=a,builder=b', /occurs twice/],
    ['signature=cosign', /accepts identity=, issuer= and statement=/],
    ['signature,identity=', /`identity` of `signature` is empty/],
    ['signature,identity=https://github.com/org/*', /without anchors/],
    ['signature,issuer=https://issuer.example', /needs `identity`/],
    ['signature,statement=gate', /got "gate", expected .*gate-result or the address/],
    ['sbom,signed=false', /leave it out when no signature is required/],
    ['sbom,sined', /takes no value but `signed`/],
    ['sbom,identity=', /`identity` of `sbom` is empty/],
    ['sbom,identity=https://github.com/org/*', /without anchors/],
    ['provenance,issuer=https://issuer.example', /needs `identity`/],
    ['provenance,signd', /Did you mean `signed`/],
    ['scan,signed', /for an earlier scan/],
    ['scan=now,signed', /for an earlier scan/],
    ['scan=', /expected `now`/],
    ['scan=7d', /expected `now`/],
    ['scan,max-age=0d', /expected `now`/],
    ['scan,max-age=forever', /expected `now`/],
    ['scan,now,max-age=7d', /takes one of/],
    ['deployed', /expected an environment/],
    ['deployed=', /expected an environment/],
    ['deployed=dev,staging', /one line for each/],
    ['branch=', /expected a branch/],
    ['not-older=true', /takes no value/],
    ['constructor', /unknown requirement/],
  ])('refuses %s', (line, expected) => {
    expect(readRequirements([line])).toEqual({ ok: false, problems: [expect.stringMatching(expected)] });
  });
  test('all problems come at once, each with its line', () => {
    expect(readRequirements(['# what must be', 'sbom', 'nope', 'branch='])).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^`require`, line 3/), expect.stringMatching(/^`require`, line 4/)],
    });
  });
  test('nothing requires nothing', () => {
    expect(required('', '# none')).toEqual([]);
  });
});

const IN_FILE = [['require'], (path: PartPath) => `policy.yml, ${partText(path)}`] as const;

describe('a policy file', () => {
  test('says the same in lines and in maps', () => {
    const lines = readPolicy(
      ['platforms=linux/amd64,linux/arm64', 'sbom', 'provenance,repository=org/app', 'scan,max-age=7d', 'branch=main'],
      ...IN_FILE,
    );
    const maps = readPolicy(
      [
        { platforms: ['linux/amd64', 'linux/arm64'] },
        { sbom: true },
        { provenance: { repository: 'org/app' } },
        { scan: { 'max-age': '7d' } },
        { branch: 'main' },
      ],
      ...IN_FILE,
    );
    expect(maps).toEqual(lines);
    expect(lines).toMatchObject({ ok: true, value: { length: 5 } });
  });
  test.each([
    ['no list', 'sbom', /expected a list/],
    ['nothing', null, /expected a list/],
    ['a number', [7], /entry 1: expected the name/],
    ['two keys', [{ sbom: true, signature: true }], /only key/],
    ['a switch that is off', [{ sbom: false }], /leave it out/],
    ['an unknown name', [{ sboms: true }], /unknown requirement/],
    ['an unknown term', [{ provenance: { repo: 'org/app' } }], /accepts builder=/],
    ['a term that is no text', [{ provenance: { builder: ['x'] } }], /`builder` of `provenance` is not a text/],
    ['an empty term', [{ provenance: { builder: '' } }], /`builder` is ""/],
    ['a list of no texts', [{ platforms: [{}] }], /not a string/],
    ['an empty list', [{ platforms: [] }], /names no platform/],
  ])('refuses %s', (_, value, expected) => {
    expect(readPolicy(value, ...IN_FILE)).toEqual({
      ok: false,
      problems: [expect.stringMatching(new RegExp(`^policy.yml, require.*${expected.source}`))],
    });
  });
});

describe('the file and the input together', () => {
  const merged = (file: readonly string[], input: readonly string[]) =>
    mergeRequirements(required(...file), required(...input)).map(requirementText);
  test('an empty input takes nothing away', () => {
    expect(merged(['sbom', 'branch=main'], [])).toEqual(['sbom', 'branch=main']);
  });
  test('the input adds', () => {
    expect(merged(['sbom'], ['sbom', 'not-older'])).toEqual(['sbom', 'not-older']);
  });
  test('platforms add up', () => {
    expect(merged(['platforms=linux/amd64,linux/arm64'], ['platforms=linux/amd64,linux/386'])).toEqual([
      'platforms=linux/amd64,linux/arm64,linux/386',
    ]);
  });
  test.each([
    ['scan,max-age=7d', 'scan,max-age=30d', 'scan,max-age=7d'],
    ['scan,max-age=7d', 'scan,max-age=1h', 'scan,max-age=1h'],
    ['scan=now', 'scan,max-age=7d', 'scan=now'],
    ['scan,max-age=7d', 'scan=now', 'scan=now'],
  ])('of %s and %s the stricter counts', (file, input, expected) => {
    expect(merged([file], [input])).toEqual([expected]);
  });
  test.each([
    ['provenance,builder=a', 'provenance,builder=b'],
    ['provenance,builder=a', 'provenance'],
    ['branch=main', 'branch=dev'],
    ['deployed=staging', 'deployed=dev'],
  ])('%s stays beside %s', (file, input) => {
    expect(merged([file], [input])).toEqual([file, input]);
  });
});

test('lengths of time are shown in the largest unit that fits', () => {
  expect([7 * DAY, DAY / 2, 90 * 60_000, 1500].map(lengthOfTime)).toEqual(['7d', '12h', '90m', '2s']);
});

describe('a demand for proof', () => {
  test('is kept beside the same requirement without it, and says so in its text', () => {
    const lines = ['scan,max-age=7d', 'scan,max-age=3d,signed', 'scan,max-age=1d,signed', 'sbom', 'sbom,signed'];
    expect(mergeRequirements(required(...lines), []).map(requirementText)).toEqual([
      'scan,max-age=7d',
      'scan,max-age=1d,signed',
      'sbom',
      'sbom,signed',
    ]);
    const text = `provenance,commit=${COMMIT},signed,identity=^https://a$,issuer=https://b`;
    expect(required(text).map(requirementText)).toEqual([text]);
  });
  test('is written as a map in a policy file', () => {
    const policy = readPolicy(
      [{ scan: { 'max-age': '7d', signed: true } }, { sbom: 'signed' }, 'provenance,signed'],
      ...IN_FILE,
    );
    expect(policy).toEqual({
      ok: true,
      value: [
        { name: 'scan', maxAge: 7 * DAY, proof: {} },
        { name: 'sbom', proof: {} },
        { name: 'provenance', proof: {} },
      ],
    });
  });
});
