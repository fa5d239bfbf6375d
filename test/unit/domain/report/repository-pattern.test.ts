import { describe, expect, it } from 'vitest';
import {
  literalPrefix,
  matchesRepository,
  parseRepositories,
  selectRepositories,
} from '../../../../src/domain/report/repository-pattern.ts';

const read = (...lines: string[]) => {
  const found = parseRepositories(lines);
  if (!found.ok) throw new Error(found.problems.join('\n'));
  return found.value;
};
const problemsOf = (...lines: string[]) => {
  const found = parseRepositories(lines);
  return found.ok ? '' : found.problems.join('\n');
};
const pattern = (path: string) => ({ host: 'r.example', path, text: `r.example/${path}` });

describe('repositories of a report', () => {
  it('reads names, patterns and exclusions, in lines or in one', () => {
    const { images, included, excluded } = read(
      '# all of ours',
      'ghcr.io/Org/App',
      'R.example:5000/*',
      '!r.example:5000/tmp-*',
      'acme/*',
    );
    expect(images.map(({ name }) => name)).toEqual(['ghcr.io/org/app']);
    expect(included).toMatchObject([
      { host: 'r.example:5000', path: '*', text: 'r.example:5000/*' },
      { host: 'docker.io', path: 'acme/*', text: 'docker.io/acme/*' },
    ]);
    expect(excluded.map(({ path }) => path)).toEqual(['tmp-*']);
    const one = read('ghcr.io/org/app,ghcr.io/org/x-*, !ghcr.io/org/x-y');
    expect([one.images.length, one.included.length, one.excluded.length]).toEqual([1, 1, 1]);
    expect(read('name=ghcr.io/org/app,enable=false').images).toMatchObject([{ enable: false }]);
    expect(read('localhost/**/app').included).toMatchObject([{ host: 'localhost', path: '*/app' }]);
  });

  it.each([
    ['*', /the registry comes first/],
    ['*/*', /the registry comes first/],
    ['*.example.com/app', /the registry comes first/],
    ['https://r.example/*', /leave out the scheme/],
    ['r.example/*:latest', /line 1 .*"r\.example\/\*:latest".*leave out the tag/],
    ['r.example//*', /a part of it is empty/],
    ['r.example/a b*', /cannot be a part/],
    ['r.example/[ab]*', /cannot be a part/],
    ['user:secret@r.example/*', /cannot contain credentials/],
    ['!r.example/app', /there is none\. Add `r\.example\/\*`/],
    ['!', /it is empty/],
  ])('refuses %s', (line, why) => {
    expect(problemsOf(line)).toMatch(why);
  });

  it('shows no credentials, and counts lines as the user does', () => {
    expect(problemsOf('user:secret@r.example/*')).not.toContain('secret');
    expect(problemsOf('', '# c', 'r.example/*', 'r.example/UP CASE', '*/x')).toMatch(/line 5[\s\S]*line 4/);
  });

  it.each([
    ['*', 'a/b/c', true],
    ['org/*', 'org/app', true],
    ['org/*', 'org/team/app', true],
    ['org/*', 'organisation/app', false],
    ['org/*', 'org', false],
    ['org/app', 'org/app', true],
    ['*/app', 'x/y/app', true],
    ['*/app', 'x/y/app2', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*b*b', 'b', false],
    ['*b*c*', 'xcxbxc', true],
    ['*b*c*', 'xcxb', false],
  ])('%s and %s: %s', (path, name, fits) => {
    expect(matchesRepository(pattern(path), name)).toBe(fits);
  });

  it('a pattern of many stars does not take long', () => {
    const started = performance.now();
    expect(matchesRepository(pattern(`${'a*'.repeat(120)}b`), 'a'.repeat(255))).toBe(false);
    expect(performance.now() - started).toBeLessThan(50);
  });

  it.each([
    ['*', ''],
    ['org/*', 'org/'],
    ['org/app-*', 'org/'],
    ['org/te*/app', 'org/'],
    ['p/r/x/*', 'p/r/x/'],
  ])('what a list of %s has to begin with: %j', (path, prefix) => {
    expect(literalPrefix(pattern(path))).toBe(prefix);
  });

  it('selects once, sorted, and drops what is no name of an image', () => {
    const { included, excluded } = read('r.example/*', 'r.example/a*', '!r.example/a/tmp*');
    const listed = ['b', 'a/x', 'a/tmp1', 'a/x', '../../etc', 'UPPER', 'a\nb', `x${'y'.repeat(300)}`, ''];
    const found = selectRepositories('r.example', listed, { included, excluded });
    expect(found.map(({ repository }) => repository)).toEqual(['a/x', 'b']);
    expect(selectRepositories('other.example', listed, { included, excluded })).toEqual([]);
  });
});
