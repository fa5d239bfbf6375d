import type { Digest } from '../../domain/digest.ts';
import { type History, readHistory } from '../../domain/promotion/history.ts';
import type { PlannedTarget } from '../../domain/promotion/plan.ts';
import { isSameStage, type StoredRecord } from '../../domain/promotion/record.ts';
import { type JudgedRecords, judgeRecords } from '../../domain/promotion/trust.ts';
import { type RecordsOfImage, readRecords } from '../../evidence/promotion-records.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { Destination } from '../../run/targets.ts';

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

/** The records of an image in one repository, and what they may decide there. */
export type KnownRecords = RecordsOfImage & JudgedRecords;

/** Records by image, each read once. */
export type ReadRecords = (repository: Repository, digest: Digest) => Promise<KnownRecords>;

/** @param now the time from which on a record is from the future */
export function createRecords(now: () => Date): ReadRecords {
  const read = new Map<string, Promise<KnownRecords>>();
  const others = new Set<Digest>();
  const judged = async (repository: Repository, digest: Digest): Promise<KnownRecords> => {
    const found = await readRecords(repository, digest, others);
    return { ...found, ...judgeRecords(found.records, repository, now()) };
  };
  return (repository, digest) => {
    const key = `${repository.host}/${repository.name}@${digest}`;
    const begun = read.get(key) ?? judged(repository, digest);
    read.set(key, begun);
    return begun;
  };
}

/** Images whose records are read at most. */
const MAX_IMAGES = 100;

interface Reading {
  /** When to stop; by default after the first image. */
  readonly until?: (history: History) => boolean;
  /** Records of this very repository that are known besides. */
  readonly own?: readonly StoredRecord[];
  /** Records of other repositories that are known: they may add a hold. */
  readonly foreign?: readonly StoredRecord[];
}

/**
 * The history of an environment in one repository, from that repository alone. The records of what its tag points to tell what it
 * pointed to before and what is on hold; going further costs one request for each image. What has no tag is known by `own`.
 */
export async function readStage(
  { repository, now }: Pick<FoundPlace, 'repository' | 'now'>,
  stage: string,
  records: ReadRecords,
  { until = () => true, own = [], foreign = [] }: Reading = {},
): Promise<History> {
  const known = [...own];
  const others = [...foreign];
  const read = new Set<Digest>();
  const history = () => readHistory(stage, known, { holds: now, foreign: others, read });
  const next = () =>
    history().unread ??
    known
      .flatMap((record) => (isSameStage(record.stage, stage) ? [record.previousDigest, record.digest] : []))
      .find((digest) => digest !== undefined && !read.has(digest));
  let image = now ?? next();
  while (image !== undefined && read.size < MAX_IMAGES) {
    read.add(image);
    const found = await records(repository, image);
    known.push(...found.own);
    others.push(...found.foreign);
    image = next();
    if (until(history())) break;
  }
  return history();
}
