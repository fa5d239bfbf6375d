import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../src/domain/fields.ts';
import { runAction } from '../support/action.ts';
import { filesBelow } from '../support/setup/exported.ts';
import { yamlExamples } from '../support/workflows.ts';
import { terraform } from './terraform.ts';

const page = await readFile(new URL('../../docs/setup.md', import.meta.url), 'utf8');
const examples = yamlExamples(page).filter((example) => fieldsOf(parse(example)).version === 1);

/** Nothing is asked there that could say what they are. */
const TYPES = 'harbor.acme.example=harbor\nnexus.acme.example=nexus\nacme.jfrog.io=artifactory';

/** Enough of a cleanup policy for the examples that name one. */
const POLICY = `version: 1
defaults: {multi-tag: any, basis: pushed}
repositories:
  - match: ["**"]
    rules:
      - {name: builds, select: {kind: any, tags: ["build-*"]}, remove: {older-than: 30d}}
      - {name: untagged, select: {kind: any, tagged: false}, remove: {older-than: 7d}}
`;

async function exported(config: string, more: Readonly<Record<string, string>> = {}) {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  await mkdir(join(workspace, '.github'), { recursive: true });
  await writeFile(join(workspace, '.github/cleanup.yaml'), POLICY);
  for (const [path, text] of Object.entries(more)) {
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), text);
  }
  const done = await runAction({
    inputs: { command: 'setup', config, export: 'terraform', 'registry-type': TYPES },
    workspace,
  });
  onTestFinished(done.dispose);
  return { ...done, folder: join(workspace, 'setup-export/terraform') };
}

describe('terraform validates', () => {
  test.each(examples)('%s', async (config) => {
    const check = await terraform();
    const { folder, outputs, log } = await exported(config);
    expect(outputs.outcome, log).toMatch(/^(?:exported|partial)$/);
    for (const [path] of await filesBelow(folder).catch(() => new Map<string, string>())) {
      if (!path.endsWith('/versions.tf')) continue;
      expect(await check(join(folder, dirname(path))), path).toEqual([]);
    }
  });
});
