import { describe, expect, test } from 'vitest';
import type { GitEvent } from '../../../src/domain/event.ts';
import { deriveTags } from '../../../src/domain/tags/derive.ts';
import { parseFlavor } from '../../../src/domain/tags/flavor.ts';
import { isTag, toTag } from '../../../src/domain/tags/grammar.ts';
import type { PlannedTag } from '../../../src/domain/tags/planned.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';
import { gitEvent, tagPush } from '../../support/events.ts';

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

const NOW = new Date('2020-01-10T00:30:00Z');

function derive(
  event: GitEvent,
  tags: readonly string[] = [],
  flavor: readonly string[] = [],
  shortShaLength?: number,
) {
  const rules = parseTagRules(tags);
  const read = parseFlavor(flavor);
  if (!rules.ok || !read.ok) throw new Error(JSON.stringify([rules, read]));
  return deriveTags({
    rules: rules.value,
    flavor: read.value,
    event,
    commitDate: new Date('2019-12-31T23:00:00Z'),
    now: NOW,
    ...(shortShaLength === undefined ? {} : { shortShaLength }),
  });
}

const tagsOf = (...given: Parameters<typeof derive>): readonly PlannedTag[] => {
  const derived = derive(...given);
  if (!derived.ok) throw new Error(derived.problems.join('\n'));
  return derived.tags;
};
const namesOf = (...given: Parameters<typeof derive>) => tagsOf(...given).map(({ name }) => name);

const branch = (name: string) => gitEvent({ ref: `refs/heads/${name}` });
const mergeGroup = gitEvent({
  name: 'merge_group',
  ref: 'refs/heads/gh-readonly-queue/release/1.x/pr-42-0b8d3a4e1f2c5d6e7f8091a2b3c4d5e6f7081920',
  baseRef: 'refs/heads/release/1.x',
});
const pullRequest = gitEvent({
  name: 'pull_request',
  ref: 'refs/pull/15/merge',
  pullRequest: { number: 15, baseRef: 'main' },
});

describe('the default rules', () => {
  test.each([
    ['a branch', branch('dev'), ['dev', 'sha-860c190']],
    ['the default branch', branch('master'), ['master', 'sha-860c190']],
    ['a version', tagPush('v1.2.3'), ['1.2.3', '1.2', '1', 'sha-860c190', 'latest']],
    ['a version without v', tagPush('1.2.3'), ['1.2.3', '1.2', '1', 'sha-860c190', 'latest']],
    ['a version before 1.0.0', tagPush('v0.3.1'), ['0.3.1', '0.3', 'sha-860c190', 'latest']],
    ['a pre-release', tagPush('v2.0.0-rc.1'), ['2.0.0-rc.1', 'sha-860c190']],
    ['a calendar version', tagPush('v2024.5.1'), ['2024.5.1', '2024.5', '2024', 'sha-860c190', 'latest']],
    ['a git tag that is no version', tagPush('nightly-build'), ['nightly-build', 'sha-860c190']],
    ['a release', tagPush('v1.2.3', { name: 'release' }), ['1.2.3', '1.2', '1', 'sha-860c190', 'latest']],
    ['a pull request', pullRequest, ['pr-15']],
    ['a merge group', mergeGroup, ['pr-42']],
    ['a schedule', gitEvent({ name: 'schedule', ref: 'refs/heads/master' }), ['master', 'sha-860c190']],
    ['a dispatch', gitEvent({ name: 'workflow_dispatch', ref: 'refs/heads/dev' }), ['dev', 'sha-860c190']],
  ])('%s', (_, event, names) => {
    const derived = derive(event);
    expect(derived).toMatchObject({ ok: true, warnings: [], version: names[0] });
    expect(namesOf(event)).toEqual(names);
  });

  test('with a flavor they go where the flavor says', () => {
    expect(namesOf(tagPush('v1.2.3'), [], ['suffix=-alpine,onlatest=true'])).toEqual([
      '1.2.3-alpine',
      '1.2-alpine',
      '1-alpine',
      'sha-860c190-alpine',
      'latest-alpine',
    ]);
  });
});

describe('merge groups', () => {
  test('give a pull request tag with the number in the ref, and no branch or edge tag', () => {
    expect(namesOf(mergeGroup, ['type=ref,event=branch', 'type=ref,event=pr', 'type=edge'])).toEqual(['pr-42']);
  });

  test('have the base branch of their payload', () => {
    expect(namesOf(mergeGroup, ['{{base_ref}}'])).toEqual(['release-1.x']);
  });

  test('with a ref of another form give nothing', () => {
    const event = gitEvent({ name: 'merge_group', ref: 'refs/heads/gh-readonly-queue/main/x' });
    expect(namesOf(event, ['type=ref,event=pr', 'type=ref,event=branch'])).toEqual([]);
  });
});

describe('expressions', () => {
  test.each([
    [branch('my/branch'), '{{branch}}', 'my-branch'],
    [tagPush('v1.2.3'), 'x{{branch}}', 'x'],
    [tagPush('v1.2.3'), '{{tag}}', 'v1.2.3'],
    [branch('dev'), '{{sha}}', '860c190'],
    [pullRequest, '{{base_ref}}', 'main'],
    [tagPush('v1', { baseRef: 'refs/heads/a/b' }), '{{base_ref}}', 'a-b'],
    [gitEvent({ baseRef: 'refs/heads/main' }), 'x{{base_ref}}', 'x'],
    [branch('master'), '{{is_default_branch}}', 'true'],
    [branch('dev'), '{{is_default_branch}}', 'false'],
    [branch('dev'), '{{is_not_default_branch}}', 'true'],
    [tagPush('master'), '{{is_default_branch}}', 'false'],
    [pullRequest, '{{is_default_branch}}', 'false'],
    [gitEvent({ name: 'schedule' }), '{{is_default_branch}}', 'true'],
    [gitEvent({ name: 'issues' }), '{{is_default_branch}}', 'true'],
    [branch('dev'), "{{date 'YYYYMMDD'}}", '20200110'],
    [branch('dev'), "{{commit_date 'YYYYMMDD'}}", '20191231'],
    [branch('dev'), "{{commit_date 'YYYYMMDD-HHmm' tz='Asia/Tokyo'}}", '20200101-0800'],
    [branch('a&b=c"d'), '{{branch}}', 'a-b-c-d'],
    [branch('{{sha}}'), '{{branch}}x', '-sha-x'.slice(1)],
    [branch('constructor'), '{{branch}}', 'constructor'],
  ])('%#: %o', (event, template, name) => {
    expect(namesOf(event, [`type=raw,value=${template}`])).toEqual([name]);
  });

  test('stand in prefix, suffix, value and enable', () => {
    const rule = 'type=raw,value={{sha}},prefix={{branch}}-,suffix=-{{base_ref}}x,enable={{is_not_default_branch}}';
    expect(namesOf(branch('dev'), [rule])).toEqual(['dev-860c190-x']);
  });

  test('an enable that is neither true nor false is an input error', () => {
    expect(derive(branch('dev'), ['type=sha,enable={{branch}}'])).toEqual({
      ok: false,
      code: 'INPUT_INVALID',
      problems: ['tags: `enable` of `type=sha,enable={{branch}}` came out as "dev", expected true or false.'],
    });
  });

  test('the short commit id is as long as asked for', () => {
    const rules = ['type=sha', 'type=raw,{{sha}}'];
    expect(namesOf(branch('dev'), rules, [], 12)).toEqual(['860c1904a1ce', 'sha-860c1904a1ce']);
    expect(namesOf(branch('dev'), ['type=sha'], [], 99)).toEqual(['sha-860c1904a1ce19322e91ac35af1ab07466440c37']);
  });
});

describe('the tag grammar', () => {
  const long = (tail: string) => `feature/${'x'.repeat(180)}${tail}`;

  test.each([
    ['ünï', 'n-'],
    ['-x', 'x'],
    ['..', undefined],
    ['.-.a', 'a'],
    ['🎉', undefined],
    ['🎉party', 'party'],
    ['a//b', 'a-b'],
    ['日本語', undefined],
    ['feature/FOO_bar#12', 'feature-FOO_bar-12'],
    ['_x', '_x'],
    ['x'.repeat(128), 'x'.repeat(128)],
  ])('%s', (name, tag) => {
    const made = toTag(name);
    expect(made?.tag).toBe(tag);
    if (tag !== undefined) expect(isTag(tag)).toBe(true);
  });

  test('a name that had to be trimmed or cut is told', () => {
    const derived = derive(branch('-x'), ['type=ref,event=branch']);
    expect(derived.ok && derived.warnings).toEqual([
      'The name "-x" became the tag x: a tag does not begin with a dot or a hyphen.',
    ]);
    expect(derive(branch(long('')), ['type=ref,event=branch'])).toMatchObject({
      warnings: [expect.stringContaining('at most 128 characters')],
    });
  });

  test('two long branches that differ only at the end, or only in what a tag cannot have, do not meet', () => {
    const names = [long('1'), long('2'), long('/a'), long('-a')].map((name) => toTag(name)?.tag ?? '');
    expect(new Set(names).size).toBe(4);
    for (const name of names) {
      expect(isTag(name)).toBe(true);
      expect(name).toMatch(/^feature-x+-[0-9a-f]{8}$/);
      expect(name).toHaveLength(128);
    }
    expect(toTag(long('1'))?.tag).toBe(names[0]);
  });

  test('whatever the branch is called, the outcome is valid tags or TAG_INVALID', () => {
    const alphabet = [...'aZ0._-/#@ ~é🎉{}"\'&<>,=', '\u0000', '\n', '\u202e'];
    let seed = 7;
    const next = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 16) % below;
    };
    for (let round = 0; round < 500; round++) {
      const name = Array.from({ length: next(200) }, () => alphabet[next(alphabet.length)]).join('');
      const derived = derive(branch(name), ['type=ref,event=branch']);
      if (derived.ok) for (const tag of derived.tags) expect(tag.name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
      else expect(derived.code).toBe('TAG_INVALID');
    }
  });

  test('a name of which nothing is left is an error that names the rule', () => {
    expect(derive(branch('🎉'), ['type=ref,event=branch', 'type=sha'])).toMatchObject({
      ok: false,
      code: 'TAG_INVALID',
      problems: ['The rule `type=ref,event=branch` makes the name "🎉", which has no character that a tag can have.'],
    });
  });

  test('two different names that would become one tag are an error that names both', () => {
    const derived = derive(branch('feature/x'), ['type=ref,event=branch', 'type=raw,feature-x']);
    expect(derived).toMatchObject({ ok: false, code: 'TAG_INVALID' });
    expect(!derived.ok && derived.problems[0]).toContain('"feature/x" (`type=ref,event=branch`) and "feature-x"');
  });

  test('one name from two rules is one tag', () => {
    expect(namesOf(branch('feature/x'), ['type=ref,event=branch', 'type=raw,{{branch}}'])).toEqual(['feature-x']);
    expect(namesOf(tagPush('v1.2.3'), ['type=semver,pattern={{version}}', 'latest'])).toEqual(['1.2.3', 'latest']);
  });
});

describe('every tag knows what it promises', () => {
  const commit = { by: 'commit' };
  const line = (version: string, scope: string, prefix = '', suffix = '') => ({
    by: 'version',
    version,
    scope,
    prefix,
    suffix,
  });
  const one = 'version';

  test.each<[string, GitEvent, readonly string[], readonly string[], Readonly<Record<string, unknown>>]>([
    [
      'a version',
      tagPush('v1.2.3'),
      [],
      [],
      {
        '1.2.3': one,
        '1.2': line('1.2.3', 'minor'),
        '1': line('1.2.3', 'major'),
        latest: line('1.2.3', 'all'),
        'sha-860c190': 'commit',
      },
    ],
    ['a branch', branch('dev'), [], [], { dev: commit, 'sha-860c190': 'commit' }],
    ['a branch that is called as a version', branch('v1.2.3'), ['type=ref,event=branch'], [], { 'v1.2.3': one }],
    ['… or would be after all', branch('+1.2.3-rc.1'), ['type=ref,event=branch'], [], { '1.2.3-rc.1': one }],
    [
      '… with what is before the versions, too',
      branch('1.2.3'),
      ['type=ref,event=branch'],
      ['prefix=app-'],
      { 'app-1.2.3': one },
    ],
    [
      '… but not with another prefix',
      branch('1.2.3'),
      ['type=ref,event=branch,prefix=dev-'],
      [],
      { 'dev-1.2.3': commit },
    ],
    [
      'a branch that is called as a commit',
      branch('sha-0123abc'),
      ['type=ref,event=branch'],
      [],
      { 'sha-0123abc': 'commit' },
    ],
    ['a branch of a line', branch('release/1.2'), ['type=ref,event=branch'], [], { 'release-1.2': commit }],
    ['a git tag', tagPush('release1'), ['type=ref,event=tag'], [], { release1: one, latest: commit }],
    [
      'a git tag that is a version',
      tagPush('v1.2.3'),
      ['type=ref,event=tag'],
      [],
      { 'v1.2.3': one, latest: line('1.2.3', 'all') },
    ],
    ['edge, raw', branch('master'), ['type=edge', 'type=raw,x'], [], { edge: commit, x: commit }],
    ['a pull request', pullRequest, [], [], { 'pr-15': commit }],
    [
      'latest=true on a branch',
      branch('dev'),
      ['type=sha'],
      ['latest=true'],
      { 'sha-860c190': 'commit', latest: commit },
    ],
    ['raw latest on a branch', branch('dev'), ['type=raw,latest'], [], { latest: commit }],
    [
      'raw latest beside a version',
      tagPush('v1.2.3'),
      ['type=semver,pattern={{version}}', 'type=raw,latest'],
      [],
      { '1.2.3': one, latest: line('1.2.3', 'all') },
    ],
    [
      'a suffix',
      tagPush('v1.2.3'),
      ['type=semver,pattern={{version}}', 'type=semver,pattern={{major}}.{{minor}}'],
      ['suffix=-alpine,onlatest=true'],
      {
        '1.2.3-alpine': one,
        '1.2-alpine': line('1.2.3', 'minor', '', '-alpine'),
        'latest-alpine': line('1.2.3', 'all', '', '-alpine'),
      },
    ],
    [
      'text around the version in the pattern',
      tagPush('v1.2.3'),
      [
        'type=semver,pattern=app-v{{major}}.x-slim',
        'type=semver,pattern=v{{major}}',
        'type=semver,pattern={{version}}-slim',
      ],
      ['latest=false'],
      {
        'app-v1.x-slim': line('1.2.3', 'major', 'app-', '-slim'),
        v1: line('1.2.3', 'major'),
        '1.2.3-slim': one,
      },
    ],
    [
      'a pattern without any part of the version',
      tagPush('v1.2.3'),
      ['type=semver,pattern=stable'],
      ['latest=false'],
      { stable: line('1.2.3', 'all') },
    ],
    [
      'a pre-release with short patterns',
      tagPush('v2.0.0-rc.1'),
      ['type=semver,pattern={{major}}.{{minor}}', 'type=semver,pattern={{major}}', 'type=semver,pattern={{raw}}'],
      [],
      { '2.0.0-rc.1': one, 'v2.0.0-rc.1': one },
    ],
    ['0.x', tagPush('v0.3.1'), ['type=semver,pattern={{major}}'], ['latest=false'], { '0': line('0.3.1', 'major') }],
    [
      'match with a full version',
      tagPush('v1.2.3'),
      ['type=match,pattern=v(.*),group=1'],
      [],
      { '1.2.3': one, latest: line('1.2.3', 'all') },
    ],
    [
      'match with a short version',
      tagPush('v1.2.3'),
      ['type=match,pattern=v(\\d.\\d),group=1', 'type=match,pattern=v\\d'],
      [],
      { '1.2': line('1.2.3', 'minor'), v1: line('1.2.3', 'major'), latest: line('1.2.3', 'all') },
    ],
    [
      'match with a date',
      tagPush('20200110-RC2'),
      ['type=match,pattern=\\d{8}'],
      [],
      { '20200110': commit, latest: commit },
    ],
    [
      'a calendar version with leading zeros',
      tagPush('2024.05.01'),
      ['type=ref,event=tag'],
      [],
      { '2024.05.01': one, latest: line('2024.5.1', 'all') },
    ],
    [
      'PEP 440, where 1.2 is a version and a line',
      tagPush('1.2'),
      ['type=pep440,pattern={{version}}', 'type=pep440,pattern={{major}}.{{minor}}'],
      [],
      { '1.2': { ...line('1.2', 'minor'), scheme: 'pep440' }, latest: { ...line('1.2', 'all'), scheme: 'pep440' } },
    ],
    ['a post-release of PEP 440', tagPush('1.2.post1'), ['type=pep440,pattern={{major}}'], [], { '1.2.post1': one }],
    ['a schedule', gitEvent({ name: 'schedule' }), ['type=schedule'], [], { nightly: commit }],
    [
      'a local version of PEP 440',
      tagPush('1.2.3+build.5'),
      ['type=pep440,pattern={{version}}', 'type=pep440,pattern={{major}}.{{minor}}'],
      [],
      {
        '1.2.3-build-5': one,
        '1.2': { ...line('1.2.3+build.5', 'minor'), scheme: 'pep440' },
        latest: { ...line('1.2.3+build.5', 'all'), scheme: 'pep440' },
      },
    ],
    ...['1.2.3', 'v1.2.3', '1.2.3-alpine', 'app-1.2.3', 'my_app-v1.2.3-rc.1', '1.2.3.4', '2024.05.01'].map(
      (value): [string, GitEvent, string[], string[], Record<string, unknown>] => [
        `${value} written out`,
        branch('dev'),
        [`type=raw,value=${value}`],
        [],
        { [value]: one },
      ],
    ),
    ['1.2.3 written out and said to move', branch('dev'), ['1.2.3,moving=true'], [], { '1.2.3': commit }],
    ['a date in the form of a version', branch('dev'), ["{{date 'YYYY.MM.DD'}}"], [], { '2020.01.10': commit }],
    ['a commit that is written out', branch('dev'), ['{{sha}}'], [], { '860c190': 'commit' }],
    [
      'what is no version',
      branch('dev'),
      ['1.2', 'py3.11', 'x1.2.3', '1.2.3.4.5'],
      [],
      { '1.2': commit, 'py3.11': commit, 'x1.2.3': commit, '1.2.3.4.5': commit },
    ],
    [
      'four numbers of a git tag',
      tagPush('v0.9.2.5'),
      ['type=match,pattern=v(.*),group=1'],
      [],
      { '0.9.2.5': one, latest: commit },
    ],
    [
      'two numbers of a git tag',
      tagPush('v0.29'),
      ['type=match,pattern=v(.*),group=1'],
      [],
      { '0.29': one, latest: commit },
    ],
    [
      'a calendar version of a git tag',
      tagPush('release-20260110'),
      ['type=match,pattern=\\d+'],
      [],
      { '20260110': one, latest: commit },
    ],
    [
      'versions written out make a release of a run',
      branch('master'),
      ['1.3.0', 'latest', '1', '1.3', '1.2'],
      [],
      {
        '1.3.0': one,
        latest: line('1.3.0', 'all'),
        '1': line('1.3.0', 'major'),
        '1.3': line('1.3.0', 'minor'),
        '1.2': commit,
      },
    ],
    ['latest written out on a backport', tagPush('v1.1.9'), ['latest'], [], { latest: line('1.1.9', 'all') }],
  ])('%s', (_, event, rules, flavor, expected) => {
    const said = tagsOf(event, rules, flavor).map((tag) => [tag.name, tag.kind === 'moving' ? tag.order : tag.kind]);
    expect(Object.fromEntries(said)).toEqual(expected);
  });

  test.each([
    [branch('latest'), [], 'latest', []],
    [branch('1'), [], '1', [1]],
    [branch('v1.2'), [], 'v1.2', [1, 2]],
    [branch('1.x'), [], '1.x', [1]],
    [branch('dev'), ['latest'], 'latest', []],
    [tagPush('v2.0.0-rc.1'), ['latest'], 'latest', []],
    [branch('dev'), ['latest,moving=true'], 'latest', undefined],
    [branch('dev'), [], 'dev', undefined],
    [branch('release/1.2'), [], 'release-1.2', [1, 2]],
    [branch('latest-alpine'), [], 'latest-alpine', []],
    [branch('app/v1'), [], 'app-v1', [1]],
    [branch('my_app-1.2-slim'), [], 'my_app-1.2-slim', [1, 2]],
    [branch('dev'), ['1.x-alpine'], '1.x-alpine', [1]],
    [branch('fix-v8engine'), [], 'fix-v8engine', undefined],
    [branch('app-1.2.3'), [], 'app-1.2.3', undefined],
  ])('%#: a name of a line is known where the run is no release', (event, rules, name, numbers) => {
    const tag = tagsOf(event, rules).find((each) => each.name === name);
    expect(tag?.kind === 'moving' ? tag.lines?.[0]?.numbers : tag).toEqual(numbers);
  });

  const sha = '860c1904a1ce19322e91ac35af1ab07466440c37';
  test.each([
    [branch('dev'), 'type=raw,value={{branch}}-{{sha}}', 'dev-860c190', 'commit'],
    [branch('dev'), 'type=raw,value={{sha}}-slim', '860c190-slim', 'commit'],
    [branch('dev'), `type=raw,value=git-${sha}`, `git-${sha}`, 'commit'],
    [branch('dev'), 'type=ref,event=branch,suffix=-{{sha}}', 'dev-860c190', 'commit'],
    [branch('dev'), 'type=raw,value=dev,suffix=-{{sha}}', 'dev-860c190', 'commit'],
    // The name of a branch is not the workflow's word.
    [branch('rollback-860c190'), 'type=ref,event=branch', 'rollback-860c190', 'moving'],
    [branch('dev'), 'type=raw,value=dev-0123abc', 'dev-0123abc', 'moving'],
    [branch('dev'), 'type=raw,value={{branch}}-{{sha}},moving=true', 'dev-860c190', 'moving'],
  ])('%#: `%s` on %s', (event, rule, name, kind) => {
    expect(tagsOf(event, [rule]).map((tag) => [tag.name, tag.kind])).toEqual([[name, kind]]);
  });

  test('and from which rule it came', () => {
    expect(tagsOf(tagPush('v1.2.3')).map(({ name, rule }) => [name, rule])).toEqual([
      ['1.2.3', 'type=semver,pattern={{version}}'],
      ['1.2', 'type=semver,pattern={{major}}.{{minor}}'],
      ['1', 'type=semver,pattern={{major}}'],
      ['sha-860c190', 'type=sha'],
      ['latest', 'latest=auto (type=semver,pattern={{version}})'],
    ]);
  });
});

describe('warnings', () => {
  test.each([
    ['type=semver,pattern={{version}}', 'v1.2', '"v1.2" is not a version of semver'],
    ['type=semver,pattern={{version}}', 'v01.2.3', '"v01.2.3" is not a version of semver'],
    ['type=semver,pattern={{version}}', 'V1.2.3', '"V1.2.3" is not a version of semver'],
    ['type=semver,pattern={{version}}', 'release-1.2.3', 'is not a version of semver'],
    ['type=pep440,pattern={{version}}', 'x', '"x" is not a version of PEP 440'],
    ['type=match,pattern=\\d.\\d', 'x', '\\d.\\d does not match "x".'],
    ['type=semver,pattern={{version}},match=r(\\d)', 'x', 'r(\\d) does not match "x".'],
  ])('%s on %s', (rule, tag, warning) => {
    const derived = derive(tagPush(tag), [rule, rule]);
    expect(derived.ok && derived.tags).toEqual([]);
    expect(derived.ok && derived.warnings.filter((each) => each.includes(warning))).toHaveLength(1);
  });

  test('edge without a known default branch', () => {
    const { defaultBranch: _, ...repository } = gitEvent().repository;
    expect(derive(gitEvent({ repository }), ['type=edge'])).toMatchObject({
      tags: [],
      warnings: [expect.stringContaining('default branch is not known')],
    });
  });
});
