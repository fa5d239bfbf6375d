import { shortDigest } from '../digest.ts';
import { isSameEnvironment, type StoredRecord } from '../promotion/record.ts';
import { UNSIGNED, type UncountedRecord } from '../promotion/uncounted.ts';
import type { RecordedPromotion } from './drift.ts';

/** Which records count: `auto` counts unsigned ones only where an environment has no signed one. */
export type CountedRecords = 'auto' | 'signed' | 'any';

/** Records of one repository, by what their signatures show. */
export interface CheckedRecords {
  readonly verified: readonly StoredRecord[];
  readonly uncounted: readonly UncountedRecord[];
}

/** Sentences about single records in one environment. */
const MAX_NAMED = 3;

/**
 * The last promotion of an environment, by its newest record that counts, and sentences about those that do not.
 * A record that only claims to be signed is enough for `auto` to count none but those that verify: an attacker gains
 * nothing by adding one.
 */
export function lastPromotion(
  environment: string,
  { verified, uncounted }: CheckedRecords,
  counted: CountedRecords,
): { readonly promoted?: RecordedPromotion; readonly uncounted: readonly string[] } {
  const isPromotion = ({ kind, environment: named }: StoredRecord) =>
    kind !== 'publish' && isSameEnvironment(named, environment);
  const signed = verified.filter(isPromotion);
  const others = uncounted.filter(({ record }) => isPromotion(record));
  const isStrict =
    counted === 'signed' ||
    (counted === 'auto' && (signed.length > 0 || others.some(({ reason }) => reason !== UNSIGNED)));
  const candidates = isStrict ? signed : [...signed, ...others.map(({ record }) => record)];
  const newest = candidates.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
  return {
    ...(newest === undefined ? {} : { promoted: promotionOf(newest) }),
    uncounted: isStrict ? uncountedTexts(environment, others) : [],
  };
}

function promotionOf({ digest, time, actor, run, signature }: StoredRecord): RecordedPromotion {
  return {
    ...{ digest, at: time, by: actor, run },
    isVerified: signature !== undefined,
    ...(signature === undefined ? {} : { signedBy: signature.identity }),
  };
}

function uncountedTexts(environment: string, uncounted: readonly UncountedRecord[]): readonly string[] {
  const unsigned = uncounted.filter(({ reason }) => reason === UNSIGNED).length;
  const others = uncounted.filter(({ reason }) => reason !== UNSIGNED);
  const more = others.length - MAX_NAMED;
  return [
    ...(unsigned === 0
      ? []
      : [
          unsigned === 1
            ? `A promotion record of ${environment} is unsigned and does not count.`
            : `${unsigned} promotion records of ${environment} are unsigned and do not count.`,
        ]),
    ...others
      .slice(0, MAX_NAMED)
      .map(
        ({ record, reason }) =>
          `The promotion record ${shortDigest(record.manifest)} of ${environment} does not count: ${reason}.`,
      ),
    ...(more > 0 ? [`${more} more promotion records of ${environment} do not count.`] : []),
  ];
}
