import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fillBlocks, renderAction, renderBlocks, renderErrors } from '../../../scripts/documents.ts';
import { generatedFiles, staleFiles } from '../../../scripts/generate.ts';
import { COMMANDS } from '../../../src/app/command-list.ts';
import { allInputs, allOutputs } from '../../../src/app/inputs.ts';
import { CATALOGUE } from '../../../src/errors/catalogue.ts';

describe('generated files', () => {
  it('are what the tables say', async () => {
    expect([...(await generatedFiles()).keys()]).toEqual([
      'action.yml',
      'docs/errors.md',
      'docs/cleanup-policy.schema.json',
      'docs/setup.schema.json',
      'docs/mirror.schema.json',
      'docs/output.schema.json',
      'monitoring/grafana-dashboard.json',
      ...Object.keys(renderBlocks()),
      'docs/json-output.md',
    ]);
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
    expect(Object.keys(inputs)).toEqual(['command', ...allInputs(COMMANDS).map(({ name }) => name)]);
    expect(Object.keys(outputs)).toEqual(allOutputs(COMMANDS).map(({ name }) => name));
  });

  it.each(COMMANDS)('show every input of $name once on its page, and no other', ({ name: command, inputs }) => {
    const block = renderBlocks()[`docs/${command}.md`]?.[`inputs of ${command}`] ?? '';
    const shown = [...block.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
    expect(shown.toSorted()).toEqual(Object.keys(inputs).toSorted());
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
