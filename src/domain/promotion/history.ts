import { type Digest, shortDigest } from '../digest.ts';
import { isByHand } from '../event.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { linkRecords } from './chain.ts';
import { isSameEnvironment, type PromotionRecord, type StoredRecord } from './record.ts';

/** What the promotion records of one environment in one repository tell. */
export interface History {
  readonly environment: string;
  /** Oldest first, each record once. */
  readonly chain: readonly StoredRecord[];
  /** What its tag points to when that is known, otherwise what the last record says. */
  readonly now?: Digest;
  /** The newest record of `now`: the one that the next record names as the one before it. */
  readonly head?: Digest;
  /** Where a rollback goes: what the records name without a gap, and is not on hold itself. */
  readonly before?: Digest;
  /** Rolled back from, and not promoted by a person since. */
  readonly held: ReadonlySet<Digest>;
  /** All that a record of this repository names, with and without gaps. */
  readonly deployed: ReadonlySet<Digest>;
  /** Where the records do not fit together: sentences for the summary. */
  readonly gaps: readonly string[];
  /** An image whose records were not read, though a record says that the one before it is there. */
  readonly unread?: Digest;
}

interface Known {
  /** What the tag points to: a digest, `null` when there is no such tag, undefined when not known. */
  readonly holds?: Digest | null | undefined;
  /** Records of other repositories: they may add a hold. */
  readonly foreign?: readonly StoredRecord[];
  /** Images whose records are all here; by default every one. */
  readonly read?: ReadonlySet<Digest>;
}

/**
 * Puts the records of an environment in order, by the digest of the record before that each one names. They may come in any order,
 * more than once, and from several images; those of other environments are left out. A rollback takes what it left out of the
 * line, so that the next one goes further back.
 * @param records of the one repository that this is about
 */
export function readHistory(environment: string, records: readonly StoredRecord[], known: Known = {}): History {
  const { holds, foreign = [], read } = known;
  const isOfEnvironment = (record: StoredRecord) =>
    isSameEnvironment(record.environment, environment) && record.kind !== 'publish';
  const {
    linked,
    loose,
    missing,
    gaps: breaks,
  } = linkRecords(environment, records.filter(isOfEnvironment), holds ?? undefined);
  const chain = merge(linked, loose);
  const last = linked.at(-1);
  const now = holds === undefined ? last?.digest : (holds ?? undefined);
  const isCurrent = last !== undefined && last.digest === now;
  const wasRead = missing !== undefined && (read === undefined || read.has(missing.image));
  const held = heldBy(merge(chain, foreign.filter(isOfEnvironment)), new Set(foreign));
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
      ...(wasRead
        ? [
            `The promotion record ${shortDigest(missing.record)} is missing; the one after it names it as the one before.`,
          ]
        : []),
      ...(holds !== undefined && last !== undefined && !isCurrent
        ? [
            `${environment} points to ${now === undefined ? 'nothing' : shortDigest(now)} now, and its last promotion record says ${shortDigest(last.digest)}: it was moved by something else.`,
          ]
        : []),
    ],
    ...(missing === undefined || wasRead ? {} : { unread: missing.image }),
  };
}

/**
 * What is on hold after something was done to an environment, for its record. A rollback puts what it left on hold, until a person
 * promotes that by name or rolls back to it.
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
 * The digest that a rollback goes to: the one before, or one that is named. Only what the environment had already: anything else is a
 * promotion, which has to meet the requirements.
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
    `No promotion record of this repository says, without a gap, what ${environment} pointed to before ${shortDigest(now)}${only}.`,
    ...gaps,
    'Name the digest to go back to with `from`, or promote it.',
  );
}

/** Why a rollback does not go somewhere. */
export function neverHeld(environment: string, digest: Digest): string {
  return `No promotion record of this repository says that ${environment} pointed to ${shortDigest(digest)}, and a rollback only goes to what was there before. Promote it instead.`;
}

type Lifting = Pick<PromotionRecord, 'kind' | 'forced' | 'event'>;

/** Only a person lifts a hold. */
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

/** Any record may add a hold; only one of this repository lifts it. */
function heldBy(records: readonly StoredRecord[], foreign: ReadonlySet<StoredRecord>): ReadonlySet<Digest> {
  const held = new Set<Digest>();
  for (const record of records) {
    for (const digest of addedHolds(record)) held.add(digest);
    if (lifts(record) && !foreign.has(record)) held.delete(record.digest);
  }
  return held;
}

/** Puts other records in between, by time; what is linked keeps its order. */
function merge(linked: readonly StoredRecord[], others: readonly StoredRecord[]): readonly StoredRecord[] {
  const left = others.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.manifest < b.manifest ? -1 : 1));
  const merged = linked.flatMap((record) => {
    const later = left.findIndex(({ time }) => Date.parse(time) > Date.parse(record.time));
    return [...left.splice(0, later < 0 ? left.length : later), record];
  });
  return [...merged, ...left];
}

/** What the environment pointed to one after the other, without what was rolled back from. */
function lineOf(linked: readonly StoredRecord[]): readonly Digest[] {
  let line: readonly Digest[] = [];
  for (const { kind, digest, previousDigest } of linked) {
    if (line.length === 0 && previousDigest !== undefined) line = [previousDigest];
    const at = line.lastIndexOf(digest);
    // A rollback to what these records do not name says nothing of what was there before that.
    if (kind === 'rollback') line = at < 0 ? [digest] : line.slice(0, at + 1);
    else line = [...line.filter((each) => each !== digest), digest];
  }
  return line;
}
