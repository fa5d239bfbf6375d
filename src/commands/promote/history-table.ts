import { shortDigest } from '../../domain/digest.ts';
import type { History } from '../../domain/promotion/history.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import type { UncountedRecord } from '../../domain/promotion/uncounted.ts';
import { code, details, plain, prose, table } from '../../report/markdown.ts';
import { shortName, withoutHost } from '../../report/parts.ts';
import type { PromotionResult } from './result.ts';

/** Newest first; the rest is in `json`. */
const MAX_ROWS = 20;

/** An untrusted URL as a link target: contains no Markdown. */
function linked(address: string): string {
  return address.replaceAll(/[()[\]!*`|{}^~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function renderHistory(report: PromotionResult): string {
  const { history, uncounted = [] } = report;
  if (history === undefined || history.chain.length + uncounted.length === 0) return '';
  const marked = marker(report, history);
  const rows = history.chain
    .toReversed()
    .slice(0, MAX_ROWS)
    .map((record) => [
      plain(record.time.replace(/^(.{10})T(\d\d:\d\d:\d\d).*$/, '$1 $2')).replace(' ', '<br>'),
      `${record.kind === 'rollback' ? '↩️&nbsp;rollback' : '➡️&nbsp;promotion'}${record.forced ? ' (forced)' : ''}`,
      code(shortDigest(record.digest)) + marked(record),
      record.commit === undefined ? '' : code(record.commit.slice(0, 7)),
      code(withoutHost(shortName(record.from))),
      `[${plain(record.actor)}](${linked(record.run)})`,
    ]);
  const more =
    history.chain.length > MAX_ROWS
      ? `\n\n${history.chain.length - MAX_ROWS} older ones are in the \`json\` output.`
      : '';
  const unread = history.unread === undefined ? '' : '\n\nOlder records were not read: `dry-run: true` shows them.';
  const gaps = [...history.gaps, ...uncounted.slice(0, MAX_ROWS).map(notCounted)]
    .map((line) => `- ${prose(line)}`)
    .join('\n');
  const how = report.records === 'signed' ? 'signed' : 'unsigned';
  return details(
    `History of ${plain(history.environment)} before this run, by ${how} promotion records`,
    [
      rows.length === 0 ? '' : table(['time (UTC)', 'kind', 'image', 'commit', 'from', 'by'], rows) + more + unread,
      gaps,
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
    true,
  );
}

/** `promotion of sha256:… at …: it is unsigned` */
function notCounted({ record, reason }: UncountedRecord): string {
  const { kind, forced, digest, time } = record;
  return `Does not count: ${kind}${forced ? ' (forced)' : ''} of ${shortDigest(digest)} at ${time}: ${reason}.`;
}

/**
 * The mark of a record: the newest one of the environment's current image, which a run may have changed, and images on
 * hold.
 */
function marker({ targets: [first], image }: PromotionResult, { chain, now, held }: History) {
  const hasMoved = first?.decisions.some(({ kind, tag }) => kind === 'moving' && first.written.includes(tag)) ?? false;
  const newest = chain.findLast(({ digest }) => digest === now);
  return (record: PromotionRecord): string => {
    if (record === newest) return hasMoved ? ' **until now**' : ' **now**';
    const isLifted = hasMoved && record.digest === image?.digest;
    return held.has(record.digest) && !isLifted ? ' ✋ on hold' : '';
  };
}
