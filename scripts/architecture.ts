import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** What the rest of `src` may know of the runtime. */
const PORT = ['src/runtime/runtime.ts', 'src/runtime/program-path.ts'];

const BASE = ['domain', 'errors', 'inputs', 'port'];
const EDGE = [...BASE, 'http'];
const PARTS = [...EDGE, 'oci', 'credentials', 'sigstore', 'registries', 'evidence', 'tools', 'report'];
const COMMANDS = [...PARTS, 'runtime', 'run'];

/**
 * Which folders of `src` a folder may import from, besides itself. `port` is {@link PORT}: the rest of `runtime` is for the
 * edge of the program only.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  errors: ['domain'],
  inputs: ['domain', 'errors'],
  port: ['domain', 'errors', 'inputs'],
  runtime: BASE,
  http: BASE,
  oci: EDGE,
  credentials: EDGE,
  registries: [...EDGE, 'credentials'],
  tools: BASE,
  sigstore: [...EDGE, 'credentials'],
  evidence: [...EDGE, 'oci', 'sigstore'],
  report: ['domain', 'errors'],
  run: [...PARTS, 'runtime'],
  commands: COMMANDS,
  app: [...COMMANDS, 'commands'],
  main: ['errors', 'runtime', 'app'],
};

const GITHUB = 'src/runtime/github.ts';

interface Source {
  /** From the root, with forward slashes: `src/oci/image/layout.ts`. */
  readonly file: string;
  readonly text: string;
}

/** Words that a file must not hold, where, and why. */
const FORBIDDEN: readonly { readonly where: RegExp; readonly what: RegExp; readonly why: string }[] = [
  {
    where: /^src\/(?:http|oci|registries)\//,
    what: /(?<![.\w$#])fetch\s*\(/,
    why: 'fetch() ignores backpressure on request bodies; the client uses node:http(s)',
  },
  {
    where: /^src\/domain\//,
    what: /\bDate\.now\(|\bnew Date\(\)|\bprocess\.|\bconsole\.|\bMath\.random\(|\bperformance\./,
    why: 'src/domain has no clock, no environment and no log',
  },
  { where: /^src\/(?!runtime\/)/, what: /\bprocess\.env\b/, why: 'the environment comes through the runtime' },
];

/** Lines that a file of `src` may have. */
const MAX_LINES = 300;

/** Files that may be longer, and why. */
const LONG: Readonly<Record<string, string>> = {
  'src/errors/catalogue.ts': 'a table',
};

/** An import that brings more than types. */
const SCHEMA_VALUES = /^import (?!type\b)[^;]*json-schema\.ts'/m;

const GRAB_BAG = /^(?:utils?|helpers?|common|misc|shared)(?:\.test)?\.ts$/;

/** All import specifiers of a TypeScript source, static, dynamic and for side effects. */
export function importsOf(text: string): readonly string[] {
  const statement = /^[ \t]*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"\n]+)\1/gm;
  const dynamic = /\bimport\(\s*(['"])([^'"\n]+)\1/g;
  return [...text.matchAll(statement), ...text.matchAll(dynamic)].flatMap((match) => match[2] ?? []);
}

/** The folder of `src` that a file belongs to. */
function folderOf(file: string): string {
  if (PORT.includes(file)) return 'port';
  return file.split('/').length === 2 ? basename(file, '.ts') : (file.split('/')[1] ?? '');
}

/** Everything in these sources that breaks a rule, one line each. Pure. */
export function violations(sources: readonly Source[]): readonly string[] {
  const circles = importCircles(sources).map((files) => `${files.join(' → ')}: files that import each other`);
  return [...circles, ...sources.flatMap(wrongIn)];
}

function wrongIn({ file, text }: Source): readonly string[] {
  return [
    ...(GRAB_BAG.test(basename(file))
      ? [`${file}: a file is named for a thing of the domain, not for its mechanics`]
      : []),
    ...tooLong(file, text),
    ...(/^src\/(?!.*json-schema\.ts$)/.test(file) && SCHEMA_VALUES.test(text)
      ? [`${file}: takes more than types from a json-schema.ts, which would bring the schema into the bundle`]
      : []),
    ...(file.startsWith('src/') ? [...importsOf(text).flatMap((to) => wrongImport(file, to) ?? [])] : []),
    ...FORBIDDEN.filter(({ where, what }) => where.test(file) && what.test(withoutComments(text))).map(
      ({ what, why }) => `${file}: ${what.exec(withoutComments(text))?.[0].trim()} does not belong here: ${why}`,
    ),
  ];
}

function tooLong(file: string, text: string): readonly string[] {
  const lines = text.split('\n').length - 1;
  if (!file.startsWith('src/') || lines <= MAX_LINES || LONG[file] !== undefined) return [];
  return [`${file}: has ${lines} lines, and a file has at most ${MAX_LINES}: split it by what it does`];
}

/** The circles of imports, of types as well: each as its files in order, from the first in the alphabet. */
export function importCircles(sources: readonly Source[]): readonly (readonly string[])[] {
  const imports = new Map(
    sources.map(({ file, text }) => [
      file,
      importsOf(text)
        .filter((to) => to.startsWith('.'))
        .map((to) => targetOf(file, to)),
    ]),
  );
  const circles = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at !== -1) {
      const circle = path.slice(at);
      const first = circle.indexOf(circle.toSorted()[0] ?? '');
      const ordered = [...circle.slice(first), ...circle.slice(0, first)];
      circles.set(ordered.join(), ordered);
    }
    if (at !== -1 || done.has(file)) return;
    for (const to of imports.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return [...circles.values()];
}

/** The file that an import means, from the root. */
function targetOf(file: string, to: string): string {
  return normalize(join(dirname(file), to)).replaceAll('\\', '/');
}

function wrongImport(file: string, to: string): string | undefined {
  const folder = folderOf(file);
  if (!to.startsWith('.')) {
    if (to.startsWith('@actions/') && file !== GITHUB) return `${file} → ${to}: only ${GITHUB} speaks to the toolkit`;
    return folder === 'domain' && to.startsWith('node:') ? `${file} → ${to}: src/domain is pure` : undefined;
  }
  const target = targetOf(file, to);
  if (!target.startsWith('src/')) return `${file} → ${target}: outside of src`;
  if (target === GITHUB && folder !== 'main') return `${file} → ${target}: only src/main.ts may know the real runtime`;
  const other = folderOf(target);
  if (MAY_IMPORT[folder] === undefined) return `${file}: src has no folder ${folder}`;
  return other === folder || MAY_IMPORT[folder].includes(other)
    ? undefined
    : `${file} → ${target}: ${folder} may not import ${other}`;
}

/** Without block comments and comment lines: words in them break no rule. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** The TypeScript sources of the repository. */
export async function readSources(root: string = ROOT): Promise<readonly Source[]> {
  const found: Source[] = [];
  for (const folder of ['src', 'test', 'scripts']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const path = join(entry.parentPath, entry.name);
      found.push({ file: relative(root, path).replaceAll('\\', '/'), text: await readFile(path, 'utf8') });
    }
  }
  return found;
}

if (import.meta.main) {
  const sources = await readSources();
  const found = violations(sources);
  for (const line of found) console.error(line);
  if (found.length > 0) process.exitCode = 1;
  else console.log(`${sources.length} files keep the rules of the architecture.`);
}
