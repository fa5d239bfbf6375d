import type { Digest } from '../../domain/digest.ts';
import { type History, readHistory } from '../../domain/promotion/history.ts';
import type { PlannedTarget } from '../../domain/promotion/plan.ts';
import { isSameStage, type PromotionRecord } from '../../domain/promotion/record.ts';
import { parseImageName } from '../../domain/reference.ts';
import { type RecordsOfImage, readRecords } from '../../oci/promotion-records.ts';
import type { Repository } from '../../oci/repository.ts';
import type { Destination } from '../destinations.ts';

/** A repository that is promoted to, and the tags that are written in it. */
export interface Place extends Destination {
  readonly tags: readonly Pick<PlannedTarget, 'tag' | 'kind'>[];
}

/** A repository as it was found. */
export interface FoundPlace extends Place {
  readonly targets: readonly PlannedTarget[];
  /** What the stage holds here: the first moving tag that holds something says it. Null: nothing; undefined: no tag says it. */
  readonly now?: Digest | null;
}

/** Reads what the tags hold: one request for each. The first alone, because it also brings the token. */
export async function readPlace(place: Place): Promise<FoundPlace> {
  const { image, repository, tags } = place;
  const read = async ({ tag, kind }: Place['tags'][number]): Promise<PlannedTarget> => {
    const digest = (await repository.head(tag))?.digest;
    return { image, tag, kind, ...(digest === undefined ? {} : { holds: digest }) };
  };
  const [first, ...rest] = tags;
  const head = first === undefined ? [] : [await read(first)];
  const targets = [...head, ...(await Promise.all(rest.map(read)))];
  const moving = targets.filter(({ kind }) => kind === 'moving');
  // A tag that is new says nothing of a stage that has others.
  const stage = moving.find(({ holds }) => holds !== undefined) ?? moving[0];
  return { ...place, targets, ...(stage === undefined ? {} : { now: stage.holds ?? null }) };
}

export function isSamePlace({ repository: a }: Destination, { repository: b }: Destination): boolean {
  return a.host === b.host && a.name === b.name;
}

/** Records by image, each read once. */
export type ReadRecords = (repository: Repository, digest: Digest) => Promise<RecordsOfImage>;

export function createRecords(): ReadRecords {
  const read = new Map<string, Promise<RecordsOfImage>>();
  return (repository, digest) => {
    const key = `${repository.host}/${repository.name}@${digest}`;
    const begun = read.get(key) ?? readRecords(repository, digest);
    read.set(key, begun);
    return begun;
  };
}

/**
 * Whether a record tells of this repository: those of others travel along when an image is copied. Hosts may have two names, so
 * what is held back counts whatever the host.
 * @param exact for what a rollback may go to: a mirror of the same name has not held it
 */
export function isRecordOf({ host, name }: Repository, { to }: PromotionRecord, exact = false): boolean {
  return to.some((each) => {
    const image = parseImageName(each.replace(/:[^:/]*$/, ''));
    return image.ok && image.value.repository === name && (!exact || image.value.host === host);
  });
}

/** Records that are read back at most. */
const MOST = 100;

/**
 * The history of a stage in one repository, from the registry alone. The records of what the stage holds now tell what it held
 * before and what is held back; going further costs one request for each image. A stage that holds nothing is known by `also`.
 * @param until when to stop; by default after the first image
 * @param also records of the stage that are known besides
 * @param exact whether records of a repository of the same name at another host are left aside
 */
export async function readStage(
  { repository, now }: Pick<FoundPlace, 'repository' | 'now'>,
  stage: string,
  records: ReadRecords,
  {
    until = () => true,
    also = [],
    exact = false,
  }: {
    readonly until?: (history: History) => boolean;
    readonly also?: readonly PromotionRecord[];
    readonly exact?: boolean;
  } = {},
): Promise<History> {
  const isOwn = (each: PromotionRecord) => isRecordOf(repository, each, exact);
  const known = also.filter(isOwn);
  const seen = new Set<Digest>();
  const unread = () =>
    known
      .flatMap((each) => (isSameStage(each.stage, stage) ? [each.previousDigest, each.digest] : []))
      .find((digest) => digest !== undefined && !seen.has(digest));
  let next = now === null ? unread() : now;
  while (next !== undefined && seen.size < MOST) {
    seen.add(next);
    known.push(...(await records(repository, next)).records.filter(isOwn));
    next = unread();
    if (until(readHistory(stage, known, now))) break;
  }
  const history = readHistory(stage, known, now);
  // What was not read is not missing: then only the last record is held against the tag.
  return next === undefined ? history : { ...history, gaps: readHistory(stage, history.chain.slice(-1), now).gaps };
}
