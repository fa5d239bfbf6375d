import { shortDigest } from '../digest.ts';
import { parseImageName } from '../reference.ts';
import { quoted } from '../suggestion.ts';
import type { PromotionRecord, StoredRecord } from './record.ts';

/** Allowed clock difference between two runners, in milliseconds: records from further in the future are ignored. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
/** Records named in a sentence. */
const MAX_NAMED = 3;

/** A repository as in its client: `ghcr.io` and `org/app`. */
interface RepositoryName {
  readonly host: string;
  readonly name: string;
}

/** The records found in one repository, by what they can affect. */
export interface JudgedRecords {
  /** Written to this repository: history, `deployed=`, rollback and holds. */
  readonly own: readonly StoredRecord[];
  /** Written to another repository: they can only add a hold, which makes a promotion stricter. */
  readonly foreign: readonly StoredRecord[];
  /** Warnings about ignored records. */
  readonly ignored: readonly string[];
}

/**
 * Presence in a registry proves nothing: a record only counts in the repository that it names, and if it is not from
 * the future. So push access to one repository does not affect another.
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
              .map((record) => `${shortDigest(record.manifest)} names ${quoted(writtenTo(record))}`)
              .join(', ')}${foreign.length > MAX_NAMED ? ', …' : ''}.`,
          ]),
    ],
  };
}

function isDated({ time, scannedAt = time }: PromotionRecord, latest: number): boolean {
  return Date.parse(time) <= latest && Date.parse(scannedAt) <= latest;
}

/** Whether a repository contains everything that a record claims to have written there. */
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
