import type { Digest } from '../../domain/digest.ts';
import { type History, readHistory } from '../../domain/promotion/history.ts';
import { isSameEnvironment, type StoredRecord } from '../../domain/promotion/record.ts';
import { environmentTag } from '../../domain/promotion/templates.ts';
import type { InUse, InUseImage } from '../../domain/retention/in-use.ts';
import type { InventoryTag } from '../../domain/retention/inventory.ts';
import type { InUseRequest } from '../../domain/retention/policy.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { createRecords } from '../../evidence/environment-history.ts';
import type { RecordVerifier } from '../../evidence/signed-records.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import type { InventoryReading } from '../inventory/read-inventory.ts';

/** Images whose records are read concurrently. */
const CONCURRENCY = 8;

/**
 * The images that environments in one repository point to, and those they could be rolled back to: from their tags and
 * promotion records. Without names, all environments in the records. Unsigned records protect, too, but never instead of
 * signed ones: what the signed records alone show is added to what all of them show.
 * @param now records with a later time are from the future
 * @param verify separates the signed records from the others; where it fails, nothing is known
 * @throws ActionError CANCELLED
 */
export async function readPromotions(
  { repository, image }: CleanupTarget,
  { inventory, promoted }: Pick<InventoryReading, 'inventory' | 'promoted'>,
  { environments, history: depth }: Extract<InUseRequest, { readonly kind: 'promotions' }>,
  now: Date,
  verify?: RecordVerifier,
): Promise<InUse> {
  const read = createRecords(() => now);
  const source = { kind: 'promotions', where: `promotion records of ${image.name}` } as const;
  const unreadable = (reason: string): InUse => ({ images: [], unreadable: [{ source, reason }] });
  const own: StoredRecord[] = [];
  const foreign: StoredRecord[] = [];
  const problems: string[] = [];
  let signed: readonly StoredRecord[] = [];
  try {
    await eachBounded(promoted, CONCURRENCY, async (digest) => {
      const records = await read(repository, digest);
      problems.push(...records.problems);
      own.push(...records.own);
      foreign.push(...records.foreign);
    });
    const claimed = own.filter(({ bundle }) => bundle !== undefined);
    if (verify !== undefined && claimed.length > 0) signed = (await verify(repository, claimed)).verified;
  } catch (error) {
    const found = toActionError(error);
    if (found instanceof ActionError && found.code === 'CANCELLED') throw found;
    return unreadable(found.message);
  }
  // A record that cannot be read may name what an environment could be rolled back to.
  if (problems[0] !== undefined) return unreadable(problems[0]);
  const named = environments.length > 0 ? environments : environmentsIn(own);
  const images = named.flatMap((environment): readonly InUseImage[] => {
    const source = { kind: 'promotions', where: `environment ${environment}` } as const;
    const used = [
      usedBy(environment, { own, foreign }, image.name, inventory.tags, depth),
      // A hold by an unsigned record would take protection away.
      ...(signed.length === 0
        ? []
        : [usedBy(environment, { own: signed, foreign: [] }, image.name, inventory.tags, depth)]),
    ];
    const tags = new Set(used.flatMap((each) => each.tags));
    const digests = new Set(used.flatMap((each) => each.digests));
    return [
      ...[...tags].map((tag) => ({ repository: image.name, tag, source })),
      ...[...digests].map((digest) => ({ repository: image.name, digest, source })),
    ];
  });
  return { images, unreadable: [] };
}

/** What one set of records shows to be in use by an environment: its tags, and its newest images. */
function usedBy(
  environment: string,
  { own, foreign }: { readonly own: readonly StoredRecord[]; readonly foreign: readonly StoredRecord[] },
  image: string,
  inventoryTags: readonly InventoryTag[],
  depth: number,
): { readonly tags: readonly string[]; readonly digests: readonly Digest[] } {
  const tags = tagsOf(environment, own, image, inventoryTags);
  const holds = tags[0]?.digest;
  const history = readHistory(environment, own, { foreign, ...(holds === undefined ? {} : { holds }) });
  const count = Math.max(depth, new Set(tags.map(({ digest }) => digest)).size);
  return { tags: tags.map(({ name }) => name), digests: heldInTurn(history, tags).slice(0, count) };
}

function environmentsIn(records: readonly StoredRecord[]): readonly string[] {
  const found: string[] = [];
  for (const { kind, environment } of records) {
    if (kind !== 'publish' && !found.some((each) => isSameEnvironment(each, environment))) found.push(environment);
  }
  return found.toSorted();
}

/** The tags of an environment: its own, and those that its newest record wrote here. */
function tagsOf(
  environment: string,
  records: readonly StoredRecord[],
  image: string,
  tags: readonly InventoryTag[],
): readonly InventoryTag[] {
  const newest = records
    .filter((record) => record.kind !== 'publish' && isSameEnvironment(record.environment, environment))
    .toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
  const written = (newest?.to ?? [])
    .filter((name) => name.startsWith(`${image}:`))
    .map((name) => name.slice(image.length + 1));
  const names = [environmentTag(environment), ...written];
  return names.flatMap((name, at) => (names.indexOf(name) === at ? tags.filter((tag) => tag.name === name) : []));
}

/** The images of an environment, newest first: the current ones, the rollback target, and the rest of its records. */
function heldInTurn({ now, before, chain, held }: History, tags: readonly InventoryTag[]): readonly Digest[] {
  const past = chain
    .toReversed()
    .flatMap(({ digest, previousDigest }) => [digest, ...(previousDigest === undefined ? [] : [previousDigest])]);
  const all = [now, ...tags.map(({ digest }) => digest), before, ...past.filter((digest) => !held.has(digest))];
  return [...new Set(all.filter((digest) => digest !== undefined))];
}
