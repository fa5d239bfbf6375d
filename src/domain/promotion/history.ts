import { type Digest, shortDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { isSameStage, type PromotionRecord, recordBytes } from './record.ts';

/** What the records of one stage tell. */
export interface History {
  readonly stage: string;
  /** In the order of time, each record once. */
  readonly chain: readonly PromotionRecord[];
  /** What the stage holds now: what its tag holds when that is known, else what the last record says. */
  readonly now?: Digest;
  /** What a rollback goes back to: what was there before, and is not held back itself. */
  readonly before?: Digest;
  /** Rolled back from, and not promoted by a person since. */
  readonly held: ReadonlySet<Digest>;
  /** All that the stage is known to have held, each digest once. */
  readonly deployed: ReadonlySet<Digest>;
  /** Where the records do not fit together: sentences for the summary. */
  readonly gaps: readonly string[];
}

/**
 * Puts the records of a stage in order. They may come in any order, more than once, and from several digests; those of other
 * stages are left aside. A rollback takes what it left off the pile, so that the next one goes further back. The records of what
 * the stage holds now are enough for `before` and `held`; older ones may then be reported as gaps.
 * @param holds what the tag of the stage holds now: a digest, `null` when there is no such tag, undefined when not known
 */
export function readHistory(stage: string, records: readonly PromotionRecord[], holds?: Digest | null): History {
  const chain = inOrder(unique(records.filter((each) => isSameStage(each.stage, stage) && each.kind !== 'publish')));
  const gaps: string[] = [];
  const held = new Set<Digest>();
  const deployed = new Set<Digest>();
  /** What the stage has held, the last one last. */
  const pile: Digest[] = [];
  for (const record of chain) {
    const top = pile.at(-1);
    const { digest, previousDigest } = record;
    if (top !== previousDigest) {
      if (top !== undefined) gaps.push(gapBefore(record, top));
      if (previousDigest !== undefined) place(pile, previousDigest);
    }
    if (previousDigest !== undefined) deployed.add(previousDigest);
    deployed.add(digest);
    if (record.kind === 'rollback') goBack(pile, digest);
    else place(pile, digest);
    for (const each of heldAfter(held, record)) held.add(each);
    if (lifts(record)) held.delete(digest);
  }
  const last = pile.at(-1);
  const now = holds === undefined ? last : (holds ?? undefined);
  if (holds !== undefined && last !== undefined && now !== last) {
    gaps.push(
      `${stage} holds ${now === undefined ? 'nothing' : shortDigest(now)} now, and its last record says ${shortDigest(last)}: something else has moved it.`,
    );
  }
  if (now !== undefined) deployed.add(now);
  const before = pile.findLast((digest) => digest !== now && !held.has(digest));
  return {
    stage,
    chain,
    ...(now === undefined ? {} : { now }),
    ...(before === undefined ? {} : { before }),
    held,
    deployed,
    gaps,
  };
}

/**
 * What is held back after something was done to a stage, for its record. A rollback holds what it left, until a person
 * promotes that by name; a rollback to a digest that is held is a person's word too, see planPromotion.
 */
export function heldAfter(
  held: Iterable<Digest>,
  done: Pick<PromotionRecord, 'kind' | 'digest' | 'previousDigest' | 'forced'> & { readonly held?: readonly Digest[] },
): readonly Digest[] {
  const after = new Set([...held, ...(done.held ?? [])]);
  if (done.kind === 'rollback' && done.previousDigest !== undefined) after.add(done.previousDigest);
  if (lifts(done)) after.delete(done.digest);
  return [...after].toSorted();
}

/**
 * The digest that a rollback goes to: the one before, or one that is named. Only what the stage has held already: anything else
 * is a promotion, which has to meet the requirements.
 */
export function rollbackTarget(history: History, named?: Digest): Parsed<Digest> {
  const { stage, now, before, deployed, held } = history;
  if (now === undefined) return problems(`${stage} holds nothing, so there is nothing to roll back.`);
  if (named !== undefined) {
    if (named === now) return parsed(named);
    return deployed.has(named) ? parsed(named) : problems(neverHeld(stage, named));
  }
  if (before !== undefined) return parsed(before);
  const only = held.size > 0 ? `, except what was rolled back already (${[...held].map(shortDigest).join(', ')})` : '';
  return problems(
    `No record tells what ${stage} held before ${shortDigest(now)}${only}. Name the digest to go back to, or promote it.`,
  );
}

/** Why a rollback does not go somewhere. */
export function neverHeld(stage: string, digest: Digest): string {
  return `${stage} has no record of ${shortDigest(digest)}, and a rollback only goes to what was there before. Promote it instead.`;
}

function lifts({ kind, forced }: Pick<PromotionRecord, 'kind' | 'forced'>): boolean {
  return forced || kind === 'rollback';
}

/** One run may be read at several digests or registries. */
function unique(records: readonly PromotionRecord[]): readonly PromotionRecord[] {
  const seen = new Map(records.map((record) => [new TextDecoder().decode(recordBytes(record)), record]));
  return [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

/** By time; of several in the same instant, the one that begins where the one before it ended comes first. */
function inOrder(records: readonly PromotionRecord[]): readonly PromotionRecord[] {
  const left = records.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const chain: PromotionRecord[] = [];
  while (left[0] !== undefined) {
    const time = Date.parse(left[0].time);
    const tied = left.filter((each) => Date.parse(each.time) === time);
    const top = chain.at(-1)?.digest;
    const next =
      tied.find(({ previousDigest }) => previousDigest === top) ??
      tied.find(({ previousDigest }) => !tied.some(({ digest }) => digest === previousDigest)) ??
      left[0];
    chain.push(next);
    left.splice(left.indexOf(next), 1);
  }
  return chain;
}

/** Puts a digest on top of the pile, and takes it away from where it was in it. */
function place(pile: Digest[], digest: Digest): void {
  take(pile, digest);
  pile.push(digest);
}

function take(pile: Digest[], digest: Digest): void {
  const at = pile.indexOf(digest);
  if (at >= 0) pile.splice(at, 1);
}

/** Takes all off the pile that came after a digest: what was left by going back is not what was there before. */
function goBack(pile: Digest[], digest: Digest): void {
  const at = pile.lastIndexOf(digest);
  pile.splice(at < 0 ? -1 : at, pile.length, digest);
}

function gapBefore({ stage, time, previousDigest }: PromotionRecord, top: Digest): string {
  const found = previousDigest === undefined ? 'nothing' : shortDigest(previousDigest);
  return `Before ${time}, ${stage} held ${found}, and the record before it says ${shortDigest(top)}: a record is missing, or something else has moved it.`;
}
