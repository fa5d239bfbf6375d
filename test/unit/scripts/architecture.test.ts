import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importsOf, readSources, violations } from '../../../scripts/architecture.ts';

describe('the sources', () => {
  it('break no rule of the architecture', async () => {
    const sources = await readSources();
    expect(sources.map(({ file }) => file)).toEqual(expect.arrayContaining(['src/main.ts', 'scripts/architecture.ts']));
    expect(violations(sources)).toEqual([]);
  });
});

describe('the picture of the layers', () => {
  const page = readFileSync(new URL('../../../docs/architecture.md', import.meta.url), 'utf8');
  const [, picture = ''] = /```mermaid\n([\s\S]*?)```/.exec(page) ?? [];
  const arrows = [...picture.matchAll(/^ {2}(\w+)(?:\[[^\]]*\])? --> (\w+)/gm)].map(([, from = '', to = '']) => [
    from,
    to,
  ]);

  it('has every folder of src', () => {
    const folders = readdirSync(new URL('../../../src', import.meta.url)).filter((name) => !name.endsWith('.ts'));
    expect(new Set(arrows.flat())).toEqual(new Set([...folders.filter((name) => name !== 'runtime'), 'main', 'port']));
  });

  it.each(arrows)('has only arrows that an import may follow: %s to %s', (from = '', to = '') => {
    const fileOf = (folder: string) =>
      folder === 'port' ? 'runtime/runtime.ts' : folder === 'main' ? 'main.ts' : `${folder}/a.ts`;
    const up = from === 'main' ? './' : '../';
    expect(violations([{ file: `src/${fileOf(from)}`, text: `import '${up}${fileOf(to)}';` }])).toEqual([]);
  });
});

describe('what breaks the rules', () => {
  it.each<[string, string, string]>([
    ['src/domain/gate.ts', "import { x } from '../errors/action-error.ts';", 'domain may not import errors'],
    ['src/domain/gate.ts', "import { readFile } from 'node:fs/promises';", 'src/domain is pure'],
    ['src/domain/gate.ts', 'const now = new Date();', 'no clock'],
    ['src/domain/gate.ts', 'const now = Date.now();', 'no clock'],
    ['src/oci/image/layout.ts', "import type { X } from '../../tools/trivy/scan.ts';", 'oci may not import tools'],
    ['src/registries/ecr.ts', "export { x } from '../oci/fetch.ts';", 'registries may not import oci'],
    ['src/tools/buildx.ts', "import '../oci/layout.ts';", 'tools may not import oci'],
    ['src/tools/buildx.ts', "const x = await import('../commands/run.ts');", 'tools may not import commands'],
    ['src/inputs/parse.ts', "import {\n  a,\n  type B,\n} from '../runtime/runtime.ts';", 'inputs may not import port'],
    ['src/oci/layout.ts', "import { e } from '../runtime/event.ts';", 'oci may not import runtime'],
    ['src/commands/run.ts', "import { g } from '../runtime/github.ts';", 'only src/main.ts may know'],
    ['src/run/scan.ts', "import { g } from '../commands/publish/publish.ts';", 'run may not import commands'],
    ['src/commands/run.ts', "import { g } from '../main.ts';", 'commands may not import main'],
    ['src/report/parts.ts', "import type { X } from '../oci/image/image.ts';", 'report may not import oci'],
    ['src/commands/run.ts', "import { g } from '../../test/support/tar.ts';", 'outside of src'],
    [
      'src/commands/run.ts',
      "import * as core from '@actions/core';",
      'only src/runtime/github.ts speaks to the toolkit',
    ],
    ['src/commands/run.ts', 'const token = process.env.TOKEN;', 'the environment comes through the runtime'],
    ['src/http/transport.ts', 'await fetch(url);', 'backpressure'],
    ['src/cloud/aws.ts', "import { x } from '../domain/digest.ts';", 'src has no folder cloud'],
    ['src/oci/utils.ts', '', 'named for a thing of the domain'],
    ['test/support/helpers.ts', '', 'named for a thing of the domain'],
  ])('%s: %s', (file, text, says) => {
    expect(violations([{ file, text }])).toEqual([expect.stringContaining(says)]);
  });

  it.each<[string, string]>([
    ['src/main.ts', "import { createRuntime } from './runtime/github.ts';"],
    ['src/runtime/github.ts', "import * as core from '@actions/core';"],
    [
      'src/http/transport.ts',
      "import { request } from 'node:https';\n// never fetch(): it ignores backpressure\nstore.fetch(url);",
    ],
    ['src/domain/tags.ts', "import semver from 'semver';\n/** not new Date() */"],
    ['src/domain/x.ts', "const text = `\n import of data from './elsewhere'`;"],
  ])('but not %s: %s', (file, text) => {
    expect(violations([{ file, text }])).toEqual([]);
  });
});

it('finds circles of imports, of types as well', () => {
  const sources = [
    { file: 'src/domain/b.ts', text: "import type { A } from './a.ts';" },
    { file: 'src/domain/a.ts', text: "import { C } from './c.ts';" },
    { file: 'src/domain/c.ts', text: "export * from './b.ts';" },
    { file: 'src/domain/d.ts', text: "import { A } from './a.ts';" },
  ];
  expect(violations(sources)).toEqual([
    'src/domain/a.ts → src/domain/c.ts → src/domain/b.ts: files that import each other',
  ]);
});

it('finds every kind of import', () => {
  const text = `import a from 'a';
import type { B } from "b";
import 'c';
import d, { e as f } from 'd';
import * as g from 'g';
export * from 'h';
export { i } from 'i';
import {
  j,
} from 'j';
const k = await import('k');
import data from './data.json' with { type: 'json' };
export const from = 'not';
`;
  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'g', 'h', 'i', 'j', './data.json', 'k']);
});

describe('the size of a file', () => {
  const of = (file: string, lines: number) => violations([{ file, text: '\n'.repeat(lines) }]);

  it('is limited in src', () => {
    expect(of('src/domain/long.ts', 301)).toEqual([expect.stringContaining('has 301 lines')]);
    expect(of('src/domain/long.ts', 300)).toEqual([]);
    expect(of('src/errors/catalogue.ts', 900)).toEqual([]);
  });
});

it('a schema of the `json` output gives types alone', () => {
  const of = (text: string) => violations([{ file: 'src/commands/login/summary.ts', text }]);
  expect(of("import { JSON_SCHEMA } from './json-schema.ts';\n")).toEqual([expect.stringContaining('more than types')]);
  expect(of("import type { LoginJson } from './json-schema.ts';\n")).toEqual([]);
});
