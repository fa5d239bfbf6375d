import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { type Position, positions } from '../yaml-file/position.ts';
import { DAY, dayOf } from './days.ts';
import type { FindingClass } from './finding.ts';
import { isGlob } from './glob.ts';
import type { IgnoreEntry } from './ignores.ts';
import { parsePurl } from './purl.ts';

/** A problem and its position. */
export interface IgnoreProblem extends Position {
  readonly message: string;
}

/** Groups in Trivy's own `.trivyignore.yaml`; `ignores` is ours and contains entries for any kind of finding. */
const GROUPS: Readonly<Record<string, FindingClass | undefined>> = {
  ignores: undefined,
  vulnerabilities: 'vulnerability',
  misconfigurations: 'misconfiguration',
  secrets: 'secret',
  licenses: 'license',
};

const KEYS = [
  'id',
  'reason',
  'statement',
  'expires',
  'expired_at',
  'package',
  'path',
  'paths',
  'purls',
  'platform',
] as const;
type Key = (typeof KEYS)[number];

const MAX_FILE_LENGTH = 1024 * 1024;
const MAX_PROBLEMS = 50;

/**
 * Reads an ignore file: a list of entries, or Trivy's groups of entries. Each needs an id, a reason (Trivy's
 * `statement`) and an end: `expires` is the last day of validity, while Trivy's `expired_at` is the first day after it.
 * @param file the name for messages
 * @returns entries, or all problems in the order of the file, never both
 */
export function parseIgnoreFile(
  text: string,
  file: string,
): { readonly entries: readonly IgnoreEntry[] } | { readonly problems: readonly IgnoreProblem[] } {
  if (text.length > MAX_FILE_LENGTH)
    return { problems: [{ line: 1, column: 1, message: `the file has more than ${MAX_FILE_LENGTH} characters` }] };
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, version: '1.2', schema: 'core', prettyErrors: false });
  const positionOf = positions(counter);
  const lineOf = (offset: number | undefined) => positionOf(offset).line;
  const problems: IgnoreProblem[] = document.errors.map((error) => ({
    ...positionOf(error.pos[0]),
    message: error.message.split('\n', 1)[0] ?? 'not YAML',
  }));
  const report = (node: Node | null | undefined, message: string) => {
    problems.push({ ...positionOf(node?.range?.[0]), message });
  };
  visit(document, {
    // One node per entry: an alias could expand to a thousand of them.
    Alias: (_, node) => {
      report(node, 'aliases (`*name`) are not allowed');
    },
  });
  const entries = problems.length > 0 ? [] : readTop(document.contents, { file, lineOf, report });
  return problems.length > 0 ? { problems: problems.toSorted(byPosition).slice(0, MAX_PROBLEMS) } : { entries };
}

const byPosition = (a: IgnoreProblem, b: IgnoreProblem) => a.line - b.line || a.column - b.column;

interface Reader {
  readonly file: string;
  readonly lineOf: (offset: number | undefined) => number;
  readonly report: (node: Node | null | undefined, message: string) => void;
}

function readTop(contents: ParsedNode | null, reader: Reader): readonly IgnoreEntry[] {
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (isSeq(contents)) return readEntries(contents, undefined, reader);
  if (!isMap(contents)) {
    reader.report(
      contents,
      'expected a YAML list of entries with `id`, `reason` and `expires`; a plain .trivyignore has no reasons',
    );
    return [];
  }
  return contents.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    if (!Object.hasOwn(GROUPS, name)) {
      reader.report(
        key,
        `unknown group "${name.slice(0, 40)}", expected a list of entries, or ${Object.keys(GROUPS).join(', ')}`,
      );
      return [];
    }
    return value === null || (isScalar(value) && value.value === null) ? [] : readEntries(value, GROUPS[name], reader);
  });
}

function readEntries(node: Node | null, group: FindingClass | undefined, reader: Reader): readonly IgnoreEntry[] {
  if (!isSeq(node)) {
    reader.report(node, 'expected a list of entries');
    return [];
  }
  return node.items.flatMap((item) => {
    if (isMap(item)) return readEntry(item, group, reader) ?? [];
    reader.report(isNode(item) ? item : node, 'expected an entry with `id`, `reason` and `expires`');
    return [];
  });
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isSeq(value) || isMap(value) || isAlias(value);
}

function readEntry(map: YAMLMap, group: FindingClass | undefined, reader: Reader): IgnoreEntry | undefined {
  const nodes = new Map<Key, Node | null>();
  let sound = true;
  const refuse = (node: Node | null | undefined, message: string): undefined => {
    sound = false;
    reader.report(node ?? map, message);
  };
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const known = KEYS.find((each) => each === name);
    if (known === undefined)
      refuse(isNode(key) ? key : map, `unknown key "${name.slice(0, 40)}", expected ${KEYS.join(', ')}`);
    else nodes.set(known, isNode(value) ? value : null);
  }
  const one = (key: Key): string | undefined => {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'string' && node.value.trim() !== '') return node.value.trim();
    const isEmpty = key === 'reason' && (node === null || (isScalar(node) && String(node.value ?? '').trim() === ''));
    if (!isEmpty) return refuse(node, `\`${key}\` must be a text`);
    return refuse(node, `the \`reason\` is empty: state why this finding is accepted, or remove the entry`);
  };
  const many = (key: Key): readonly string[] => {
    const node = nodes.get(key);
    if (node === undefined || node === null) return node === null ? (refuse(map, `\`${key}\` is empty`) ?? []) : [];
    if (!isSeq(node) || node.items.length === 0) return refuse(node, `\`${key}\` must be a list of texts`) ?? [];
    return node.items.flatMap((item) =>
      isScalar(item) && typeof item.value === 'string' && item.value !== ''
        ? item.value
        : (refuse(node, `\`${key}\` must be a list of texts`) ?? []),
    );
  };

  const id = one('id');
  const label = id === undefined ? 'the entry' : `the entry for ${id.slice(0, 80)}`;
  const reason = one('reason') ?? one('statement');
  const path = one('path');
  const purls = many('purls');
  const entry = {
    id: id ?? '',
    reason: reason ?? '',
    lastDay:
      lastDayOf(one('expires'), one('expired_at'), (key, message) => refuse(nodes.get(key), `${label}: ${message}`)) ??
      '',
    class: group,
    package: one('package'),
    paths: [...(path === undefined ? [] : [path]), ...many('paths')],
    purls,
    platform: one('platform'),
    file: reader.file,
    line: reader.lineOf(map.range?.[0]),
  };
  if (!nodes.has('id')) refuse(map, 'an entry needs an `id`');
  if (!nodes.has('reason') && !nodes.has('statement')) refuse(map, `${label} needs a \`reason\``);
  if (!nodes.has('expires') && !nodes.has('expired_at'))
    refuse(map, `${label} needs \`expires\`, the last day on which it applies (YYYY-MM-DD)`);
  for (const purl of purls) {
    if (parsePurl(purl) === undefined)
      refuse(nodes.get('purls'), `${label}: "${purl.slice(0, 80)}" is not a package URL`);
  }
  for (const glob of entry.paths) {
    if (!isGlob(glob)) refuse(map, `${label}: "${glob.slice(0, 80)}" is not a path in the image`);
  }
  return sound ? entry : undefined;
}

function lastDayOf(
  expires: string | undefined,
  expiredAt: string | undefined,
  refuse: (key: Key, message: string) => undefined,
): string | undefined {
  if (expires !== undefined && expiredAt !== undefined)
    return refuse('expired_at', 'give `expires` or `expired_at`, not both');
  const key = expires === undefined ? 'expired_at' : 'expires';
  const written = expires ?? expiredAt;
  if (written === undefined) return undefined;
  // Trivy also takes a time. Its day counts, so that the entry never applies longer than with Trivy.
  const day = key === 'expired_at' ? written.replace(/^(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}.*$/, '$1') : written;
  const start = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  // Date would accept `2026-02-30` as the second of March.
  if (Number.isNaN(start) || dayOf(start) !== day)
    return refuse(key, `\`${key}\` is "${day.slice(0, 40)}", expected a day such as 2026-12-31`);
  return key === 'expires' ? day : dayOf(start - DAY);
}
