import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../src/domain/fields.ts';
import { yamlExamples } from '../support/workflows.ts';
import { run } from './programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OWN = join(ROOT, '.github', 'workflows');
const CALL = 'org/registry-action/.github/workflows/promote.yml@';

let directory: string;
let own: readonly string[];
/** Whole workflows of the documentation, as files. */
let shown: readonly { readonly file: string; readonly isCaller: boolean }[];

beforeAll(async () => {
  own = (await readdir(OWN)).map((name) => join(OWN, name));
  directory = await mkdtemp(join(tmpdir(), 'workflows-'));
  const folder = join(directory, '.github', 'workflows');
  await mkdir(folder, { recursive: true });
  const docs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  const texts = await Promise.all(['README.md', ...docs].map((page) => readFile(join(ROOT, page), 'utf8')));
  const whole = texts.flatMap(yamlExamples).filter((text) => {
    const { on, jobs } = fieldsOf(parse(text));
    return on !== undefined && jobs !== undefined;
  });
  shown = await Promise.all(
    whole.map(async (text, at) => {
      const file = join(folder, `example-${at + 1}.yml`);
      await writeFile(file, text);
      return { file, isCaller: text.includes(CALL) };
    }),
  );
});
afterAll(() => rm(directory, { recursive: true, force: true }));

// What they find is on stdout, and a failure is told by stderr.
const lint = (...command: readonly string[]) => run('bash', ['-c', '"$@" >&2', 'lint', ...command]);
// shellcheck and pyflakes would be asked only where a machine has them.
const actionlint = (files: readonly string[]) =>
  lint('actionlint', '-no-color', '-shellcheck=', '-pyflakes=', ...files);
const zizmor = (files: readonly string[]) =>
  lint(
    'zizmor',
    '--offline',
    '--pedantic',
    '--color',
    'never',
    '--config',
    join(ROOT, '.github', 'zizmor.yml'),
    ...files,
  );

describe('workflows', () => {
  it('of this repository are valid and give nobody more than is needed', async () => {
    expect(own.length).toBeGreaterThan(1);
    await actionlint(own);
    await zizmor(own);
  });

  it('of the documentation are valid, and those that call the promotion are as strict as it is', async () => {
    const callers = shown.filter(({ isCaller }) => isCaller).map(({ file }) => file);
    expect(callers.length).toBeGreaterThan(0);
    await actionlint(shown.map(({ file }) => file));
    await zizmor(callers);
  });

  it('that are complete examples are valid, and as strict as those of this repository', async () => {
    const folder = join(ROOT, 'examples');
    const examples = (await readdir(folder)).map((name) => join(folder, name));
    expect(examples.length).toBeGreaterThan(5);
    await actionlint(examples);
    await zizmor(examples);
  });

  it('that are wrong or careless would be found', async () => {
    const file = join(directory, '.github', 'workflows', 'careless.yml');
    const steps = '[{ run: "echo ${{ github.event.pull_request.title }}" }]';
    await writeFile(file, `on: pull_request_target\njobs: { it: { runs-on: ubuntu-24.04, steps: ${steps} } }\n`);
    await expect(actionlint([file])).rejects.toThrow('is potentially untrusted');
    await expect(zizmor([file])).rejects.toThrow('error[dangerous-triggers]');
  });
});
