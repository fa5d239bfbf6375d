import type { GitEvent } from '../event.ts';
import { toTag } from './grammar.ts';
import type { ReleaseLine, TagOrder } from './planned.ts';
import { tagOf } from './refs.ts';
import type { TagRule } from './rules.ts';
import type { Source } from './sources.ts';
import { isFullVersion, readVersion } from './versions.ts';

/** The promise of a tag. */
export type TagKind =
  | { readonly kind: 'version' | 'commit' }
  | { readonly kind: 'moving'; readonly order: TagOrder; readonly line?: ReleaseLine };

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
  const kept = keptBy(rule, source, name, event);
  if (kept !== undefined) return { kind: kept };
  const line = isUnversioned(event) ? undefined : lineOf(source.value, prefix, suffix);
  return line === undefined ? byCommit : { ...byCommit, line };
}

/** A git tag that is not a version, so that it may or may not be a release. */
export function isUnversioned(event: GitEvent): boolean {
  const tag = tagOf(event);
  return tag !== undefined && readVersion(tag, 'semver') === undefined;
}

/** The promise implied by a name although its rule moves with commits. */
function keptBy(rule: TagRule, source: Source, name: string, event: GitEvent): 'version' | 'commit' | undefined {
  if (rule.type === 'raw') {
    // A date that looks like a version is not one.
    if (!/\{\{\s*(?:commit_)?date\b/.test(rule.value.source) && isFullVersion(name.replace(WORDS, '')))
      return 'version';
    const [, commit] = /^(?:sha-)?([0-9a-f]{7,64})$/.exec(name) ?? [];
    return commit !== undefined && event.sha.startsWith(commit) ? 'commit' : undefined;
  }
  if (rule.type !== 'ref' || rule.event !== 'branch') return undefined;
  // Push access to a branch must not be enough to move a version with its name. The flavor's prefix also precedes
  // versions.
  const tag = toTag(rule.prefix === undefined ? source.value : name)?.tag ?? '';
  if (isFullVersion(tag)) return 'version';
  return /^sha-[0-9a-f]{4,64}$/.test(tag) ? 'commit' : undefined;
}

/** Text that may precede a version in a tag: `app-`, `my_app-`. */
const WORDS = /^(?:[A-Za-z]+[-_])+/;

/** The line that a text names: `latest`, `1`, `v1.2`, `1.x`. */
export function lineOf(text: string, prefix: string, suffix: string): ReleaseLine | undefined {
  if (text === 'latest') return { numbers: [], prefix, suffix };
  const [, major, minor] = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.x)*$/i.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { numbers: [Number(major), ...(minor === undefined ? [] : [Number(minor)])], prefix, suffix };
}
