import type { ExportedFile, ExportedRegistry, LeftOut } from '../exported-file.ts';
import { generatedFrom, origin } from '../origin.ts';
import { type Line, raw, renderFile, type TopBlock, type Value } from './hcl.ts';

/** The files of one registry, in the order in which people read them. */
const MODULE_FILES = [
  'providers.tf',
  'variables.tf',
  'repositories.tf',
  'access.tf',
  'registry.tf',
  'imports.tf',
  'outputs.tf',
] as const;
type ModuleFile = (typeof MODULE_FILES)[number];

/** The code of one registry: a configuration of its own, since each has its own credentials. */
export interface TerraformModule {
  readonly provider: Provider;
  readonly blocks: { readonly [File in ModuleFile]?: readonly TopBlock[] };
  readonly leftOut: readonly LeftOut[];
}

interface Provider {
  /** Local name: `aws`. */
  readonly name: string;
  readonly source: string;
  /** A constraint: `~> 6.28`. */
  readonly version: string;
  /** The Terraform that the code needs; absent: the first with import blocks. */
  readonly terraform?: string;
}

/** What a writer of one vendor gets. */
export interface ModuleSource {
  readonly registry: ExportedRegistry;
  /** A comment that says which line of the file asks for it. */
  readonly from: (line: number, what: string) => string;
}

export function moduleSource(registry: ExportedRegistry, configName: string): ModuleSource {
  return { registry, from: (line, what) => origin(configName, line, `${what} on ${registry.desired.key}`) };
}

const ABOUT: Readonly<Partial<Record<ModuleFile, string>>> = {
  'providers.tf': 'Delete this file where the folder becomes part of a configuration that has providers.',
  'imports.tf': 'What exists already. The first plan shows it as imported; these blocks are of no use after that.',
};

export function moduleFiles(
  folder: string,
  { provider, blocks }: TerraformModule,
  configName: string,
): readonly ExportedFile[] {
  const header = generatedFrom(configName);
  const versions: TopBlock = {
    comments: [],
    block: 'terraform',
    labels: [],
    body: [
      { name: 'required_version', value: provider.terraform ?? '>= 1.5.0' },
      'blank',
      {
        block: 'required_providers',
        body: [
          {
            name: provider.name,
            value: new Map([
              ['source', provider.source],
              ['version', provider.version],
            ]),
          },
        ],
      },
    ],
  };
  return [
    { path: `${folder}/versions.tf`, text: renderFile([header], [versions]) },
    ...MODULE_FILES.flatMap((file) => {
      const own = blocks[file] ?? [];
      const about = ABOUT[file];
      const head = about === undefined ? [header] : [header, about];
      return own.length === 0 ? [] : [{ path: `${folder}/${file}`, text: renderFile(head, own) }];
    }),
  ];
}

/** A resource with its address. */
export interface Resource {
  readonly address: string;
  readonly block: TopBlock;
}

export function resource(type: string, name: string, comments: readonly string[], body: readonly Line[]): Resource {
  return { address: `${type}.${name}`, block: { comments, block: 'resource', labels: [type, name], body } };
}

/** A data source; refer to it as `data.<type>.<name>`. */
export function dataSource(type: string, name: string, body: readonly Line[]): TopBlock {
  return { comments: [], block: 'data', labels: [type, name], body };
}

/** https://developer.hashicorp.com/terraform/language/import */
export function importOf({ address }: Resource, id: string): TopBlock {
  return {
    comments: [],
    block: 'import',
    labels: [],
    body: [
      { name: 'to', value: raw(address) },
      { name: 'id', value: id },
    ],
  };
}

export function output(name: string, description: string, value: Value): TopBlock {
  return {
    comments: [],
    block: 'output',
    labels: [name],
    body: [
      { name: 'description', value: description },
      { name: 'value', value },
    ],
  };
}

/** Destroying what it stands for would delete images. */
export function preventDestroy(ignored: readonly string[] = []): Line {
  return {
    block: 'lifecycle',
    body: [
      { name: 'prevent_destroy', value: true },
      ...(ignored.length === 0 ? [] : [{ name: 'ignore_changes', value: ignored.map(raw) }]),
    ],
  };
}
