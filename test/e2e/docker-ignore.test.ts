import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseDockerIgnore } from '../../src/domain/docker-ignore.ts';
import { run } from './programs.ts';

/** Names that patterns can take for others: by case, dots, depth, and signs of patterns and regular expressions. */
const FILES = [
  'a.txt',
  'b.md',
  'README.md',
  'UPPER.MD',
  'abc',
  'a.c',
  'a+c',
  'a(1).txt',
  'a|b',
  'a^b',
  'a$b',
  '{a,b}',
  'foo[1].txt',
  'foo1.txt',
  'star*.txt',
  'star-x.txt',
  'sp ace/f.txt',
  'é.txt',
  'ée.txt',
  '!bang.txt',
  '#hash.txt',
  'back\\slash.txt',
  'temp',
  'tempest/t',
  '.env',
  '.env.local',
  'conf/.env',
  'conf/deep/.env',
  'src/a.ts',
  'src/a.js',
  'src/deep/b.ts',
  'src/deep/er/c.ts',
  'src/node_modules/y/index.js',
  'node_modules/x/index.js',
  'my_node_modules/z.js',
  'build/keep/me.txt',
  'build/drop.txt',
  '😀.txt',
  'a-c',
  'a]c',
  '..dots/f',
  'dx',
  '1x',
  'a*c',
  'a?c',
  'a]',
  '-x',
  'a\\',
] as const;

/** Each is one build. */
const PATTERNS: readonly string[] = [
  '*',
  '**/*.md',
  '**',
  '*/*',
  '/src/deep/',
  './src/../conf',
  '../src',
  '/../src',
  'node_modules',
  '**/node_modules',
  '**node_modules',
  'src/**/*.ts',
  'src/**/**/c.ts',
  '**/.env*',
  '*\n!README.md',
  'build\n!build/keep',
  '*\n!src\nsrc/deep\n!src/deep/er/c.ts',
  'a.txt\n!a.txt\n*.txt\n! a.txt',
  'a.c',
  'a+c\na(1).txt\na|b\na^b\na$b\n{a,b}',
  'foo[1].txt',
  'foo\\[1\\].txt\nstar\\*.txt\n\\#hash.txt\n\\!bang.txt\n\\-x',
  'a[.+]c',
  'a[^.]c',
  'a[!.]c',
  'a[\\]]c',
  'a]c\na]',
  'a[\\-b]c',
  '[é😀].txt',
  '[',
  '[]a]c',
  '[z-a]',
  '!',
  '  a.txt  \n\ttemp\t\r\nabc\r\n# b.md\n #hash.txt',
  'a.txt\u00a0\ntemp\u0085\nabc\u2028',
  '\uFEFFa.txt\nabc\uFEFF',
  'é.txt\nSRC\nreadme.md',
  '?.txt',
  '??.txt',
  'tem**',
  '**txt',
  '**/deep/**',
  '.',
  '..dots\n.*',
  'a***c',
  'src/***',
  'back\\\\slash.txt',
];

/** docker reads these in ways of its own, or refuses them: the action takes nothing for ignored then. */
const UNCLEAR: readonly string[] = ['\\a.txt', '\\d*', '\\w*', 'a[*]c', 'a[?]c', '[[:alpha:]]', 'a\\'];

let directory: string;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-ignore-')));
  await writeFile(join(directory, 'Dockerfile'), 'FROM scratch\nCOPY . /\n');
  for (const name of FILES) {
    const path = join(directory, 'context', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, name);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The files that BuildKit takes into the context; undefined when it refuses the patterns. */
async function takenByBuildkit(text: string, at: number): Promise<readonly string[] | undefined> {
  const dockerfile = join(directory, `${at}.Dockerfile`);
  const target = join(directory, `taken-${at}`);
  await writeFile(dockerfile, 'FROM scratch\nCOPY . /\n');
  await writeFile(`${dockerfile}.dockerignore`, text);
  const output = ['--output', `type=local,dest=${target}`, '--provenance=false'];
  const args = ['buildx', 'build', '--quiet', '--builder', 'default', '--file', dockerfile, ...output];
  try {
    await run('docker', [...args, join(directory, 'context')]);
  } catch (error) {
    if (String(error).includes('dockerignore') || /patterns?\b|illegal exclusion/.test(String(error))) return undefined;
    throw error;
  }
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)))
    .sort();
}

it('P11: a .dockerignore leaves out for the action what BuildKit leaves out', async () => {
  const different: unknown[] = [];
  let refused = 0;
  const compare = async (text: string, at: number) => {
    const { ignores } = parseDockerIgnore(text);
    const ours = FILES.filter((name) => !ignores(name)).sort();
    const taken = await takenByBuildkit(text, at);
    if (taken === undefined) refused += 1;
    // What BuildKit refuses is never built, and must not hide a file.
    const real = taken ?? [...FILES].sort();
    const hidden = real.filter((name) => !ours.some((each) => each === name));
    const extra = ours.filter((name) => !real.includes(name));
    if (hidden.length > 0 || (extra.length > 0 && !UNCLEAR.includes(text)))
      different.push({ text, refused: taken === undefined, hidden, extra });
  };
  const queue = [...PATTERNS, ...UNCLEAR].entries();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const [at, text] of queue) await compare(text, at);
    }),
  );
  expect(different).toEqual([]);
  expect(refused).toBeGreaterThan(0);
});
