import type { Digest } from '../domain/digest.ts';
import { type History, readHistory } from '../domain/promotion/history.ts';
import { isSameEnvironment, type StoredRecord } from '../domain/promotion/record.ts';
import { type JudgedRecords, judgeRecords } from '../domain/promotion/trust.ts';
import { type UncountedRecord, uncountedSentences } from '../domain/promotion/uncounted.ts';
import type { Repository } from '../oci/client/repository.ts';
import { type RecordsOfImage, readRecords } from './promotion-records.ts';
import type { RememberReads } from './remembered-reads.ts';
import type { RecordVerifier } from './signed-records.ts';

/** The records of an image in one repository, and how far they count there. */
type KnownRecords = RecordsOfImage & JudgedRecords & { readonly uncounted: readonly UncountedRecord[] };

/** Records by image, each read once. */
export type ReadRecords = (repository: Repository, digest: Digest) => Promise<KnownRecords>;

/**
 * @param now records with a later time are from the future
 * @param verify with it, only records whose signatures prove them count; others can only add a hold, which makes a
 * promotion stricter. Without it, unsigned ones count.
 * @param remember for lists that others read as well
 */
export function createRecords(
  now: () => Date,
  verify?: RecordVerifier,
  remember: RememberReads = (repository) => repository,
): ReadRecords {
  const read = new Map<string, Promise<KnownRecords>>();
  const others = new Set<Digest>();
  const judged = async (repository: Repository, digest: Digest): Promise<KnownRecords> => {
    const found = await readRecords(remember(repository), digest, others);
    const { own, foreign, ignored } = judgeRecords(found.records, repository, now());
    if (verify === undefined) return { ...found, own, foreign, ignored, uncounted: [] };
    // A gate result of `publish` changes no history: where it is required, the requirement says whether it is signed.
    const promotions = own.filter(({ kind }) => kind !== 'publish');
    const { verified, uncounted } = await verify(repository, promotions);
    return {
      ...found,
      own: [...own.filter(({ kind }) => kind === 'publish'), ...verified],
      foreign: [...foreign, ...uncounted.map(({ record }) => record)],
      ignored: [...ignored, ...uncountedSentences(`${repository.host}/${repository.name}`, uncounted)],
      uncounted,
    };
  };
  return (repository, digest) => {
    const key = `${repository.host}/${repository.name}@${digest}`;
    const begun = read.get(key) ?? judged(repository, digest);
    read.set(key, begun);
    return begun;
  };
}

/** Maximum number of images whose records are read. */
const MAX_IMAGES = 100;

interface Reading {
  /** When to stop; by default after the first image. */
  readonly until?: (history: History) => boolean;
  /** Additional records of this repository. */
  readonly own?: readonly StoredRecord[];
  /** Records of other repositories: they may add a hold. */
  readonly foreign?: readonly StoredRecord[];
}

/**
 * The history of an environment in one repository, from that repository alone. The records of its current image contain
 * the previous image and the holds; going further back costs one request per image. `own` adds images without a tag.
 */
export async function readEnvironment(
  { repository, now }: { readonly repository: Repository; readonly now?: Digest | null },
  environment: string,
  records: ReadRecords,
  { until = () => true, own = [], foreign = [] }: Reading = {},
): Promise<History> {
  const known = [...own];
  const others = [...foreign];
  const read = new Set<Digest>();
  const history = () => readHistory(environment, known, { holds: now, foreign: others, read });
  const next = () =>
    history().unread ??
    known
      .flatMap((record) =>
        isSameEnvironment(record.environment, environment) ? [record.previousDigest, record.digest] : [],
      )
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
