import { type Digest, isDigest } from '../digest.ts';
import { apiHost, type ImageName } from '../reference.ts';
import { isTag } from '../tags/grammar.ts';
import type { InUseImage, InUseSourceKind } from './in-use.ts';

/** A text file in which images are named. */
export interface NamingFile {
  /** From the workspace, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a file says of the repositories of a run. */
export interface FoundReferences {
  readonly images: readonly InUseImage[];
  /** References whose tag is not in the file, such as `app:${TAG}`: `deploy/app.yaml:14`, and why. */
  readonly unclear: readonly { readonly where: string; readonly reason: string }[];
}

type Repository = Pick<ImageName, 'name' | 'host' | 'repository'>;

/**
 * Finds where a file names a repository, with a tag or digest behind it or in a key beside it (Helm values, Kustomize). The text is
 * searched instead of parsed, so that templates, Terraform and unknown formats count as well: a mention too many keeps
 * an image too many.
 */
export function findReferences(file: NamingFile, repositories: readonly Repository[]): FoundReferences {
  const images: InUseImage[] = [];
  const unclear: { readonly where: string; readonly reason: string }[] = [];
  const lines = file.text.split('\n');
  for (const repository of repositories) {
    for (const mention of mentionsOf(repository, lines)) {
      const where = `${file.path}:${mention.line + 1}`;
      const found = readMention(mention, lines);
      if (found === 'unclear') {
        unclear.push({ where, reason: `the tag of ${repository.name} there is a variable` });
      } else images.push({ repository: repository.name, ...found, source: { kind: kindOf(file.path), where } });
    }
  }
  return { images, unclear };
}

interface Mention {
  /** From 0. */
  readonly line: number;
  /** What follows the name on the line. */
  readonly rest: string;
}

/** Where the name of a repository is, and no longer name that begins or ends like it. */
function mentionsOf({ host, repository }: Repository, lines: readonly string[]): readonly Mention[] {
  const isHub = host === 'docker.io';
  const hosts = isHub ? [host, 'index.docker.io', apiHost(host)] : [host];
  const paths = [repository, ...(repository.startsWith('library/') ? [repository.slice('library/'.length)] : [])];
  const full = hosts.flatMap((each) => paths.map((path) => `${each}/${path}`)).map(escaped);
  const alone = paths.map(escaped).join('|');
  const withHost = new RegExp(`(?<![\\w.-])(?<!(?<!/)/)(?:${full.join('|')})(?![\\w/-]|\\.\\w)`, 'gi');
  const withoutHost = new RegExp(`(?<![\\w./:@-])(?:${alone})(?![\\w/-]|\\.\\w)`, 'gi');
  return lines.flatMap((text, line) => {
    const found = [...text.matchAll(withHost)];
    if (found.length === 0) {
      const short = [...text.matchAll(withoutHost)];
      if (isHub || (short.length > 0 && isHost(siblings(lines, line).get('registry'), host))) found.push(...short);
    }
    return found.map((match) => ({ line, rest: text.slice(match.index + match[0].length) }));
  });
}

const isHost = (value: string | undefined, host: string) => value?.replace(/\/$/, '').toLowerCase() === host;

/** Variables of shells, Compose, Helm, Terraform and others. */
const VARIABLE = /^(?:\$|\{|%|<|(?:var|local|module|data|each)\.\w)/;

function readMention(
  { line, rest }: Mention,
  lines: readonly string[],
): { readonly tag?: string; readonly digest?: Digest } | 'unclear' {
  const digest = /^(?::[^\s"'@]*)?@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})/.exec(rest)?.[1];
  const written = /^:([^\s"'`,;@)\]]*)/.exec(rest)?.[1] ?? '';
  const fallback = /^\$\{\w+:?-([^}]+)\}/.exec(written)?.[1];
  const tag = [written, fallback].find((each) => each !== undefined && isTag(each)) ?? leadingTag(written);
  if (tag !== undefined || isDigest(digest)) return described(tag, digest);
  if (/^[:@]?(?:\w[\w.-]*)?(?:\$|\{\{|%|<\w)/.test(rest)) return 'unclear';
  const beside = siblings(lines, line);
  const own = beside.get('digest');
  const named = ['tag', 'newtag', 'imagetag', 'image_tag'].map((key) => beside.get(key)).find((each) => each);
  if (named !== undefined && (VARIABLE.test(named) || !isTag(named)) && !isDigest(own)) return 'unclear';
  return described(named !== undefined && isTag(named) ? named : undefined, own);
}

/** The tag in front of something else, such as the `<` of HTML. */
function leadingTag(written: string): string | undefined {
  const [start] = /^[\w][\w.-]{0,127}/.exec(written) ?? [];
  return start !== undefined && !VARIABLE.test(written.slice(start.length)) ? start.replace(/\.+$/, '') : undefined;
}

function described(tag: string | undefined, digest: string | undefined) {
  return { ...(tag === undefined ? {} : { tag }), ...(isDigest(digest) ? { digest } : {}) };
}

/** `key: value`, `"key": "value"`, `key = "value"`, each also as an item of a list. */
const ENTRY = /^(?<indent>\s*)(?<dash>(?:-\s+)*)["']?(?<key>[\w.-]+)["']?\s*[:=]\s*(?<value>.*?),?\s*$/;
/** A longer block of siblings is none of an image. */
const MAX_SIBLINGS = 30;

/** The keys of the map that a line belongs to, in lower case, by how far the lines are indented. */
function siblings(lines: readonly string[], at: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const own = entryOf(lines[at] ?? '');
  if (own === undefined) return found;
  const collect = (step: 1 | -1) => {
    let seen = 0;
    // Above the first key of an item of a list is another item.
    if (step === -1 && own.isFirst) return;
    for (let line = at + step; line >= 0 && line < lines.length && seen < MAX_SIBLINGS; line += step) {
      const text = lines[line] ?? '';
      if (text.trim() === '' || /^\s*(?:#|\/\/)/.test(text)) continue;
      seen += 1;
      const entry = entryOf(text);
      const column = entry?.column ?? text.search(/\S/);
      if (column < own.column || (step === 1 && entry?.isFirst === true && column <= own.column)) return;
      if (entry === undefined || column > own.column) continue;
      if (!found.has(entry.key)) found.set(entry.key, entry.value);
      if (entry.isFirst) return;
    }
  };
  collect(1);
  collect(-1);
  return found;
}

function entryOf(text: string) {
  const { indent = '', dash = '', key, value = '' } = ENTRY.exec(text)?.groups ?? {};
  if (key === undefined) return undefined;
  const bare = value.replace(/\s+#.*$/, '').replace(/^["'](.*)["']$/, '$1');
  return { column: indent.length + dash.length, isFirst: dash !== '', key: key.toLowerCase(), value: bare };
}

function kindOf(path: string): InUseSourceKind {
  const name = path.split('/').at(-1) ?? '';
  if (/\.(?:tf|tfvars|hcl)(?:\.json)?$/.test(name)) return 'terraform';
  if (/compose/i.test(name)) return 'compose';
  if (/^values.*\.ya?ml$/.test(name)) return 'helm-values';
  return /\.(?:ya?ml|json)$/.test(name) ? 'kubernetes' : 'other';
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
