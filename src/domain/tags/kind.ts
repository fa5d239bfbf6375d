import type { GitEvent } from '../event.ts';
import { replaceForeign, toTag } from './grammar.ts';
import type { ReleaseLine, TagOrder } from './planned.ts';
import { tagOf } from './refs.ts';
import type { TagRule } from './rules.ts';
import type { Source } from './sources.ts';
import { isFullVersion, readVersion } from './versions.ts';

/** The promise of a tag. */
export type TagKind =
  | { readonly kind: 'version' | 'commit' }
  | { readonly kind: 'moving'; readonly order: TagOrder; readonly lines?: readonly ReleaseLine[] };

/** A name before it becomes a tag, with the text around the rule's own part. */
export interface NameParts {
  readonly name: string;
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * The promise of a tag depends on rule and name: a full version is immutable whichever rule produces it, and only a
 * release may move a line's name away from a release. `moving=true` overrides this.
 * @param orderFor the order of a line with the rule's version
 */
export function decideKind(
  rule: TagRule,
  source: Source,
  { name, prefix, suffix }: NameParts,
  event: GitEvent,
  orderFor: (scope: 'all' | 'major' | 'minor') => TagOrder,
): TagKind {
  const { kind } = source;
  if (kind === 'all' || kind === 'major' || kind === 'minor') return { kind: 'moving', order: orderFor(kind) };
  const byCommit = { kind: 'moving', order: { by: 'commit' } } as const;
  if (rule.moving === true) return byCommit;
  if (kind === 'one-version') return { kind: 'version' };
  if (kind === 'one-commit') return { kind: 'commit' };
  const kept = keptBy(rule, source, { name, prefix, suffix }, event);
  if (kept !== undefined) return { kind: kept };
  const lines =
    isUnversioned(event) || (rule.type === 'ref' && rule.event === 'pr')
      ? []
      : linesOf(source.value, { name, prefix, suffix });
  return lines.length === 0 ? byCommit : { ...byCommit, lines };
}

/** A git tag that is not a version, so that it may or may not be a release. */
export function isUnversioned(event: GitEvent): boolean {
  const tag = tagOf(event);
  return tag !== undefined && readVersion(tag, 'semver') === undefined;
}

/** The promise implied by a name although its rule moves with commits. */
function keptBy(
  rule: TagRule,
  source: Source,
  { name, prefix, suffix }: NameParts,
  event: GitEvent,
): 'version' | 'commit' | undefined {
  if (rule.type === 'raw') {
    // A date that looks like a version is not one.
    if (!/\{\{\s*(?:commit_)?date\b/.test(rule.value.source) && isFullVersion(name.replace(WORDS, '')))
      return 'version';
    return namesCommit(name, event) ? 'commit' : undefined;
  }
  // The names of branches and pull requests say nothing about their commits; what the workflow puts around them does.
  if (rule.type === 'ref' && namesCommit(`${prefix} ${suffix}`, event)) return 'commit';
  if (rule.type !== 'ref' || rule.event !== 'branch') return undefined;
  // Push access to a branch must not be enough to move a version with its name. The flavor's prefix also precedes
  // versions.
  const tag = toTag(rule.prefix === undefined ? source.value : name)?.tag ?? '';
  if (isFullVersion(tag)) return 'version';
  return /^sha-[0-9a-f]{4,64}$/.test(tag) ? 'commit' : undefined;
}

/** Whether a word of a text is the commit's id or the start of it: `main-0123abc`, `0123abc-slim`. */
function namesCommit(text: string, { sha }: GitEvent): boolean {
  return text.split(/[^A-Za-z0-9]+/).some((word) => /^[0-9a-f]{7,64}$/.test(word) && sha.startsWith(word));
}

/** Text that may precede a version in a tag: `app-`, `my_app-`. */
const WORDS = /^(?:[A-Za-z]+[-_])+/;

/** `latest`, `1`, `v1.2`, `1.x`. */
const LINE = /(?<![A-Za-z0-9.])(?:latest|v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.x)*)(?![A-Za-z0-9.])/gi;

/**
 * The lines that a name may be of: what a rule puts between its prefix and its suffix, and each part of the whole name
 * that reads as a line, such as `1.2` in a branch called `app/1.2-alpine`. Only the releases of the repository show
 * which of them exist.
 */
export function linesOf(value: string, { name, prefix, suffix }: NameParts): readonly ReleaseLine[] {
  const own = [...value.matchAll(LINE)].filter(([text]) => text === value);
  const tag = replaceForeign(name);
  return [
    ...own.map((match) => ({ numbers: numbersOf(match), prefix, suffix })),
    ...[...tag.matchAll(LINE)].map((match) => ({
      numbers: numbersOf(match),
      prefix: tag.slice(0, match.index),
      suffix: tag.slice(match.index + match[0].length),
    })),
  ];
}

function numbersOf([, ...numbers]: RegExpMatchArray): readonly number[] {
  return numbers.flatMap((number) => (number === undefined ? [] : Number(number)));
}
