/** The files of a build context that docker excludes. */
export interface DockerIgnore {
  /** @param path from the root of the context, with `/` separators and without a leading one */
  readonly ignores: (path: string) => boolean;
  /** Whether a file below an ignored folder may be in the context nevertheless, because of a line with `!`. */
  readonly hasExceptions: boolean;
}

interface Pattern {
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/** Characters that are literal in patterns but special in regular expressions. */
const PLAIN = /[.+()|{}$^\]]/;
/**
 * The white space that docker trims, as defined by Go: including U+0085, but not U+FEFF.
 * https://pkg.go.dev/unicode#IsSpace
 */
const SPACE_AROUND = /^\p{White_Space}+|\p{White_Space}+$/gu;
/** A set of characters, such as `[a-z]`. */
const CLASS = /\[(?!\^?\])(?:\\.|[^\]\\])+\]/suy;
/** Sets that docker treats specially: `*` and `?`, which it replaces there too, `[:alpha:]`, and `\d`. */
const UNCLEAR_CLASS = /[*?]|\[:|\\[a-z\d]/i;

/**
 * Reads a `.dockerignore` by docker's rules: patterns start at the root of the context, `**` matches any number of
 * folders, a pattern that matches a folder matches its content, and the last matching line decides. Existing libraries
 * ignore case or the characters of regular expressions, so that a file sent by docker could be missed. A file with a
 * pattern that docker rejects or interprets specially (`\d`) ignores nothing here.
 * https://docs.docker.com/build/concepts/context/#dockerignore-files, https://github.com/moby/patternmatcher
 */
export function parseDockerIgnore(text: string): DockerIgnore {
  const patterns: Pattern[] = [];
  try {
    for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
      const pattern = readPattern(line);
      if (pattern !== undefined) patterns.push(pattern);
    }
  } catch {
    return { ignores: () => false, hasExceptions: true };
  }
  return {
    hasExceptions: patterns.some(({ isException }) => isException),
    ignores: (path) => {
      const paths = withParents(path);
      let ignored = false;
      for (const { isException, matches } of patterns) {
        if (isException === ignored && paths.some(matches)) ignored = !isException;
      }
      return ignored;
    },
  };
}

function withParents(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

function readPattern(line: string): Pattern | undefined {
  if (line.startsWith('#')) return undefined;
  const text = line.replace(SPACE_AROUND, '');
  if (text === '') return undefined;
  const isException = text.startsWith('!');
  const given = isException ? text.slice(1).replace(SPACE_AROUND, '') : text;
  if (given === '') throw new SyntaxError('an exception without a pattern');
  return { isException, matches: toMatcher(normalized(given)) };
}

/** Without `.`, `..` and empty parts. */
function normalized(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !path.startsWith('/')) parts.push(part);
  }
  return parts.length === 0 ? '.' : parts.join('/');
}

/**
 * A leading or trailing `**` matches by suffix or prefix, as in docker; otherwise the pattern is a regular expression.
 */
function toMatcher(pattern: string): (path: string) => boolean {
  const inner = pattern.replace(/^\*\*/, '').replace(/\*\*$/, '');
  const isSimple = !/[*?[\]\\]/.test(inner);
  if (isSimple && pattern.startsWith('**') && !pattern.endsWith('**')) {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  const expression = new RegExp(`^${toExpression(pattern)}$`, 'su');
  return (path) => expression.test(path);
}

function toExpression(pattern: string): string {
  let out = '';
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at] ?? '';
    if (sign === '*' && pattern[at + 1] === '*') {
      at += pattern[at + 2] === '/' ? 2 : 1;
      out += at === pattern.length - 1 ? '.*' : '(?:.*/)?';
    } else if (sign === '*') out += '[^/]*';
    else if (sign === '?') out += '[^/]';
    else if (sign === '\\') {
      at += 1;
      out += escaped(pattern[at]);
    } else if (sign === '[') {
      CLASS.lastIndex = at;
      const characters = CLASS.exec(pattern)?.[0];
      if (characters === undefined) throw new SyntaxError('a class without an end');
      if (UNCLEAR_CLASS.test(characters)) throw new SyntaxError('a class that is more than characters');
      out += characters;
      at += characters.length - 1;
    } else out += PLAIN.test(sign) ? `\\${sign}` : sign;
  }
  return out;
}

/** docker passes escapes to Go's regular expressions, where escaped letters and digits have special meanings. */
function escaped(sign: string | undefined): string {
  if (sign === undefined || /[^\0-\x7f]|[a-z\d]/i.test(sign)) throw new SyntaxError('an escape that is not of a sign');
  return /[\^$\\.*+?()[\]{}|/]/.test(sign) ? `\\${sign}` : sign;
}
