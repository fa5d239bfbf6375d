import { shortDigest } from '../digest.ts';
import type { StoredRecord } from './record.ts';

/** A record that does not count, and why, as the part of a sentence. */
export interface UncountedRecord {
  readonly record: StoredRecord;
  readonly reason: string;
}

export const UNSIGNED = 'it is unsigned';
/** Records named in a sentence. */
const MAX_NAMED = 3;

/** Sentences about records that do not count: unsigned ones together, others one by one. */
export function uncountedSentences(where: string, uncounted: readonly UncountedRecord[]): readonly string[] {
  const unsigned = uncounted.filter(({ reason }) => reason === UNSIGNED);
  const names = unsigned.slice(0, MAX_NAMED).map(({ record }) => shortDigest(record.manifest));
  const more = unsigned.length > MAX_NAMED ? ', …' : '';
  const holds = 'It can only add a hold.';
  return [
    ...(unsigned.length === 0
      ? []
      : [
          unsigned.length === 1
            ? `The promotion record ${names.join('')} in ${where} is unsigned and does not count. ${holds}`
            : `${unsigned.length} promotion records in ${where} are unsigned and do not count (${names.join(', ')}${more}). They can only add a hold.`,
        ]),
    ...uncounted
      .filter(({ reason }) => reason !== UNSIGNED)
      .map(
        ({ record, reason }) =>
          `The promotion record ${shortDigest(record.manifest)} in ${where} does not count: ${reason}. ${holds}`,
      ),
  ];
}
