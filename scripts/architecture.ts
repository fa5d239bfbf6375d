import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * Which rooms of `src` a room may import from, besides itself. `port` is {@link PORT}: the rest of that room is
 * for the edge of the program only.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  errors: ['domain'],
  inputs: ['domain', 'errors'],
  port: ['domain', 'errors', 'inputs'],
  runtime: ['domain', 'errors', 'inputs', 'port'],
  http: ['domain', 'errors', 'inputs', 'port'],
  oci: ['domain', 'errors', 'inputs', 'port', 'http'],
  registries: ['domain', 'errors', 'inputs', 'port', 'http'],
  tools: ['domain', 'errors', 'inputs', 'port'],
  report: ['domain', 'errors', 'inputs', 'port', 'http', 'oci', 'registries', 'tools'],
  commands: ['domain', 'errors', 'inputs', 'port', 'runtime', 'http', 'oci', 'registries', 'tools', 'report'],
  main: ['domain', 'errors', 'inputs', 'port', 'runtime', 'http', 'oci', 'registries', 'tools', 'report', 'commands'],
};

const PORT = ['src/runtime/runtime.ts', 'src/runtime/program-path.ts'];
const GITHUB = 'src/runtime/github.ts';

interface Source {
  /** From the root, with forward slashes: `src/oci/layout.ts`. */
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

const GRAB_BAG = /^(?:utils?|helpers?|common|misc|shared)(?:\.test)?\.ts$/;

/** All import specifiers of a TypeScript source, static, dynamic and for side effects. */
export function importsOf(text: string): readonly string[] {
  const statement = /^[ \t]*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"\n]+)\1/gm;
  const dynamic = /\bimport\(\s*(['"])([^'"\n]+)\1/g;
  return [...text.matchAll(statement), ...text.matchAll(dynamic)].flatMap((match) => match[2] ?? []);
}

/** The room that a file of `src` belongs to. */
function roomOf(file: string): string {
  if (PORT.includes(file)) return 'port';
  return file.split('/').length === 2 ? basename(file, '.ts') : (file.split('/')[1] ?? '');
}

/** Everything in these sources that breaks the rules of the house, one line each. Pure. */
export function violations(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ file, text }) => [
    ...(GRAB_BAG.test(basename(file))
      ? [`${file}: a file is named for a thing of the domain, not for its mechanics`]
      : []),
    ...(file.startsWith('src/') ? [...importsOf(text).flatMap((to) => wrongImport(file, to) ?? [])] : []),
    ...FORBIDDEN.filter(({ where, what }) => where.test(file) && what.test(withoutComments(text))).map(
      ({ what, why }) => `${file}: ${what.exec(withoutComments(text))?.[0].trim()} is not for this place: ${why}`,
    ),
  ]);
}

function wrongImport(file: string, to: string): string | undefined {
  const room = roomOf(file);
  if (!to.startsWith('.')) {
    if (to.startsWith('@actions/') && file !== GITHUB) return `${file} → ${to}: only ${GITHUB} speaks to the toolkit`;
    return room === 'domain' && to.startsWith('node:') ? `${file} → ${to}: src/domain is pure` : undefined;
  }
  const target = normalize(join(dirname(file), to)).replaceAll('\\', '/');
  if (!target.startsWith('src/')) return `${file} → ${target}: outside of src`;
  if (target === GITHUB && room !== 'main') return `${file} → ${target}: only src/main.ts may know the real runtime`;
  const other = roomOf(target);
  if (MAY_IMPORT[room] === undefined) return `${file}: ${room} is not a room of the house`;
  return other === room || MAY_IMPORT[room].includes(other)
    ? undefined
    : `${file} → ${target}: ${room} may not import ${other}`;
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
  else console.log(`${sources.length} files keep the rules of the house.`);
}
