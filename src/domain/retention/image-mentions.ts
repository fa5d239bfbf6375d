import { apiHost, type ImageName } from '../reference.ts';
import { valuesBeside } from './values-beside.ts';

/** A place where a text names a repository. */
export interface ImageMention {
  /** From 0. */
  readonly line: number;
  /** Where the name begins on the line, from 0. */
  readonly column: number;
  /** What follows the name on the line. */
  readonly rest: string;
  /** False where the last part of the name is a variable, so that another repository may be meant. */
  readonly isName: boolean;
}

type Repository = Pick<ImageName, 'host' | 'repository'>;

/** Where the name of a repository is, and no longer name that begins or ends like it. */
export function mentionsOf({ host, repository }: Repository, lines: readonly string[]): readonly ImageMention[] {
  const isHub = host === 'docker.io';
  const hosts = isHub ? [host, 'index.docker.io', apiHost(host)] : [host];
  const paths = [repository, ...(repository.startsWith('library/') ? [repository.slice('library/'.length)] : [])];
  const names = hosts.flatMap((each) => paths.map((path) => `${each}/${path}`));
  const alone = paths.map(escaped).join('|');
  const withHost = new RegExp(`(?<![\\w.-])(?<!(?<!/)/)(?:${names.map(escaped).join('|')})(?![\\w/-]|\\.\\w)`, 'gi');
  const withoutHost = new RegExp(`(?<![\\w./:@}-])(?:${alone})(?![\\w/-]|\\.\\w)`, 'gi');
  const inParts = [...names, ...(isHub ? paths : [])];
  return lines.flatMap((text, line) => {
    const isMeant = ({ index }: RegExpExecArray) => isHub || isBareName(host, repository, lines, line, index);
    const full = [...text.matchAll(withHost)];
    const short = full.length > 0 ? [] : [...text.matchAll(withoutHost)].filter(isMeant);
    return [
      ...[...full, ...short].map(({ 0: name, index }) => ({
        line,
        column: index,
        rest: text.slice(index + name.length),
        isName: true,
      })),
      ...besideRegistry(inParts, lines, line),
      ...withVariables(inParts, isHub ? '' : `${host}/`, text, line),
    ];
  });
}

/** A registry in another key decides; without one, a value in parts as in Helm's charts is meant. */
function isBareName(host: string, repository: string, lines: readonly string[], line: number, column: number): boolean {
  const { key, beside } = valuesBeside(lines, line, column);
  const registry = beside.get('registry')?.replace(/\/$/, '').toLowerCase();
  if (registry === host) return true;
  const isElsewhere = registry === undefined || registry === '' || /^[${%<*]/.test(registry);
  return isElsewhere && key === 'repository' && repository.includes('/');
}

/** `registry: ghcr.io/acme` beside `repository: app`. */
function besideRegistry(names: readonly string[], lines: readonly string[], line: number): readonly ImageMention[] {
  const text = (lines[line] ?? '').slice(0, MAX_TOKEN);
  const [, before = '', value = ''] =
    /^(.*\b(?:repository|name|image)["']?\s*[:=]\s*["']?)([\w./-]+)/i.exec(text) ?? [];
  if (value === '') return [];
  const { beside } = valuesBeside(lines, line, before.length);
  const registry = beside.get('registry')?.replace(/\/$/, '') ?? '';
  const isOne = registry.includes('/') && names.includes(`${registry}/${value}`.toLowerCase());
  return isOne ? [{ line, column: before.length, rest: text.slice(before.length + value.length), isName: true }] : [];
}

const PLACEHOLDER =
  /\$\{\{[^}\n]{0,200}\}\}|\{\{[^}\n]{0,200}\}\}|\$\{[^}\n]{0,200}\}|\$\([^)\n]{0,200}\)|\$\w+|%\w+%|<[\w-]+>/;
/** In characters and variables: no name is longer, with a host before it. */
const MAX_TOKEN = 600;
const TOKEN = new RegExp(`(?:${PLACEHOLDER.source}|[\\w.:@/-]){1,${MAX_TOKEN}}`, 'g');
const HOLE = '\0';
const MAX_PARTS = 5;

/** `${REGISTRY}/acme/app:1.2`, `123.dkr.ecr.${var.region}.amazonaws.com/app:1.2`, `ghcr.io/${{ github.repository }}:1.2`. */
function withVariables(names: readonly string[], host: string, text: string, line: number): readonly ImageMention[] {
  if (!/[$%<]|\{\{/.test(text)) return [];
  return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
    const holes = [...token.matchAll(new RegExp(PLACEHOLDER, 'g'))];
    const flat = holes.reduce(
      (rest, { 0: hole, index: at }) => rest.slice(0, at) + HOLE.repeat(hole.length) + rest.slice(at + hole.length),
      token,
    );
    const last = flat.lastIndexOf('/') + 1;
    const end = /[:@]/.exec(flat.slice(last))?.index ?? flat.length - last;
    const name = flat.slice(0, last + end).replace(/^\w+:\/\//, '');
    if (last === 0 || !name.includes(HOLE)) return [];
    const parts = name.split(new RegExp(`${HOLE}+`)).map(escaped);
    // So that no text takes long to compare: what is between many variables does not count.
    const pattern = parts.length > MAX_PARTS ? [parts[0], parts.at(-1)] : parts;
    if (!names.some((each) => new RegExp(`^${pattern.join('.*')}$`, 'i').test(each))) return [];
    const isName = !flat.slice(last, last + end).includes(HOLE);
    if (!isName && (host === '' || !name.toLowerCase().startsWith(host))) return [];
    return [{ line, column: index, rest: text.slice(index + last + end), isName }];
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
