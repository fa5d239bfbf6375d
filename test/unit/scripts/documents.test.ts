import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fillBlocks, renderAction, renderErrors, renderReadmeBlocks } from '../../../scripts/documents.ts';
import { generatedFiles, staleFiles } from '../../../scripts/generate.ts';
import { CATALOGUE } from '../../../src/errors/catalogue.ts';
import { INPUTS, OUTPUTS } from '../../../src/inputs/catalogue.ts';

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
