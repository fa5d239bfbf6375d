import { RE2JS } from 're2js';
import semver from 'semver';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { globToRegex } from './glob.ts';

/** One line of a list of tags: a glob, a regular expression, or a range of versions; `!` in front takes out. */
export type TagPattern =
  | {
      readonly kind: 'glob' | 'regex';
      /** As it was written, without `!`. */
      readonly text: string;
      /** RE2, anchored at both ends when matched. */
      readonly source: string;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'semver';
      /** A range of node-semver. */
      readonly text: string;
      readonly preReleases: PreReleases;
      readonly negated: false;
    };

/** Whether a range of versions takes pre-releases: no, too, or nothing else. */
export const PRE_RELEASES = ['exclude', 'include', 'only'] as const;
export type PreReleases = (typeof PRE_RELEASES)[number];

const MAX_PATTERN_LENGTH = 500;
/** Programs of RE2 grow with repetitions: a tag has 128 characters. */
const MAX_REPEAT = 1000;

/** Reads `v*`, `!v0.*`, `/^v\d+$/`. What is wrong is said without the pattern, which the caller shows. */
export function parseTagPattern(written: string): Parsed<TagPattern> {
  const negated = written.startsWith('!');
  const text = negated ? written.slice(1) : written;
  if (text === '') return problems('a pattern is empty; is the variable behind it set?');
  if (text.length > MAX_PATTERN_LENGTH) return problems(`a pattern has more than ${MAX_PATTERN_LENGTH} characters`);
  const isRegex = text.length > 1 && text.startsWith('/') && text.endsWith('/');
  const source = isRegex ? regexSource(text.slice(1, -1)) : globToRegex(text);
  if (!source.ok) return source;
  const error = errorOf(source.value);
  if (error !== undefined) return problems(error);
  if (/sha(?:256|512)-/.test(text.replaceAll(/[\\^(?:)]/g, '')) && !negated) {
    return problems('tags `sha256-…` are signatures and SBOMs, which follow their image');
  }
  return parsed({ kind: isRegex ? 'regex' : 'glob', text, source: source.value, negated });
}

/** Reads a range such as `*`, `<2` or `^1.4`. */
export function parseSemverPattern(range: string, preReleases: PreReleases): Parsed<TagPattern> {
  if (range.trim() === '' || semver.validRange(range) === null) {
    return problems('not a range of versions: expected one such as `*`, `<2` or `>=1.4 <3`');
  }
  return parsed({ kind: 'semver', text: range.trim(), preReleases, negated: false });
}

/**
 * A regular expression always matches the whole tag. One that is anchored at one end only was written for another dialect,
 * and would match less here: too little in `protect` is a loss.
 */
function regexSource(text: string): Parsed<string> {
  const anchored = branchesOf(text.replace(/^\(\?[a-zA-Z]+\)/, '')).map((branch) => ({
    start: branch.startsWith('^'),
    end: /(?<!\\)(?:\\\\)*\$$/.test(branch),
  }));
  const half = anchored.find(({ start, end }) => start !== end);
  if (half !== undefined) {
    const [has, write] = half.start ? ['^', '`.*$` at its end'] : ['$', '`^.*` at its start'];
    return problems(
      `a regular expression matches the whole tag, and this one has \`${has}\` at one end only: write ${write}, or put alternatives into \`(?:…)\``,
    );
  }
  return parsed(text);
}

/** The alternatives of a regular expression that are in no group. */
export function branchesOf(text: string): readonly string[] {
  const branches: string[] = [];
  let depth = 0;
  let start = 0;
  let inClass = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === '|' && depth === 0) {
      branches.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...branches, text.slice(start)];
}

function errorOf(source: string): string | undefined {
  if (source.length > MAX_PATTERN_LENGTH * 4 || /\{\d{4,}/.test(source)) {
    return `the pattern is too large; repetitions go up to ${MAX_REPEAT}`;
  }
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'not RE2';
    const hint = /\(\?<?[=!]/.test(source) ? '. RE2 has no look-around: exclude with `!` instead' : '';
    return `not an RE2 regular expression: ${message}${hint}`;
  }
}

/** Names of the groups of a pattern. */
export function groupsOf(pattern: TagPattern): readonly string[] {
  if (pattern.kind === 'semver') return [];
  return [...pattern.source.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].flatMap((found) => found[1] ?? []);
}

/** Whether a pattern stands for every tag: `*`, `.*` between slashes. */
export function isCatchAll(pattern: TagPattern): boolean {
  return pattern.kind !== 'semver' && !pattern.negated && /^\^?(?:\[\^\/\]|\.)[*+]\$?$/.test(pattern.source);
}

/** A list as a test: some line matches and no `!` line does. A list of `!` lines alone starts from every tag. */
export interface TagMatcher {
  readonly matches: (tag: string) => boolean;
  /** The first positive line that matches, for reasons. */
  readonly lineOf: (tag: string) => TagPattern | undefined;
  /** The value of a named group in the first line that has and fills it. */
  readonly group: (tag: string, name: string) => string | undefined;
  /** What the only `*` of a glob stands for; undefined for everything else. */
  readonly star: (tag: string) => string | undefined;
}

interface Compiled {
  readonly pattern: TagPattern;
  readonly test: (tag: string) => boolean;
  readonly regex?: RE2JS;
}

/** Compiles a list of patterns that {@link parseTagPattern} accepted. */
export function tagMatcher(patterns: readonly TagPattern[]): TagMatcher {
  const compiled = patterns.map(compile);
  const positive = compiled.filter(({ pattern }) => !pattern.negated);
  const negative = compiled.filter(({ pattern }) => pattern.negated);
  const matches = (tag: string) =>
    (positive.length === 0 || positive.some(({ test }) => test(tag))) && !negative.some(({ test }) => test(tag));
  return {
    matches,
    lineOf: (tag) => positive.find(({ test }) => test(tag))?.pattern,
    group: (tag, name) => {
      for (const { pattern, regex } of positive) {
        if (regex === undefined || !groupsOf(pattern).includes(name)) continue;
        const matcher = regex.matcher(tag);
        const value = matcher.matches() ? matcher.group(name) : null;
        if (value !== null && value !== undefined && value !== '') return value;
      }
      return undefined;
    },
    star: (tag) => {
      for (const { pattern } of positive) {
        const [before = '', after = '', ...more] = pattern.kind === 'glob' ? pattern.text.split('*') : [];
        if (more.length > 0 || !/^[\w.-]*\*[\w.-]*$/.test(pattern.text)) continue;
        if (tag.length > before.length + after.length && tag.startsWith(before) && tag.endsWith(after)) {
          return tag.slice(before.length, tag.length - after.length);
        }
      }
      return undefined;
    },
  };
}

/** Compiling takes longer than matching, and the same patterns are asked for by every repository. */
const COMPILED = new WeakMap<TagPattern, Compiled>();

function compile(pattern: TagPattern): Compiled {
  const known = COMPILED.get(pattern);
  if (known !== undefined) return known;
  const compiled = compileFresh(pattern);
  COMPILED.set(pattern, compiled);
  return compiled;
}

function compileFresh(pattern: TagPattern): Compiled {
  if (pattern.kind === 'semver') return { pattern, test: (tag) => isInRange(tag, pattern) };
  const regex = RE2JS.compile(pattern.source);
  return { pattern, test: (tag) => regex.testExact(tag), regex };
}

/** A strict semantic version with or without `v`; `1.2` is none. */
export function strictVersion(tag: string): semver.SemVer | undefined {
  return /^v?\d+\.\d+\.\d+(?:-|$)/.test(tag) ? (semver.parse(tag) ?? undefined) : undefined;
}

function isInRange(tag: string, { text, preReleases }: Extract<TagPattern, { kind: 'semver' }>): boolean {
  const version = strictVersion(tag);
  if (version === undefined) return false;
  const isPre = version.prerelease.length > 0;
  if (isPre ? preReleases === 'exclude' : preReleases === 'only') return false;
  return semver.satisfies(version, text, { includePrerelease: true });
}

/** A tag that people take for a version, but that is no strict one: `0.9`, `2024.05.01`, `v3`. */
export function looksLikeVersion(tag: string): boolean {
  return /^v?\d{1,4}(?:\.\d+){1,3}(?:[-_.+].*)?$|^v\d+$/.test(tag) && strictVersion(tag) === undefined;
}

/** A pattern as a policy writes it, for reasons and messages. */
export function shownPattern(pattern: TagPattern): string {
  if (pattern.kind !== 'semver') return `"${pattern.negated ? '!' : ''}${pattern.text}"`;
  const pre = pattern.preReleases === 'exclude' ? '' : `, pre-releases: ${pattern.preReleases}`;
  return `{semver: "${pattern.text}"${pre}}`;
}
