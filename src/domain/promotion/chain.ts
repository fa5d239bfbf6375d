import { compareText } from '../compare-text.ts';
import { type Digest, shortDigest } from '../digest.ts';
import type { StoredRecord } from './record.ts';

/** The records of one environment in one repository, linked by the predecessor that each one names. */
export interface LinkedRecords {
  /** Oldest first, without gaps: each names its predecessor, and that one's image. */
  readonly linked: readonly StoredRecord[];
  /** The others: from before a gap, or from a fork. */
  readonly loose: readonly StoredRecord[];
  /** The missing predecessor of the oldest record in `linked`, and the image it must be attached to. */
  readonly missing?: { readonly record: Digest; readonly image: Digest };
  /** Sentences about gaps and forks. */
  readonly gaps: readonly string[];
}

/**
 * Follows the records back from the newest one of the environment's image.
 * @param holds the image that the environment points to; undefined when unknown or none
 */
export function linkRecords(
  environment: string,
  records: readonly StoredRecord[],
  holds: Digest | undefined,
): LinkedRecords {
  const known = new Map(records.map((record) => [record.manifest, record]));
  const all = [...known.values()];
  const head = newest(all, holds);
  if (head === undefined) return { linked: [], loose: [], gaps: [] };
  const linked = [head];
  const gaps = [...forks(environment, all)];
  let missing: LinkedRecords['missing'];
  for (let record = head; record.previousRecord !== undefined; ) {
    const before = known.get(record.previousRecord);
    if (before === undefined) {
      // Without a previous image, a missing record could only be attached to the same one.
      missing = { record: record.previousRecord, image: record.previousDigest ?? record.digest };
      break;
    }
    if (before.digest !== record.previousDigest) {
      gaps.push(movedBetween(environment, before, record));
      break;
    }
    linked.unshift(before);
    record = before;
  }
  const inLine = new Set(linked);
  const loose = all.filter((record) => !inLine.has(record));
  const [first = head] = linked;
  // Forks are reported above; a chain with another start was cut off here.
  const isCutOff = loose.some(({ previousRecord }) => previousRecord === undefined || !known.has(previousRecord));
  if (isCutOff && first.previousRecord === undefined) {
    gaps.push(
      `The promotion record ${shortDigest(first.manifest)} of ${first.time} does not name a previous record, although ${environment} has others in this repository: a record was lost, or the tag was moved by something else.`,
    );
  }
  return { linked, loose, ...(missing === undefined ? {} : { missing }), gaps };
}

/** The last record of the tag's image: preferably one without a successor. */
function newest(records: readonly StoredRecord[], holds: Digest | undefined): StoredRecord | undefined {
  const named = new Set(records.map(({ previousRecord }) => previousRecord));
  const ofTag = records.filter(({ digest }) => digest === holds);
  const from = ofTag.length > 0 ? ofTag : records;
  const last = from.filter(({ manifest }) => !named.has(manifest));
  return (last.length > 0 ? last : from).toSorted(
    (a, b) => Date.parse(b.time) - Date.parse(a.time) || compareText(a.manifest, b.manifest),
  )[0];
}

function forks(environment: string, records: readonly StoredRecord[]): readonly string[] {
  const after = Map.groupBy(records, ({ previousRecord }) => previousRecord);
  return [...after].flatMap(([before, those]) =>
    before === undefined || those.length < 2
      ? []
      : [
          `${those.length} promotion records of ${environment} name ${shortDigest(before)} as the one before (${those
            .map(({ manifest }) => shortDigest(manifest))
            .toSorted()
            .join(', ')}): two promotions ran at the same time.`,
        ],
  );
}

function movedBetween(environment: string, before: StoredRecord, { time, previousDigest }: StoredRecord): string {
  const found = previousDigest === undefined ? 'nothing' : shortDigest(previousDigest);
  return `Before ${time}, ${environment} pointed to ${found}, but the record before names ${shortDigest(before.digest)}: something else moved it.`;
}
