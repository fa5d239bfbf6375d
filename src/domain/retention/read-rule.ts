import { groupsOf, parseTagPattern, type TagPattern } from '../patterns/tag-pattern.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import type { Report } from '../yaml-file/readers.ts';
import type { Gone, Grouping, Keep, Newest, Remove, Rule, Selection } from './policy.ts';
import type { RawGone, RawKeep, RawNewest, RawRemove, RawRule, RawSelect } from './policy-fields.ts';

/**
 * Makes a rule of its parsed map: fills in defaults, and reports what does not fit together.
 * @param index of the rule in its list, from 0
 */
export function readRule(raw: RawRule, index: number, report: Report): Rule {
  const name = raw.name ?? `rule ${index + 1}`;
  const select = readSelection(raw.select, report);
  const keep = raw.keep === undefined ? undefined : readKeep(raw.keep, select, report);
  const remove = raw.remove === undefined ? undefined : readRemove(raw.remove, select, report);
  if (keep === undefined && remove === undefined) {
    report(raw.at, 'this rule does nothing: add `remove`, or `keep`');
  }
  return {
    name,
    line: raw.at.line,
    select,
    ...(keep === undefined ? {} : { keep }),
    ...(remove === undefined ? {} : { remove }),
  };
}

function readSelection(raw: RawSelect | undefined, report: Report): Selection {
  const { tags = [], tagged = true, kind, gone, at } = raw ?? {};
  if (at !== undefined && !tagged && raw?.tags !== undefined) {
    report(at, '`tagged: false` selects what has no tag, so `tags` cannot match: write two rules');
  }
  if (at !== undefined && !tagged && gone !== undefined)
    report(at, '`gone` needs tags that name the branch or pull request of an image');
  const kinds = kind?.includes('any') === true ? (['image', 'chart', 'cache', 'wasm', 'other'] as const) : kind;
  return {
    tags,
    tagged,
    kinds: kinds?.filter((each) => each !== 'any') ?? (tagged ? ['image'] : ['image', 'cache']),
    ...(gone === undefined ? {} : { gone: readGone(gone, tags, report) }),
  };
}

const GONE = { 'pull-request': ['id', 'number', 'pr'], branch: ['branch'], 'git-tag': ['tag'] } as const;
const GONE_KEYS = ['pull-request', 'branch', 'git-tag'] as const;

function readGone(raw: RawGone, tags: readonly TagPattern[], report: Report): Gone {
  const given = GONE_KEYS.filter((key) => raw[key] !== undefined);
  const what = given[0] ?? 'pull-request';
  if (given.length !== 1)
    report(raw.at, 'expected one of `pull-request: closed`, `branch: deleted` and `git-tag: deleted`');
  const groups = [...new Set(tags.filter(({ negated }) => !negated).flatMap(groupsOf))];
  const group = raw.group ?? (groups.length === 1 ? groups[0] : GONE[what].find((name) => groups.includes(name)));
  if (group !== undefined && !groups.includes(group)) {
    report(raw.at, `no pattern in \`tags\` has the group ${quoted(group)}.${didYouMean(group, groups)}`);
  }
  const hasStar = tags.some(({ kind, text }) => kind === 'glob' && /^[\w.-]*\*[\w.-]*$/.test(text));
  if (group === undefined && !hasStar) {
    report(
      raw.at,
      `\`gone\` cannot find the ${what.replace('-', ' ')} from these tags: use a glob with one \`*\`, or a pattern with a group, as in \`/pr-(?<id>\\d+)/\``,
    );
  }
  return { what, ...(group === undefined ? {} : { group }), for: raw.for ?? 0 };
}

function readKeep(raw: RawKeep, select: Selection, report: Report): Keep {
  const { newest, 'younger-than': youngerThan, 'pulled-within': pulledWithin, at } = raw;
  if (newest === undefined && youngerThan === undefined && pulledWithin === undefined) {
    report(at, 'expected `newest`, `younger-than` or `pulled-within`; what stays always is listed in `protect`');
  }
  return {
    ...(newest === undefined ? {} : { newest: readNewest(newest, select, report) }),
    ...(youngerThan === undefined ? {} : { youngerThan }),
    ...(pulledWithin === undefined ? {} : { pulledWithin }),
  };
}

function readRemove(raw: RawRemove, select: Selection, report: Report): Remove {
  const { 'older-than': olderThan, 'not-pulled-for': notPulledFor, 'keep-newest': newest, at } = raw;
  if (olderThan === undefined && notPulledFor === undefined && newest === undefined && select.gone === undefined) {
    report(at, 'expected `older-than`, `not-pulled-for` or `keep-newest`; `older-than: 0d` removes whatever its age');
  }
  if (raw['keep-scope'] !== undefined && newest === undefined)
    report(at, '`keep-scope` has no meaning without `keep-newest`');
  if (raw.since !== undefined && select.tagged)
    report(at, '`since` is for `tagged: false`; see `basis` for tagged images');
  return {
    ...(olderThan === undefined ? {} : { olderThan }),
    since: raw.since ?? (select.tagged ? 'pushed' : 'untagged'),
    ...(notPulledFor === undefined ? {} : { notPulledFor }),
    ...(newest === undefined ? {} : { newest: readNewest(newest, select, report) }),
    keepScope: raw['keep-scope'] ?? 'matched',
  };
}

function readNewest(raw: RawNewest, select: Selection, report: Report): Newest {
  const { count = 0, at } = raw;
  const by = raw.by ?? 'pushed';
  const groupBy = readGrouping(raw['group-by'], raw, select, report);
  const generationBy = readGrouping(raw['generation-by'], raw, select, report);
  if (!select.tagged && (by !== 'pushed' || groupBy !== undefined || generationBy !== undefined)) {
    report(at, 'what has no tag can only be counted by push time, without groups');
  }
  return {
    count,
    by,
    ...(groupBy === undefined ? {} : { groupBy }),
    ...(generationBy === undefined ? {} : { generationBy }),
  };
}

const VERSION_PARTS = ['channel', 'major', 'minor'] as const;

function readGrouping(
  given: string | undefined,
  { at }: RawNewest,
  select: Selection,
  report: Report,
): Grouping | undefined {
  if (given === undefined) return undefined;
  const groups = [...new Set(select.tags.filter(({ negated }) => !negated).flatMap(groupsOf))];
  if (groups.includes(given)) return { kind: 'group', name: given };
  const part = VERSION_PARTS.find((word) => word === given);
  if (part !== undefined) return { kind: 'version', part };
  if (!given.startsWith('/')) {
    report(
      at,
      `no pattern in \`tags\` has the group ${quoted(given)}.${didYouMean(given, [...groups, ...VERSION_PARTS])}`,
    );
    return undefined;
  }
  const pattern = parseTagPattern(given);
  if (!pattern.ok) {
    report(at, `${quoted(given)}: ${pattern.problems.join('; ')}`);
    return undefined;
  }
  const [name, ...more] = groupsOf(pattern.value);
  if (name === undefined || more.length > 0) {
    report(at, `${quoted(given)}: expected one named group, as in \`/(?<g>[a-z]+)-.*/\``);
    return undefined;
  }
  return { kind: 'group', name, pattern: pattern.value };
}
