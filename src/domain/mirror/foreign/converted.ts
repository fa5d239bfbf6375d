import { fieldsOf } from '../../fields.ts';
import { branchesOf } from '../../patterns/tag-pattern.ts';

/** One mirror in the making, from the file of another tool. */
export interface ForeignMirror {
  readonly from: string;
  readonly to: readonly string[];
  readonly tags: readonly string[];
  readonly platforms?: readonly string[];
  readonly newest?: number;
}

/** The file of another tool, converted. */
export interface Converted {
  readonly tool: string;
  readonly mirrors: readonly ForeignMirror[];
  /** Pulls to leave, by host. */
  readonly keepPulls?: ReadonlyMap<string, number>;
  /** What has no counterpart, as sentences. */
  readonly notes: readonly string[];
}

/** A reference split into repository, tag and digest. */
export function splitReference(reference: string): {
  readonly name: string;
  readonly tag?: string;
  readonly digest?: string;
} {
  const [whole = '', digest] = reference.split('@', 2);
  const [, name = whole, tag] = /^(.+):([^/:]+)$/.exec(whole) ?? [];
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** A regular expression that matches a part of a tag, as one of the whole tag. */
export function wholeTag(expression: string): string {
  const branches = branchesOf(expression).map((branch) => {
    const [start, end] = [branch.startsWith('^'), /(?<!\\)(?:\\\\)*\$$/.test(branch)];
    return `${start ? '' : '.*'}${branch.slice(start ? 1 : 0, end ? -1 : undefined)}${end ? '' : '.*'}`;
  });
  return branches.length === 1 ? `/${branches[0]}/` : `/(?:${branches.join('|')})/`;
}

export const RANGES =
  'Ranges of versions: here they take versions of three numbers; name tags such as `1.2` or `v1` in a line of their own.';

/** A range of versions, whose parts other tools also separate with commas. */
export function rangeLine(range: string): string {
  return `semver:${range.replace(/\s*,\s*/g, ' ').trim()}`;
}

export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return Array.isArray(value) ? value.flatMap((item: unknown) => (typeof item === 'object' ? [] : [String(item)])) : [];
}

export function listIn(value: unknown): readonly ReturnType<typeof fieldsOf>[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** The configuration as YAML, to be saved. */
export function renderConverted({ mirrors, keepPulls = new Map(), notes }: Converted): string {
  const entries = mirrors.flatMap(({ from, to, tags, platforms, newest }) => [
    `  - from: ${from}`,
    `    to: ${to.length === 1 ? to[0] : JSON.stringify(to)}`,
    `    tags: ${JSON.stringify(tags)}`,
    ...(newest === undefined ? [] : [`    newest: ${newest}`]),
    ...(platforms === undefined ? [] : [`    platforms: ${JSON.stringify(platforms)}`, '    digest: changes']),
  ]);
  const limits = [...keepPulls].map(([host, pulls]) => `  ${JSON.stringify(host)}: { keep-pulls: ${pulls} }`);
  return [
    ...notes.map((note) => `# ${note}`),
    'version: 1',
    'mirrors:',
    ...entries,
    ...(limits.length === 0 ? [] : ['limits:', ...limits]),
  ].join('\n');
}
