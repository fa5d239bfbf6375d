import { describe, expect, test } from 'vitest';
import { parseImages } from '../../../src/domain/images.ts';
import { METADATA_ACTION_TAGS } from '../../../src/domain/tags/defaults.ts';
import { parseFlavor } from '../../../src/domain/tags/flavor.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

const problemsOf = (result: { ok: true } | { ok: false; problems: readonly string[] }) =>
  result.ok ? [] : result.problems;

describe('tags', () => {
  test.each([
    // All attributes of each type, as the README of metadata-action lists them.
    'type=schedule,enable=true,priority=1000,prefix=,suffix=,pattern=nightly',
    'type=semver,enable=true,priority=900,prefix=,suffix=,pattern=,value=,match=',
    'type=pep440,enable=true,priority=900,prefix=,suffix=,pattern=,value=',
    'type=match,enable=true,priority=800,prefix=,suffix=,pattern=,group=0,value=',
    'type=edge,enable=true,priority=700,prefix=,suffix=,branch=$repo.default_branch',
    'type=ref,enable=true,priority=600,prefix=,suffix=,event=branch',
    'type=ref,enable=true,priority=600,prefix=,suffix=,event=tag',
    'type=ref,enable=true,priority=600,prefix=pr-,suffix=,event=pr',
    'type=raw,enable=true,priority=200,prefix=,suffix=,value=',
    'type=sha,enable=true,priority=100,prefix=sha-,suffix=,format=short',
    "type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}",
    'type=raw,value=latest,enable={{is_default_branch}}',
    'type=raw,',
    'type=sha,',
    'TYPE=sha,Format=long',
    '  type=sha , format=long ',
    'type=match,pattern=/^v(\\d+)$/i,group=1',
    'type=raw,value={{#if tag}}{{tag}}{{else}}{{branch}}{{/if}}',
    'foo',
    'feature/x',
    "{{date 'YYYY/MM:DD'}}",
    'foo,enable=false',
  ])('metadata-action takes it, so do we: %s', (line) => {
    expect(problemsOf(parseTagRules([line]))).toEqual([]);
  });

  test.each([
    ['type=semvr,pattern=x', /unknown type "semvr", expected one of schedule, .*Did you mean `semver`\?/],
    ['type=sha,fromat=long', /unknown attribute "fromat" of type=sha, .*Did you mean `format`\?/],
    ['type=sha,event=branch', /type=sha has no `event`, expected/],
    ['type=sha,long', /type=sha has no `value`/],
    ['type=semver', /type=semver needs `pattern=`/],
    ['type=match', /type=match needs `pattern=`/],
    ['type=ref', /type=ref needs `event=` with one of branch, tag, pr/],
    ['type=ref,event=push', /`event` is "push", expected one of branch, tag, pr/],
    ['type=raw', /type=raw needs `value=`/],
    ['type=sha,format=shrot', /Did you mean `short`\?/],
    ['type=match,pattern=v(.*),group=x', /`group` is "x", expected a number/],
    ['type=match,pattern=v.*,group=1', /has 0 groups, expected at least 1/],
    ['type=match,pattern=v(', /`pattern` is not a regular expression/],
    ['type=semver,pattern={{version}},match=v\\d', /`match` "v\\\\d" has 0 groups, expected at least 1/],
    ['type=raw,x,priority=high', /`priority` is "high", expected a number/],
    ['type=raw,x,enable=yes', /`enable` is "yes", expected true or false/],
    ['type=raw,x,enable=', /`enable` is "", expected true or false/],
    ['type=raw,value={{brnach}}', /unknown expression \{\{brnach\}\}, .*Did you mean `branch`\?/],
    ['type=raw,value={{branch', /is not a handlebars template/],
    ['type=schedule,pattern={{branch}}', /unknown expression \{\{branch\}\}, expected one of \{\{date\}\}/],
    ['type=semver,pattern={{mayor}}', /Did you mean `major`\?/],
    ["type=raw,value={{date 'YYYY' zone='UTC'}}", /unknown argument `zone` of \{\{date\}\}, expected `tz`/],
    ["type=raw,value={{date 'YYYY' tz='Mars/Base'}}", /unknown time zone "Mars\/Base"/],
    ['latest,main', /there are several tags on one line/],
    [
      'ghcr.io/org/app:1.2.3',
      /full name of an image: write `ghcr\.io\/org\/app` into `images`, and only `1\.2\.3` here/,
    ],
    ['localhost:5000/app:sha-{{sha}}', /write `localhost:5000\/app` into `images`/],
    ['type=raw,value=org/app:latest', /write `org\/app` into `images`/],
    ['"type=raw', /not a list of `key=value`/],
  ])('a problem says where, what came and what was expected: %s', (line, problem) => {
    const problems = problemsOf(parseTagRules(['# a comment', line]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).toMatch(/^`tags`, line 2 \(`.*`\): /);
  });

  test.each([
    '{{constructor}}',
    '{{__proto__}}',
    '{{this}}',
    '{{../branch}}',
    '{{@root}}',
    '{{branch.constructor}}',
    '{{lookup this "constructor"}}',
    '{{#with branch}}{{/with}}',
    '{{#each this}}{{/each}}',
    '{{log branch}}',
    '{{> partial}}',
    '{{#if (lookup this "x")}}{{/if}}',
    '{{branch 1}}',
    '{{"constructor"}}',
    '{{date (lookup this "x")}}',
    '{{date branch.constructor}}',
    '{{#if branch}}{{constructor}}{{/if}}',
  ])('no template reaches anything but the expressions: %s', (template) => {
    expect(problemsOf(parseTagRules([`"type=raw,""value=${template.replaceAll('"', "'")}"""`]))).not.toEqual([]);
  });

  test('all problems of all lines come at once', () => {
    const problems = problemsOf(parseTagRules(['type=sha,format=x,prioritty=1', 'type=sha', 'type=nope']));
    expect(problems.map((each) => each.slice(0, 14))).toEqual(['`tags`, line 1', '`tags`, line 1', '`tags`, line 3']);
  });

  test.each(['type=match,"pattern=\\d{1,3}"', 'type=match, "pattern=\\d{1,3}"', '"type=match,""pattern=\\d{1,3}"""'])(
    'a comma in a value stands in quotes: %s',
    (line) => {
      const rules = parseTagRules([line]);
      expect(rules.ok && rules.value[0]).toMatchObject({ type: 'match', pattern: /\d{1,3}/ });
    },
  );

  test('the first `=` ends the key, and `#` inside a value stays', () => {
    const rules = parseTagRules(['type=raw,value=a=b#c', '#type=sha']);
    expect(rules.ok && rules.value).toMatchObject([{ type: 'raw', value: { source: 'a=b#c' } }]);
  });

  test('without any rule ours are taken, also when only comments are there; the lists of both are exported', () => {
    const ours = parseTagRules(['', '# nothing']);
    expect(ours.ok && ours.value.map(({ text }) => text)).toContain('type=semver,pattern={{major}}.{{minor}}');
    const theirs = parseTagRules(METADATA_ACTION_TAGS);
    expect(theirs.ok && theirs.value.map(({ text }) => text)).toEqual([...METADATA_ACTION_TAGS]);
  });
});

describe('flavor', () => {
  test('`onlatest` belongs to the prefix or suffix before it on its line', () => {
    const read = parseFlavor(['latest=true', 'prefix=a-,onlatest=true', 'suffix=-b']);
    expect(read.ok && read.value).toMatchObject({
      latest: 'true',
      prefix: { source: 'a-' },
      prefixLatest: true,
      suffix: { source: '-b' },
      suffixLatest: false,
    });
  });

  test.each([
    ['latest=yes', /`latest` is "yes", expected auto, true or false/],
    ['sufix=-x', /unknown entry "sufix", .*Did you mean `suffix`\?/],
    ['latest', /unknown entry "latest", expected latest=/],
    ['prefix=x,onlatest=yes', /`onlatest` is "yes", expected true or false/],
    ['onlatest=true', /`onlatest` belongs after/],
    ['prefix={{x}}', /`prefix`: unknown expression/],
  ])('%s is a problem', (line, problem) => {
    expect(problemsOf(parseFlavor([line]))).toEqual([expect.stringMatching(problem)]);
  });
});

describe('images', () => {
  const namesOf = (lines: readonly string[]) => {
    const read = parseImages(lines);
    return read.ok ? read.value.map(({ name, enable }) => [name, enable]) : read.problems;
  };

  test.each([
    [
      ['org/app', 'ghcr.io/Org/App'],
      [
        ['org/app', true],
        ['ghcr.io/org/app', true],
      ],
    ],
    [
      ['org/app,ghcr.io/org/app'],
      [
        ['org/app', true],
        ['ghcr.io/org/app', true],
      ],
    ],
    [['name=org/app'], [['org/app', true]]],
    [
      ['name=org/app,enable=false', '# no', 'ghcr.io/org/app,enable=true'],
      [
        ['org/app', false],
        ['ghcr.io/org/app', true],
      ],
    ],
    [['app', 'docker.io/library/app', 'index.docker.io/library/App'], [['app', true]]],
    [[], []],
  ])('%j', (lines, images) => {
    expect(namesOf(lines)).toEqual(images);
  });

  test.each([
    [['name=org/app,enable=yes'], /`enable` is "yes", expected true or false/],
    [['name=org/app,enabled=true'], /unknown attribute "enabled", .*Did you mean `enable`\?/],
    [['name=,enable=false'], /the name is empty/],
    [['a/b,c/d', 'e/f'], /`images`, line 1 .*two names, "a\/b" and "c\/d"/],
    [['ghcr.io/org/app:1.2'], /`images`, line 1 .*leave out the tag/],
    [[`ghcr.io/org/app@sha256:${'0'.repeat(64)}`], /leave out the digest/],
  ])('%j is a problem', (lines, problem) => {
    expect(namesOf(lines)).toEqual([expect.stringMatching(problem)]);
  });
});
