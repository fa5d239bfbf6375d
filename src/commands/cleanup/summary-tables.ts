import { bytes, counted } from '../../domain/amount.ts';
import { compareText } from '../../domain/compare-text.ts';
import { shortDigest } from '../../domain/digest.ts';
import type { ManifestDecision, Reason, TagDecision } from '../../domain/retention/plan.ts';
import { code, details, plain, prose, table } from '../../report/markdown.ts';
import { goneIn } from './counts.ts';
import type { RepositoryResult } from './result.ts';

/** Rows of each list: the plan file has all. */
const MAX_ROWS = 100;
const MAX_GROUPS = 50;
/** Names beside a count. */
const MAX_EXAMPLES = 5;

/** What goes, or is gone: a table of the rules, and below each the images with the reason, folded. */
export function renderGoing(result: RepositoryResult, isDryRun: boolean): string {
  const { plan, report } = result;
  const { digests, tags } = goneIn(result);
  const gone = plan.manifests.filter(({ digest }) => digests.has(digest));
  const roots = gone.filter(({ role }) => role === 'root');
  const untagged = plan.tags.filter(({ tag, action }) => action === 'untag' && tags.has(tag));
  const others = gone.filter(({ role }) => role !== 'root');
  if (roots.length + untagged.length + others.length === 0) return '';
  const groups = Map.groupBy<string, Row>(
    [...roots.map(rowOfRoot), ...untagged.map(rowOfTag)].toSorted(oldestFirst),
    ({ reason }) => reason.rule ?? reason.code,
  );
  const rules = [...groups].slice(0, MAX_GROUPS).map(([rule, rows]) => {
    const deleted = rows.filter(({ digest }) => digest !== undefined);
    return [
      code(rule),
      String(deleted.length),
      rows.length === deleted.length ? '' : String(rows.length - deleted.length),
      shownNames(rows.map(({ name }) => name)),
    ];
  });
  const parts = others.filter(({ role }) => role === 'child').length;
  const attached = others.length - parts;
  const along = [
    ...(parts > 0 ? [`${counted(parts, 'platform or part', 'platforms and parts')}`] : []),
    ...(attached > 0 ? [`${counted(attached, 'attached artifact')} (signatures, SBOMs, …)`] : []),
  ];
  const title = isDryRun ? '#### What goes' : `#### What ${report === undefined ? 'the plan deletes' : 'was deleted'}`;
  const withThem = along.length === 0 ? '' : `\n\nWith them: ${along.join(', ')}.`;
  const left = plan.totals.left;
  const next = left === 0 ? '' : `\n\n${left} more images are due and left for the next run.`;
  const head = ['rule', 'images', 'tags only', 'for example'];
  return `${title}\n\n${table(head, rules)}${withThem}${next}\n\n${details('Every image with its reason', renderRows([...groups.values()].flat()))}`;
}

interface Row {
  readonly name: string;
  readonly tags: readonly string[];
  /** Absent where only the tag goes. */
  readonly digest?: string;
  readonly pushedAt?: string;
  readonly freed?: number;
  readonly reason: Reason;
}

/** One for all rows: a collator made for each comparison takes seconds and 100 MB for ten thousand tags. */
const NAMES = new Intl.Collator('en', { numeric: true });

function oldestFirst(a: Row, b: Row): number {
  const [first, second] = [a.pushedAt ?? '', b.pushedAt ?? ''];
  return compareText(first, second) || NAMES.compare(a.name, b.name);
}

function rowOfRoot({ digest, tags, pushedAt, freed, reason }: ManifestDecision): Row {
  return {
    name: tags[0] ?? shortDigest(digest),
    tags,
    digest,
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(freed === undefined ? {} : { freed }),
    reason,
  };
}

function rowOfTag({ tag, reason }: TagDecision): Row {
  return { name: tag, tags: [tag], reason };
}

function renderRows(rows: readonly Row[]): string {
  const shown = rows
    .slice(0, MAX_ROWS)
    .map(({ tags, digest, pushedAt, freed, reason }) => [
      tags.length === 0 ? '<i>untagged</i>' : shownNames(tags),
      digest === undefined ? 'only the tag' : code(shortDigest(digest)),
      pushedAt === undefined ? '' : plain(pushedAt.slice(0, 10)),
      freed === undefined ? '' : bytes(freed),
      prose(described(reason)),
    ]);
  const more = rows.length - shown.length;
  return `${table(['tags', 'image', 'pushed', 'frees', 'why'], shown)}${more > 0 ? `\n\nand ${more} more: see the plan file.` : ''}`;
}

function described({ rule, text }: Reason): string {
  return rule === undefined || text.includes(rule) ? text : `${rule}: ${text}`;
}

function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_EXAMPLES).map(code).join(' ');
  return names.length > MAX_EXAMPLES ? `${shown} …` : shown;
}

/** What each reason to keep is called. */
const KEPT: Readonly<Partial<Record<Reason['code'], string>>> = {
  protected: '🛡️ protected',
  'in-use': '🛡️ in use',
  locked: '🔒 locked in the registry',
  'kept-by-rule': 'kept by a rule',
  newest: 'among the newest',
  young: 'younger than `min-age`',
  unmatched: 'no rule selects it',
  'not-selected-by-age': 'not old enough',
  'other-kind': 'another kind of artifact',
  'other-tags': 'has other tags that stay',
  'last-tagged': 'the last tagged images',
  'newest-image': 'the newest tagged image',
  limit: 'left for the next run',
  stopped: 'the repository was stopped',
  blocked: 'the registry does not allow it',
  orphan: 'its image does not exist',
  'part-of-kept': 'part of an image that stays',
  'attached-to-kept': 'attached to an image that stays',
};

/** Whether its text says which environment, file or lock keeps an image. */
const isNamed = ({ code: why }: Reason) => why === 'in-use' || why === 'locked';

/** What the plan keeps, by what protects it. Parts of images are not counted, unless they have tags of their own. */
export function renderStaying({ plan }: RepositoryResult): string {
  const roots = plan.manifests.filter(
    ({ action, role, reason }) => action === 'keep' && (role === 'root' || reason.code === 'orphan'),
  );
  const groups = Map.groupBy(roots, ({ reason }) =>
    JSON.stringify([
      reason.code,
      reason.rule ?? '',
      KEPT[reason.code] === undefined || isNamed(reason) ? reason.text : '',
    ]),
  );
  const kept = new Set(plan.tags.flatMap(({ tag, action }) => (action === 'keep' ? tag : [])));
  const sorted = [...groups.values()].toSorted((a, b) => b.length - a.length);
  const rows = sorted.slice(0, MAX_GROUPS).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { code: why, rule = '', text } = first.reason;
    const by = isNamed(first.reason) ? text : rule;
    const names = group.map(({ tags, digest }) => tags.find((tag) => kept.has(tag)) ?? shortDigest(digest));
    names.sort(NAMES.compare);
    return [[prose(KEPT[why] ?? text), by === '' ? '' : prose(by), String(group.length), shownNames(names)]];
  });
  if (rows.length === 0) return '';
  return details(
    `What stays by the plan: ${counted(roots.length, 'image')}`,
    table(['why', 'by', 'images', 'for example'], rows),
  );
}

/** Steps that were not done, with the reason. */
export function renderLeft({ report, plan }: RepositoryResult): string {
  if (report === undefined) return '';
  const gone = report.results.filter(({ outcome }) => outcome === 'absent').length;
  const names = new Map(plan.manifests.map(({ digest, tags }) => [digest, tags]));
  const left = report.results.flatMap((result) => {
    if (!('reason' in result) && !('error' in result)) return [];
    const { step, outcome } = result;
    const reason = 'error' in result ? (result.error.message.split('\n', 1)[0] ?? '') : result.reason;
    const subject = step.action === 'untag' ? code(step.tag) : code(shortDigest(step.digest));
    const tags = step.action === 'untag' ? [] : (names.get(step.digest) ?? []);
    return [[subject, tags.length === 0 ? '' : shownNames(tags), STATES[outcome], prose(reason)]];
  });
  const rows = left.slice(0, MAX_ROWS);
  const more = left.length - rows.length;
  const list =
    rows.length === 0
      ? ''
      : `#### Not deleted\n\n${table(['image or tag', 'tags', 'result', 'why'], rows)}${more > 0 ? `\n\nand ${more} more: see the output \`json-file\`.` : ''}`;
  const already = gone === 0 ? '' : `${counted(gone, 'step was', 'steps were')} already done.`;
  return [list, already].filter((part) => part !== '').join('\n\n');
}

const STATES = { skipped: '⏭️\u00A0skipped', blocked: '⛔\u00A0not\u00A0allowed', failed: '❌\u00A0failed' } as const;
