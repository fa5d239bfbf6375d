import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { fillBlocks, renderAction, renderErrors, renderReadmeBlocks } from '../../../scripts/documents.ts';
import { generatedFiles, staleFiles } from '../../../scripts/generate.ts';
import { parseIgnoreFile } from '../../../src/domain/gate/ignore-file.ts';
import { CATALOGUE } from '../../../src/errors/catalogue.ts';
import { INPUTS, OUTPUTS } from '../../../src/inputs/catalogue.ts';
import { FOREIGN_INPUTS } from '../../../src/inputs/foreign.ts';
import { parseInputs } from '../../../src/inputs/parse.ts';

const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');

describe('generated files', () => {
  it('are what the tables say', async () => {
    expect([...(await generatedFiles()).keys()]).toEqual(['action.yml', 'docs/errors.md', 'README.md']);
    expect(await staleFiles()).toEqual([]);
  });

  it('describe every input and output to the runner', () => {
    const action: unknown = parse(renderAction());
    expect(action).toMatchObject({
      runs: { using: 'node24', main: 'dist/index.js', post: 'dist/index.js', 'post-if': 'always()' },
    });
    expect(action).toHaveProperty('inputs.push.default', 'true');
    expect(action).toHaveProperty('inputs.github-token.default', '${{ github.token }}');
    // The runner refuses an expression in a description.
    expect(renderAction().match(/\$\{\{.*/g)).toEqual(['${{ github.token }}']);
    const { inputs, outputs } = parse(renderAction());
    expect(Object.keys(inputs)).toEqual(Object.keys(INPUTS));
    expect(Object.keys(outputs)).toEqual(Object.keys(OUTPUTS));
  });

  it('show every input once, under its heading', () => {
    const { inputs = '' } = renderReadmeBlocks();
    for (const name of Object.keys(INPUTS)) expect(inputs.split(`| \`${name}\` |`), name).toHaveLength(2);
  });

  it('have a heading for the code of every error', () => {
    const headings = renderErrors().match(/^### .*$/gm);
    expect(headings?.toSorted()).toEqual(
      Object.keys(CATALOGUE)
        .map((code) => `### ${code}`)
        .toSorted(),
    );
  });

  it('keep what stands outside of the markers', () => {
    expect(fillBlocks('a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb', { x: 'new' })).toBe(
      'a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb',
    );
    expect(() => fillBlocks('no markers', { x: 'new' })).toThrow('<!-- x:begin --> is missing');
  });
});

describe('the README', () => {
  const workflows = [...readme.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? '');

  it('shows workflows that the action accepts', () => {
    const steps = workflows.flatMap((text) => parseAllDocuments(text).flatMap((document) => usesOf(document.toJS())));
    expect(steps.length).toBeGreaterThan(5);
    for (const inputs of steps) {
      const env = Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      );
      expect(() => parseInputs(env, () => {}), JSON.stringify(inputs)).not.toThrow();
    }
  });

  it('begins with a whole workflow of twelve lines at most', () => {
    const [first = ''] = workflows;
    expect(Object.keys(parse(first))).toEqual(['on', 'permissions', 'jobs']);
    expect(first.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  });

  it('shows an ignore file that the gate accepts', () => {
    const [text = ''] = workflows.filter((each) => each.includes('# .security/accepted.yaml'));
    expect(parseIgnoreFile(text, 'accepted.yaml')).toMatchObject({
      entries: [{ platform: 'linux/arm64' }, { id: 'private-key' }],
    });
  });

  it('has an answer for each input that it tells users of other actions to drop', () => {
    for (const name of ['load', 'outputs', 'exit-code', 'image-ref', 'vuln-type', 'trivyignores', 'logout', 'driver']) {
      expect(Object.hasOwn(FOREIGN_INPUTS, name), name).toBe(true);
    }
  });

  it('links only to files and headings that exist', async () => {
    const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, target = ''] of readme.matchAll(/\]\(((?!https?:)[^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#');
      if (file !== '') await readFile(new URL(`../../../${file}`, import.meta.url));
      else expect(headings, target).toContain(anchor);
    }
  });
});

/** The `with:` of every step of this action in a YAML value. */
function usesOf(value: unknown): readonly Readonly<Record<string, string>>[] {
  if (typeof value !== 'object' || value === null) return [];
  const own =
    'uses' in value && typeof value.uses === 'string' && value.uses.includes('/registry-action@') && 'with' in value
      ? [Object.fromEntries(Object.entries(value.with ?? {}).map(([name, text]) => [name, evaluated(String(text))]))]
      : [];
  return [...own, ...Object.values(value).flatMap(usesOf)];
}

/** What the runner makes of an expression that compares. */
function evaluated(text: string): string {
  return /^\$\{\{.*[!=]=.*\}\}$/.test(text) ? 'true' : text;
}
