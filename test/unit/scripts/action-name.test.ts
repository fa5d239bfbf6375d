import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Where the action is published: replaced in the whole repository with one `sed`, see CONTRIBUTING.md. */
const NAME = 'org/registry-action';
const ROOT = new URL('../../..', import.meta.url);

const files = execFileSync('git', ['ls-files', 'README.md', 'docs', 'examples', '.github', 'src', 'scripts'], {
  cwd: ROOT,
})
  .toString()
  .split('\n')
  .filter((file) => /\.(?:md|ya?ml|ts)$|CODEOWNERS$/.test(file));

test('every step and every address names the action in the same way', () => {
  const others = files.flatMap((file) => {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    const found = text.matchAll(/(?:uses:\s*|github\.com\/)([\w.<>-]+\/registry-action)\b/gi);
    return [...found].flatMap(([, name]) => (name === NAME ? [] : [`${file}: ${name}`]));
  });
  expect(others).toEqual([]);
});

test('the code has the name in one place', () => {
  const holders = files.filter(
    (file) => /^(?:src|scripts)\//.test(file) && readFileSync(new URL(file, ROOT), 'utf8').includes(NAME),
  );
  expect(holders).toEqual(['src/report/parts.ts']);
});
