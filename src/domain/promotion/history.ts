import { compareText } from '../compare-text.ts';
import { type Digest, shortDigest } from '../digest.ts';
import { isByHand } from '../event.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { linkRecords } from './chain.ts';
import { isSameEnvironment, type PromotionRecord, recordBytes, type StoredRecord } from './record.ts';

/** The history of one environment in one repository, from its promotion records. */
export interface History {
  readonly environment: string;
  /** Oldest first, without duplicates. */
  readonly chain: readonly StoredRecord[];
  /** The tag's image if known, otherwise that of the last record. */
  readonly now?: Digest;
  /** The newest record of `now`: the predecessor of the next record. */
  readonly head?: Digest;
  /** The rollback target: the previous image by an unbroken chain that is not on hold. */
  readonly before?: Digest;
  /** Rolled back from, and not promoted manually since. */
  readonly held: ReadonlySet<Digest>;
  /** All images in records of this repository, with or without gaps. */
  readonly deployed: ReadonlySet<Digest>;
  /** Inconsistent records: sentences for the summary. */
  readonly gaps: readonly string[];
  /** An image whose records were not read, although a record names a predecessor there. */
  readonly unread?: Digest;
}

interface Known {
  /** The tag's image: a digest, `null` when the tag does not exist, undefined when unknown. */
  readonly holds?: Digest | null | undefined;
  /** Records of other repositories: they may add a hold. */
  readonly foreign?: readonly StoredRecord[];
  /** Images whose records are complete; by default all. */
  readonly read?: ReadonlySet<Digest>;
}

/**
 * Orders the records of an environment by the predecessor digest in each. Accepts them in any order, repeated, and from
 * several images; ignores those of other environments. A rollback removes the image it left from the chain, so that the
 * next one goes further back.
 * @param records of the one repository this is about
 */
export function readHistory(environment: string, records: readonly StoredRecord[], known: Known = {}): History {
  const { holds, foreign = [], read } = known;
  const isOfEnvironment = (record: StoredRecord) =>
    isSameEnvironment(record.environment, environment) && record.kind !== 'publish';
  const { counted, copies } = withoutCopies(records.filter(isOfEnvironment));
  const { linked, loose, missing, gaps: breaks } = linkRecords(environment, counted, holds ?? undefined);
  const chain = merge(linked, loose);
  const last = linked.at(-1);
  const now = holds === undefined ? last?.digest : (holds ?? undefined);
  const isCurrent = last !== undefined && last.digest === now;
  const wasRead = missing !== undefined && (read === undefined || read.has(missing.image));
  const held = heldBy(merge(chain, foreign.filter(isOfEnvironment)), linked, new Set(foreign));
  const line = isCurrent ? lineOf(linked) : [];
  const before = line.findLast((digest) => digest !== now && !held.has(digest));
  const deployed = new Set(chain.flatMap(({ digest, previousDigest = digest }) => [previousDigest, digest]));
  if (now !== undefined) deployed.add(now);
  return {
    environment,
    chain,
    ...(now === undefined ? {} : { now }),
    ...(isCurrent ? { head: last.manifest } : {}),
    ...(before === undefined ? {} : { before }),
    held,
    deployed,
    gaps: [
      ...breaks,
      ...copies,
      ...(wasRead
        ? [
            `The promotion record ${shortDigest(missing.record)} is missing; the one after it names it as the one before.`,
          ]
        : []),
      ...(holds !== undefined && last !== undefined && !isCurrent
        ? [
            `${environment} points to ${now === undefined ? 'nothing' : shortDigest(now)} now, but its last promotion record names ${shortDigest(last.digest)}: something else moved it.`,
          ]
        : []),
    ],
    ...(missing === undefined || wasRead ? {} : { unread: missing.image }),
  };
}

/**
 * The holds after an operation, for its record. A rollback puts the replaced image on hold, until it is promoted by
 * name manually or rolled back to.
 */
export function heldAfter(
  held: Iterable<Digest>,
  done: Pick<PromotionRecord, 'kind' | 'digest' | 'previousDigest' | 'forced' | 'event'> & {
    readonly held?: readonly Digest[];
  },
): readonly Digest[] {
  const after = new Set([...held, ...addedHolds(done)]);
  if (lifts(done)) after.delete(done.digest);
  return [...after].toSorted();
}

/**
 * The target of a rollback: the previous image, or a named one. Only images that were in the environment before: others
 * have to be promoted, and meet the requirements.
 */
export function rollbackTarget(history: History, named?: Digest): Parsed<Digest> {
  const { environment, now, before, deployed, held, gaps } = history;
  if (now === undefined) return problems(`${environment} points to nothing, so there is nothing to roll back.`);
  if (named !== undefined) {
    return named === now || deployed.has(named) ? parsed(named) : problems(neverHeld(environment, named));
  }
  if (before !== undefined) return parsed(before);
  const only = held.size > 0 ? `, except what is on hold (${[...held].map(shortDigest).join(', ')})` : '';
  return problems(
    `The promotion records of this repository do not lead without a gap to what ${environment} pointed to before ${shortDigest(now)}${only}.`,
    ...gaps,
    'Name the digest to go back to with `from`, or promote it.',
  );
}

/** Why a rollback target is refused. */
export function neverHeld(environment: string, digest: Digest): string {
  return `No promotion record of this repository shows that ${environment} pointed to ${shortDigest(digest)}, and a rollback only goes to an earlier image. Promote it instead.`;
}

type Lifting = Pick<PromotionRecord, 'kind' | 'forced' | 'event'>;

/** Only a manual run lifts a hold. */
function lifts({ kind, forced, event }: Lifting): boolean {
  return (forced || kind === 'rollback') && isByHand({ name: event });
}

function addedHolds({
  kind,
  previousDigest,
  held = [],
}: Pick<PromotionRecord, 'kind' | 'previousDigest'> & { readonly held?: readonly Digest[] }): readonly Digest[] {
  return kind === 'rollback' && previousDigest !== undefined ? [...held, previousDigest] : held;
}

/**
 * Any record may add a hold; only one of this repository lifts it. A signed record also has to be in the chain to lift
 * one: a replayed `forced` is not. The first signed record of the chain lists all holds of its time, so older records
 * of this repository add nothing to it.
 */
function heldBy(
  records: readonly StoredRecord[],
  linked: readonly StoredRecord[],
  foreign: ReadonlySet<StoredRecord>,
): ReadonlySet<Digest> {
  const held = new Set<Digest>();
  const byOthers = new Set<Digest>();
  const inLine = new Set(linked);
  for (const record of records) {
    if (foreign.has(record)) {
      for (const digest of addedHolds(record)) byOthers.add(digest);
      continue;
    }
    const isSigned = record.signature !== undefined;
    if (isSigned && record === linked[0]) held.clear();
    for (const digest of addedHolds(record)) held.add(digest);
    if (!lifts(record) || (isSigned && !inLine.has(record))) continue;
    held.delete(record.digest);
    byOthers.delete(record.digest);
  }
  return new Set([...held, ...byOthers]);
}

/** Signed records without their copies: a signature can be attached again, and still is one record. */
function withoutCopies(records: readonly StoredRecord[]): {
  readonly counted: readonly StoredRecord[];
  readonly copies: readonly string[];
} {
  const named = new Set(records.map(({ previousRecord }) => previousRecord));
  const manifests = [...new Map(records.map((record) => [record.manifest, record])).values()];
  const groups = [
    ...Map.groupBy(manifests, (record) =>
      record.signature === undefined ? record.manifest : new TextDecoder().decode(recordBytes(record)),
    ).values(),
  ];
  const sorted = groups.map((group) =>
    group.toSorted(
      (a, b) => Number(named.has(b.manifest)) - Number(named.has(a.manifest)) || compareText(a.manifest, b.manifest),
    ),
  );
  return {
    counted: sorted.flatMap(([first]) => first ?? []),
    copies: sorted.flatMap(([first, ...others]) =>
      others.map(
        ({ manifest }) =>
          `The promotion record ${shortDigest(manifest)} is a copy of ${first === undefined ? 'another' : shortDigest(first.manifest)} and does not count again.`,
      ),
    ),
  };
}

/** Inserts the other records by time; linked ones keep their order. */
function merge(linked: readonly StoredRecord[], others: readonly StoredRecord[]): readonly StoredRecord[] {
  const left = others.toSorted(
    (a, b) => Date.parse(a.time) - Date.parse(b.time) || compareText(a.manifest, b.manifest),
  );
  const merged = linked.flatMap((record) => {
    const later = left.findIndex(({ time }) => Date.parse(time) > Date.parse(record.time));
    return [...left.splice(0, later < 0 ? left.length : later), record];
  });
  return [...merged, ...left];
}

/** The images of the environment in order, without those that were rolled back. */
function lineOf(linked: readonly StoredRecord[]): readonly Digest[] {
  let line: readonly Digest[] = [];
  for (const { kind, digest, previousDigest } of linked) {
    if (line.length === 0 && previousDigest !== undefined) line = [previousDigest];
    const at = line.lastIndexOf(digest);
    // A rollback to an image missing from these records says nothing about the images before it.
    if (kind === 'rollback') line = at < 0 ? [digest] : line.slice(0, at + 1);
    else line = [...line.filter((each) => each !== digest), digest];
  }
  return line;
}
