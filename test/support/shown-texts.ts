import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

const ROOT = join(import.meta.dirname, '../..');

/** What people read on GitHub: files, and folders with everything in them. */
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'action.yml',
  'docs',
  'examples',
  '.github',
] as const;

const TEXT_FILE = /\.(?:md|ya?ml)$/;

/** One piece of text and where it is written. */
export interface ShownText {
  readonly at: string;
  readonly text: string;
}

function filesBelow(path: string, wanted: RegExp): readonly string[] {
  const absolute = join(ROOT, path);
  if (wanted.test(path)) return [absolute];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Every line of the pages, without web addresses. A link keeps its text. */
export function pageTexts(): readonly ShownText[] {
  return PAGES.flatMap((page) => filesBelow(page, TEXT_FILE)).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line, index) => ({
        at: `${relative(ROOT, file)}:${index + 1}`,
        text: line.replace(/\]\([^)]*\)/g, ']').replace(/https?:\/\/[^\s)`]+/g, ''),
      })),
  );
}

/** The string literals and template parts of one source file: those with a space in them are for people to read. */
export function literalsOf(code: string, file: string): readonly ShownText[] {
  const texts: ShownText[] = [];
  const line = (offset: number) => code.slice(0, offset).split('\n').length;
  const add = (text: string, offset: number) => {
    if (text.trim().includes(' ')) texts.push({ at: `${file}:${line(offset)}`, text });
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    if (Array.isArray(node) || typeof node !== 'object' || node === null) return;
    const { type, start } = node as { readonly type?: unknown; readonly start?: number };
    if (type === 'Literal' && 'value' in node && typeof node.value === 'string') add(node.value, start ?? 0);
    if (type === 'TemplateLiteral' && 'quasis' in node && Array.isArray(node.quasis)) {
      // The parts are one sentence: a value between them counts as one word.
      const parts = node.quasis as readonly { readonly value: { readonly cooked: string | null } }[];
      add(parts.map((part) => part.value.cooked ?? '').join('…'), start ?? 0);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(code, { lang: 'ts' }));
  return texts;
}

/** The texts of all of `src`: errors, log lines, summaries, descriptions of inputs. */
export function sourceTexts(): readonly ShownText[] {
  return filesBelow('src', /\.ts$/).flatMap((file) => literalsOf(readFileSync(file, 'utf8'), relative(ROOT, file)));
}
