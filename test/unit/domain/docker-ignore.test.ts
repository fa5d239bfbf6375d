import { describe, expect, test } from 'vitest';
import { parseDockerIgnore } from '../../../src/domain/docker-ignore.ts';

describe('.dockerignore, as docker reads it', () => {
  test.each([
    [['dist'], 'dist/a.js', true],
    [['/dist'], 'dist/a.js', true],
    [['dist/'], 'dist/a.js', true],
    [['./dist'], 'dist/a.js', true],
    [['a/../dist'], 'dist/a.js', true],
    [[' dist '], 'dist/a.js', true],
    [['dist\r'], 'dist/a.js', true],
    [['\uFEFFdist'], 'dist/a.js', true],
    [['Dist'], 'dist/a.js', false],
    [['node_modules'], 'a/node_modules/x', false],
    [['**/node_modules'], 'a/node_modules/x', true],
    [['**/node_modules'], 'node_modules/x', true],
    [['**/*.js'], 'x.js', true],
    [['**/*.js'], 'a/b/x.js', true],
    [['a/**/b'], 'a/b', true],
    [['a/**/b'], 'a/x/y/b', true],
    [['foo/**'], 'foo/x/y', true],
    [['foo/**'], 'foobar', false],
    [['*.md'], 'docs/a.md', false],
    [['*/*.md'], 'docs/a.md', true],
    [['*.md', '!README*.md'], 'README.md', false],
    [['*.md', '!README*.md', 'README-secret.md'], 'README-secret.md', true],
    [['*', '!src'], 'src/a.js', false],
    [['*', '!src'], 'a.js', true],
    [['**', '!src/**'], 'src/x/y', false],
    [['dist', '!dist/keep.js'], 'dist/keep.js', false],
    [['dist', '!dist/keep.js'], 'dist/other.js', true],
    [['!dist', 'dist'], 'dist/a', true],
    [['# dist', 'x'], 'dist/a', false],
    [['\\#x'], '#x', true],
    [['foo?'], 'foo1', true],
    [['foo?'], 'foo/', false],
    [['[a-c]x'], 'bx', true],
    [['[^a]x'], 'bx', true],
    [['[^a]x'], 'ax', false],
    [['a+b(c).{d}'], 'a+b(c).{d}', true],
    [['a.b'], 'axb', false],
    [['a\\*'], 'ab', false],
    [['**'], 'a/b', true],
    // docker rejects these files: nothing counts as ignored, so that nothing is overlooked.
    [['dist', '[a'], 'dist/a', false],
    [['dist', '!'], 'dist/a', false],
  ])('%j: %s is ignored: %s', (lines, path, ignored) => {
    expect(parseDockerIgnore(lines.join('\n')).ignores(path)).toBe(ignored);
  });
});
