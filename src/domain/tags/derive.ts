import type { GitEvent } from '../event.ts';
import { quoted } from '../suggestion.ts';
import { isOccasion } from './defaults.ts';
import { type ExpressionScope, renderGlobal, type Template } from './expressions.ts';
import type { Flavor } from './flavor.ts';
import { replaceForeign, toTag } from './grammar.ts';
import { decideKind, isUnversioned, linesOf, type TagKind } from './kind.ts';
import type { PlannedTag, TagOrder } from './planned.ts';
import { tagOf } from './refs.ts';
import type { TagRule } from './rules.ts';
import { evaluate, RuleProblem, type Source } from './sources.ts';
import { readVersion } from './versions.ts';

export interface DeriveTags {
  readonly rules: readonly TagRule[];
  readonly flavor: Flavor;
  readonly event: GitEvent;
  readonly commitDate: Date;
  readonly now: Date;
  /** DOCKER_METADATA_SHORT_SHA_LENGTH of metadata-action. Default 7. */
  readonly shortShaLength?: number;
  /** `text.match(pattern)`, possibly with a time limit: it then throws a RuleProblem. Default: no limit. */
  readonly match?: (text: string, pattern: RegExp) => readonly (string | undefined)[] | undefined;
}

export interface DerivedTags {
  /** The first tag, which is the version of the image; undefined without tags. */
  readonly version: string | undefined;
  /** In metadata-action's order: the version, the other tags by priority, `latest`. */
  readonly tags: readonly PlannedTag[];
  readonly warnings: readonly string[];
}

/** A problem; `code` is the error code for it. */
export interface NoTags {
  readonly ok: false;
  readonly code: 'TAG_INVALID' | 'INPUT_INVALID';
  readonly problems: readonly string[];
}

/** A name produced by a rule, before it becomes a tag. */
interface Candidate {
  readonly name: string;
  readonly rule: string;
  readonly kindOfTag: TagKind;
  readonly fromRef: boolean;
  /** The rule's literal text contains characters that a tag cannot have. */
  readonly isForeign?: boolean;
}

/**
 * The tags for an event, as docker/metadata-action derives them, each classified as immutable or moving. Zero tags are
 * a valid result; the caller decides whether that is an error.
 * https://github.com/docker/metadata-action/blob/master/src/meta.ts
 * @returns `ok: false` with TAG_INVALID when a name cannot become a tag or two different names would become one, and
 * with INPUT_INVALID when an `enable` is neither true nor false
 */
export function deriveTags(given: DeriveTags): ({ readonly ok: true } & DerivedTags) | NoTags {
  const warnings = new Set<string>();
  const entries: Entry[] = [];
  for (const rule of given.rules.toSorted((a, b) => b.priority - a.priority)) {
    if (rule.on !== undefined && !isOccasion(rule.on, given.event)) continue;
    const enabled = renderGlobal(rule.enable, given);
    if (enabled !== 'true' && enabled !== 'false') {
      const problem = `tags: \`enable\` of \`${rule.text}\` came out as ${quoted(enabled)}, expected true or false.`;
      return { ok: false, code: 'INPUT_INVALID', problems: [problem] };
    }
    let source: Source | undefined;
    try {
      source = enabled === 'true' ? evaluate(rule, given, (warning) => warnings.add(warning)) : undefined;
    } catch (error) {
      if (!(error instanceof RuleProblem)) throw error;
      return { ok: false, code: 'INPUT_INVALID', problems: [`tags: \`${rule.text}\`: ${error.message}.`] };
    }
    const entry = source === undefined ? undefined : toEntry(rule, source, given);
    if (entry !== undefined && entry.name !== '') entries.push(entry);
  }
  const latest = latestOf(entries, given);
  const candidates: readonly Candidate[] = latest === undefined ? entries : [...entries, latest];
  const chosen = chooseTags(followRelease(candidates, entries, given.event), (warning) => warnings.add(warning));
  if (!chosen.ok) return chosen;
  return { ok: true, version: chosen.tags[0]?.name, tags: chosen.tags, warnings: [...warnings] };
}

interface Entry extends Candidate {
  readonly latest: boolean;
  /** The order of `latest`, if it is derived from this entry. */
  readonly orderOfLatest: TagOrder;
  /** It comes from a stable version. */
  readonly isStable: boolean;
}

function toEntry(rule: TagRule, source: Source, given: DeriveTags): Entry {
  const prefix = renderIfAny(rule.prefix ?? given.flavor.prefix, given);
  const suffix = renderIfAny(rule.suffix ?? given.flavor.suffix, given);
  const orderFor = (scope: 'all' | 'major' | 'minor'): TagOrder => {
    if (source.version === undefined) return { by: 'commit' };
    const { value: version, before, after } = source.version;
    return {
      by: 'version',
      version: version.text,
      ...(version.scheme === 'semver' ? {} : { scheme: version.scheme }),
      scope,
      prefix: linePrefix(prefix + before),
      suffix: replaceForeign(after + suffix),
    };
  };
  const name = `${prefix}${source.value}${suffix}`;
  const parts = { name, prefix: linePrefix(prefix), suffix: replaceForeign(suffix) };
  return {
    name,
    rule: rule.text,
    kindOfTag: decideKind(rule, source, parts, given.event, orderFor),
    isForeign: hasForeignText(rule, given.flavor),
    fromRef: comesFromRef(rule, given.flavor),
    latest: source.latest && rule.withoutLatest !== true,
    orderOfLatest: orderFor('all'),
    isStable: source.version?.value.stage === 'final',
  };
}

/** Text that expressions take from the event's ref. */
const REF_EXPRESSION = /\{\{[^}]*\b(?:branch|tag|base_ref|is_default_branch|is_not_default_branch)\b/;

function comesFromRef(rule: TagRule, flavor: Flavor): boolean {
  const value = 'value' in rule ? rule.value : undefined;
  const needsValue = rule.type === 'semver' || rule.type === 'pep440' || rule.type === 'match';
  if (rule.type === 'ref' || rule.type === 'edge' || (needsValue && value === undefined)) return true;
  const templates = [value, rule.enable, rule.prefix ?? flavor.prefix, rule.suffix ?? flavor.suffix];
  return templates.some((template) => template !== undefined && REF_EXPRESSION.test(template.source));
}

/**
 * A run that produces a full version, or was started by a git tag with one, is a release: literal line names follow its
 * version. A pre-release is not a release.
 */
function followRelease(
  candidates: readonly Candidate[],
  entries: readonly Entry[],
  event: GitEvent,
): readonly Candidate[] {
  const made = entries.find(({ kindOfTag, isStable }) => kindOfTag.kind === 'version' && isStable)?.orderOfLatest;
  const text = made?.by === 'version' ? made.version : tagOf(event);
  const version =
    text === undefined ? undefined : readVersion(text, made?.by === 'version' ? (made.scheme ?? 'semver') : 'semver');
  if (version?.stage !== 'final') return candidates;
  return candidates.map((entry): Candidate => {
    const lines = entry.kindOfTag.kind === 'moving' ? entry.kindOfTag.lines : undefined;
    const line = lines?.find(({ numbers }) =>
      numbers.every((number, at) => number === [version.major, version.minor][at]),
    );
    if (line === undefined) return entry;
    const { prefix, suffix, numbers } = line;
    const around = made?.by === 'version' ? made : { by: 'version' as const, version: version.text, prefix, suffix };
    const scope = (['all', 'major', 'minor'] as const)[numbers.length] ?? 'all';
    return { ...entry, kindOfTag: { kind: 'moving', order: { ...around, scope } } };
  });
}

function hasForeignText(rule: TagRule, flavor: Flavor): boolean {
  const own = 'value' in rule && rule.type === 'raw' ? rule.value : undefined;
  const templates = [own, rule.prefix ?? flavor.prefix, rule.suffix ?? flavor.suffix];
  const texts = templates.flatMap((template) => template?.parts ?? []);
  return texts.some((part) => part.kind === 'text' && part.text !== replaceForeign(part.text));
}

function renderIfAny(template: Template | undefined, scope: ExpressionScope): string {
  return template === undefined ? '' : renderGlobal(template, scope);
}

/** The text before versions in tags. A `v` there belongs to the version, and may be missing in tags of the line. */
function linePrefix(text: string): string {
  return replaceForeign(text)
    .replace(/^[.-]+/, '')
    .replace(/(^|[^A-Za-z0-9])v$/, '$1');
}

/**
 * `latest`, if requested. As in metadata-action, `latest=auto` depends on the first entry only, and without entries
 * there is no `latest`. If any entry is a version, `latest` follows versions, otherwise commits.
 */
function latestOf(entries: readonly Entry[], given: DeriveTags): Candidate | undefined {
  const [first] = entries;
  const { flavor } = given;
  if (first === undefined || flavor.latest === 'false' || (flavor.latest === 'auto' && !first.latest)) return undefined;
  const prefix = flavor.prefixLatest ? renderIfAny(flavor.prefix, given) : '';
  const suffix = flavor.suffixLatest ? renderIfAny(flavor.suffix, given) : '';
  const parent = entries.find(({ orderOfLatest }) => orderOfLatest.by === 'version') ?? first;
  const isGuarded = parent.orderOfLatest.by === 'commit' && !isUnversioned(given.event);
  const parts = { name: `${prefix}latest${suffix}`, prefix: linePrefix(prefix), suffix: replaceForeign(suffix) };
  return {
    name: parts.name,
    rule: `latest=${flavor.latest} (${parent.rule})`,
    kindOfTag: {
      kind: 'moving',
      order: parent.orderOfLatest,
      ...(isGuarded ? { lines: linesOf('latest', parts) } : {}),
    },
    fromRef: parent.fromRef,
  };
}

/** Turns names into tags without duplicates. A tag produced by several rules gets the strongest of their promises. */
function chooseTags(
  candidates: readonly Candidate[],
  warn: (warning: string) => void,
): { readonly ok: true; readonly tags: readonly PlannedTag[] } | NoTags {
  const problems: string[] = [];
  const byTag = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const made = toTag(candidate.name);
    if (made === undefined) {
      problems.push(
        `The rule \`${candidate.rule}\` makes the name ${quoted(candidate.name)}, which has no character that a tag can have.`,
      );
      continue;
    }
    const before = byTag.get(made.tag);
    if (before !== undefined && before.name !== candidate.name) {
      problems.push(
        `The names ${quoted(before.name)} (\`${before.rule}\`) and ${quoted(candidate.name)} (\`${candidate.rule}\`) would both become the tag ${made.tag}.`,
      );
      continue;
    }
    if (made.warning !== undefined) warn(made.warning);
    else if (candidate.isForeign === true && made.tag !== candidate.name) {
      warn(`The name ${quoted(candidate.name)} became the tag ${made.tag}: a tag has only A-Z a-z 0-9 . _ and -.`);
    }
    const strongest =
      before === undefined || strength(candidate.kindOfTag) > strength(before.kindOfTag) ? candidate : before;
    // A literal is the user's explicit choice.
    byTag.set(made.tag, { ...strongest, fromRef: candidate.fromRef && before?.fromRef !== false });
  }
  if (problems.length > 0) return { ok: false, code: 'TAG_INVALID', problems };
  const tags = [...byTag].map(
    ([name, { rule, kindOfTag, fromRef }]): PlannedTag => ({
      name,
      rule,
      ...(fromRef ? { fromRef } : {}),
      ...kindOfTag,
    }),
  );
  return { ok: true, tags };
}

/** In PEP 440, `1.2` is both the version 1.2 and the line 1.2: it moves, but never by commits alone. */
function strength(kindOfTag: TagKind): number {
  if (kindOfTag.kind !== 'moving') return 1;
  return kindOfTag.order.by === 'version' ? 2 : 0;
}
