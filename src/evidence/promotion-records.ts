import type { Digest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import type { PromotionRecord, StoredRecord } from '../domain/promotion/record.ts';
import { EMPTY, listedRecords, recordArtifact, recordOf } from '../domain/promotion/record-manifest.ts';
import { ActionError } from '../errors/action-error.ts';
import type { ReferrersSupport } from '../oci/client/context.ts';
import { fallbackTag } from '../oci/client/referrers.ts';
import type { Repository } from '../oci/client/repository.ts';
import { digestOf } from '../oci/image/digest-of.ts';
import { checkListWritable, listAsReferrers } from '../oci/transfer/attach.ts';

/** The promotion records of an image, in no order. */
export interface RecordsOfImage {
  readonly records: readonly StoredRecord[];
  /** What else refers to the image: signatures, SBOMs. Each repository has records of its own. */
  readonly referrers: readonly Descriptor[];
  /** How the repository lists them. */
  readonly support: ReferrersSupport;
  /** Whether something is listed under the fallback tag, which a record would have to change. */
  readonly hasList: boolean;
  /** What the fallback tag points to, where that is an image and no list. */
  readonly occupied?: Digest;
  /** Sentences about records that cannot be understood. */
  readonly problems: readonly string[];
}

/** Manifests that are opened because a list does not say what they are. */
const MAX_OPENED = 50;

/**
 * Reads the promotion records of an image that is there: one request, where the list of referrers keeps annotations.
 * @param others manifests that are known to be no records, from another repository with the same image: they are not opened, and
 * those that are found to be none are added
 */
export async function readRecords(
  repository: Repository,
  digest: Digest,
  others: Set<Digest> = new Set(),
): Promise<RecordsOfImage> {
  const { support, manifests, fallbackDigest, occupied, problems: unlisted } = await repository.referrers(digest);
  const listed = listedRecords(manifests, digest);
  const records = [...listed.records];
  const problems = [...unlisted, ...listed.problems];
  const referrers = [...listed.others];
  for (const each of listed.others) others.add(each.digest);
  const unread = listed.unread.filter((each) => !others.has(each.digest));
  referrers.push(...listed.unread.filter((each) => others.has(each.digest)));
  for (const each of unread.slice(0, MAX_OPENED)) {
    const manifest = await repository.get(each.digest);
    const read = manifest === undefined ? undefined : recordOf(manifest, digest);
    if (read === undefined) referrers.push(each);
    if (read === undefined && manifest !== undefined) others.add(each.digest);
    if (read?.ok === true) records.push(read.value);
    else if (read !== undefined) problems.push(...read.problems.map((problem) => `${each.digest}: ${problem}.`));
  }
  if (unread.length > MAX_OPENED) {
    problems.push(`${unread.length - MAX_OPENED} of what refers to ${digest} was not opened: there is too much of it.`);
  }
  const hasList = fallbackDigest !== undefined;
  return { support, referrers, records, problems, hasList, ...(occupied === undefined ? {} : { occupied }) };
}

/**
 * Makes sure that a record of an image that is there can be listed: a tag that has moved without its record has no way back.
 * One request, unless something has the fallback tag.
 * @throws ActionError TAG_IMMUTABLE when the registry has no referrers API, and the fallback tag is an image or must not change
 */
export async function checkRecordable(repository: Repository, digest: Digest): Promise<void> {
  if ((await repository.head(fallbackTag(digest))) !== undefined) await checkListWritable(repository, digest);
}

/**
 * Attaches a record to an image that is there, and makes sure that it is listed.
 * @param known how the repository is known to list what refers to this image, which saves the look afterwards
 * @returns the digest of the record's manifest
 * @throws ActionError INTERNAL when the record could not be read back, and all that writing raises
 */
export async function writeRecord(
  repository: Repository,
  record: PromotionRecord,
  subject: Descriptor,
  known?: ReferrersSupport,
): Promise<Digest> {
  const artifact = recordArtifact(record, subject, digestOf);
  if (!artifact.ok)
    throw new ActionError('INTERNAL', `The promotion record is not valid: ${artifact.problems.join('; ')}.`);
  const { descriptor } = artifact.value;
  const put = () => repository.put(descriptor.digest, artifact.value);
  // The empty blob is in most repositories already: it is sent when it turns out that it is not.
  const { subject: confirmed } = await put().catch(async (error: unknown) => {
    if (!(error instanceof ActionError) || (error.facts.status !== 400 && error.facts.status !== 404)) throw error;
    await repository.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
    return put();
  });
  // The header alone is no proof (sigstore-js#1183), nor is the API alone; both together are.
  if (confirmed !== subject.digest || known !== 'api') {
    await listAsReferrers(repository, subject.digest, [descriptor], confirmed === subject.digest);
  }
  return descriptor.digest;
}
