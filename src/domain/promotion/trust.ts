import { shortDigest } from '../digest.ts';
import { parseImageName } from '../reference.ts';
import { quoted } from '../suggestion.ts';
import type { PromotionRecord, StoredRecord } from './record.ts';

/** How far the clocks of two runners may differ, in milliseconds: a record from further ahead is not believed. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
/** Records that a sentence names. */
const MAX_NAMED = 3;

/** A repository, as its client knows it: `ghcr.io` and `org/app`. */
interface RepositoryName {
  readonly host: string;
  readonly name: string;
}

/** The records found in one repository, by what they may decide there. */
export interface JudgedRecords {
  /** Written to this repository: history, `deployed=`, rollback and holds. */
  readonly own: readonly StoredRecord[];
  /** Written to another repository: they can add a hold, which only makes a promotion stricter, and nothing else. */
  readonly foreign: readonly StoredRecord[];
  /** Sentences about records that do not count, for warnings. */
  readonly ignored: readonly string[];
}

/**
 * Being in a registry proves nothing: a record counts only in the repository that it says it was written to, and only when it does
 * not come from the future. Who may push to one repository can then say nothing about another.
 */
export function judgeRecords(records: readonly StoredRecord[], at: RepositoryName, now: Date): JudgedRecords {
  const latest = now.getTime() + CLOCK_SKEW_MS;
  const future = records.filter((record) => !isDated(record, latest));
  const dated = records.filter((record) => isDated(record, latest));
  const own = dated.filter((record) => isWrittenTo(record, at));
  const foreign = dated.filter((record) => !isWrittenTo(record, at));
  const where = `${at.host}/${at.name}`;
  return {
    own,
    foreign,
    ignored: [
      ...future.map(
        ({ manifest, time, scannedAt }) =>
          `Ignored the promotion record ${shortDigest(manifest)} in ${where}: it is dated ${scannedAt ?? time}, in the future.`,
      ),
      ...(foreign.length === 0
        ? []
        : [
            `Ignored ${foreign.length === 1 ? 'a promotion record' : `${foreign.length} promotion records`} in ${where}, written to another repository: ${foreign
              .slice(0, MAX_NAMED)
              .map((record) => `${shortDigest(record.manifest)} says ${quoted(writtenTo(record))}`)
              .join(', ')}${foreign.length > MAX_NAMED ? ', …' : ''}.`,
          ]),
    ],
  };
}

function isDated({ time, scannedAt = time }: PromotionRecord, latest: number): boolean {
  return Date.parse(time) <= latest && Date.parse(scannedAt) <= latest;
}

/** Whether all that a record says it has written is in a repository. */
export function isWrittenTo(record: PromotionRecord, { host, name }: RepositoryName): boolean {
  const names = namesIn(record);
  return (
    names.length > 0 &&
    names.every((each) => {
      const image = parseImageName(each);
      return image.ok && bareHost(image.value.host) === bareHost(host) && image.value.repository === name;
    })
  );
}

function bareHost(host: string): string {
  return host.replace(/:443$/, '');
}

function writtenTo(record: PromotionRecord): string {
  return namesIn(record)[0] ?? 'no repository';
}

function namesIn({ repository, to }: PromotionRecord): readonly string[] {
  return [...(repository === undefined ? [] : [repository]), ...to.map((each) => each.replace(/:[^:/]*$/, ''))];
}
