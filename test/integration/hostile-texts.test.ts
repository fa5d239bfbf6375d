import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { writeLayers } from '../support/layers.ts';
import type { TarEntry } from '../support/tar.ts';
import { createSetting } from './setting.ts';

// An image may be of anybody, and its names come into the log, the summary, annotations and SARIF.

/** Folders of an image, each of which would be something else where it is not escaped. */
const FOLDERS = [
  'a\n::error title=owned::line',
  'b\r\n::add-mask::published',
  'c\u2028::set-output name=digest::x',
  'd%0A::warning::percent',
  'e\u001b[31mred\u001b[2K',
  'f|pipe|`tick`',
  'g<img src=x onerror=alert(1)>',
  'h[click](javascript:alert(1))',
  'i\u202egnp.exe',
  'j ##[error]old',
  'k,file=x,line=1::y',
  'l</details><script>1</script>',
  'm"quoted"\'single\'',
  'n#frag?query=1 space',
];

const lodash = (folder: string): TarEntry => ({
  header: { name: `app/${folder}/node_modules/lodash/package.json`, mode: 0o644 },
  content: '{"name":"lodash","version":"4.17.11"}',
});
const secret = (folder: string): TarEntry => ({
  header: { name: `srv/${folder}/settings.env`, mode: 0o644 },
  content: `TOKEN=${'ghp'}_${'a1B2c3D4e5F6g7H8i9J0'.repeat(2).slice(0, 36)}\n`,
});

/** Workflow commands that a run of the action may write: everything else comes from the image. */
const COMMANDS = /^::(?:debug|error|warning|notice|group|endgroup|add-mask|save-state|set-output)\b/;

test('P8: names in an image are texts everywhere: no workflow command, no markup, valid SARIF', async () => {
  await using setting = await createSetting();
  await writeLayers(
    join(setting.repository.directory, 'image'),
    [FOLDERS.flatMap((each) => [lodash(each), secret(each)])],
    {
      config: (config) => ({
        ...config,
        config: { Labels: { 'org.opencontainers.image.title': 'x\n::error::label' }, Env: ['A=b\n::error::env'] },
        history: [{ created_by: 'RUN x\n::error::history <b>bold</b> | `tick`' }],
      }),
    },
  );
  const run = await setting.publish({ push: 'false', images: 'ghcr.io/org/app', 'sarif-file': 'out.sarif' });
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });

  const lines = run.log.split(/\r\n|[\n\r\u2028\u2029\u0085]/);
  expect(lines.filter((line) => /^\s*(?:::|##\[)/.test(line) && !COMMANDS.test(line))).toEqual([]);
  for (const text of ['owned', 'percent', 'label', 'env', 'history']) {
    expect(lines.filter((line) => new RegExp(`^\\s*::(?:error|warning)[^:]*::(?:${text}|line)`).test(line))).toEqual(
      [],
    );
  }
  expect(run.masks).not.toContain('published');
  expect(run.outputs.digest).not.toBe('x');
  // Only what the action writes is an annotation, and none is about a file that the image names.
  for (const { title = '', file } of run.annotations) expect([title === 'owned', file === 'x']).toEqual([false, false]);
  // Signs that move the cursor, change colours or turn the direction of writing.
  const control = /[^\n]{0,80}(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;
  for (const text of [run.log, run.summary]) expect(control.exec(text)?.[0]).toBeUndefined();

  // Nothing is markup in a fenced block, and no text of the image ends one.
  const markup = run.summary.replaceAll(/^```(?:yaml|mermaid)\n[\s\S]*?^```$/gm, '');
  expect(markup).not.toContain('```');
  expect(markup).not.toMatch(/<(?:img|script)\b/i);
  expect(markup).not.toMatch(/\]\(javascript:/i);
  expect(markup.match(/<\/details>/g) ?? []).toHaveLength((markup.match(/<details/g) ?? []).length);
  const rows = markup.split('\n').filter((line) => /^\|.*lodash/.test(line));
  expect(rows.length).toBeGreaterThan(0);
  expect(new Set(rows.map((row) => row.split('|').length)).size).toBe(1);

  const sarif = JSON.parse(await readFile(join(setting.repository.directory, 'out.sarif'), 'utf8'));
  const schema = JSON.parse(await readFile(new URL('../contracts/sarif-2.1.0.json', import.meta.url), 'utf8'));
  const ajv = new Ajv({
    strict: false,
    validateFormats: false,
    meta: false,
    validateSchema: false,
    unicodeRegExp: false,
  });
  const isValid = ajv.compile(schema);
  expect(isValid(sarif), JSON.stringify(isValid.errors)).toBe(true);
  expect(sarif.runs[0].results.length).toBeGreaterThanOrEqual(2 * FOLDERS.length);
  const uris = [...JSON.stringify(sarif).matchAll(/"uri":"((?:[^"\\]|\\.)*)"/g)].map(([, uri]) =>
    JSON.parse(`"${uri}"`),
  );
  for (const uri of uris) expect(uri).toMatch(/^[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]*$/);
});
