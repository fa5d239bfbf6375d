import type { Digest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import type { PromotionRecord, StoredRecord } from '../domain/promotion/record.ts';
import { EMPTY, listedRecords, recordArtifact, recordOf } from '../domain/promotion/record-manifest.ts';
import { BUNDLE_MEDIA_TYPE } from '../domain/trust/predicates.ts';
import { ActionError } from '../errors/action-error.ts';
import type { ReferrersSupport } from '../oci/client/context.ts';
import { fallbackTag } from '../oci/client/referrers.ts';
import type { Repository } from '../oci/client/repository.ts';
import { digestOf } from '../oci/image/digest-of.ts';
import { checkListWritable, listAsReferrers } from '../oci/transfer/attach.ts';

/** The promotion records of an image, unordered. */
export interface RecordsOfImage {
  readonly records: readonly StoredRecord[];
  /** Other referrers of the image: signatures, SBOMs. Each repository has its own records. */
  readonly referrers: readonly Descriptor[];
  /** How the repository lists them. */
  readonly support: ReferrersSupport;
  /** Whether the fallback index has entries, so that a record would have to change it. */
  readonly hasList: boolean;
  /** Digest under the fallback tag, if that is an image instead of an index. */
  readonly occupied?: Digest;
  /** Sentences about invalid records. */
  readonly problems: readonly string[];
}

/** Maximum number of manifests to open because the list does not show their type. */
const MAX_OPENED = 50;

/**
 * Reads the promotion records of an existing image: one request if the referrers list includes annotations.
 * @param others manifests known not to be records, from another repository with the same image: they are skipped, and
 * newly found ones are added
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
 * Checks in advance that a record of an existing image can be listed: a tag that moved without a record could not be
 * rolled back. One request, unless the fallback tag exists.
 * @throws ActionError TAG_IMMUTABLE without a referrers API, when the fallback tag is an image or immutable
 */
export async function checkRecordable(repository: Repository, digest: Digest): Promise<void> {
  if ((await repository.head(fallbackTag(digest))) !== undefined) await checkListWritable(repository, digest);
}

/**
 * Attaches a record to an existing image, and verifies that it is listed.
 * @param known how the repository lists the referrers of this image, which saves a check afterwards
 * @param bundle the Sigstore bundle that signs it; undefined for an unsigned record
 * @returns the digest of the record's manifest
 * @throws ActionError INTERNAL when the record could not be read back, and all write errors
 */
export async function writeRecord(
  repository: Repository,
  record: PromotionRecord,
  subject: Descriptor,
  known?: ReferrersSupport,
  bundle?: Uint8Array,
): Promise<Digest> {
  const blob: Descriptor | undefined =
    bundle === undefined ? undefined : { mediaType: BUNDLE_MEDIA_TYPE, digest: digestOf(bundle), size: bundle.length };
  const artifact = recordArtifact(record, subject, digestOf, blob);
  if (!artifact.ok)
    throw new ActionError('INTERNAL', `The promotion record is not valid: ${artifact.problems.join('; ')}.`);
  const { descriptor } = artifact.value;
  if (bundle !== undefined && blob !== undefined) await repository.putBlob(blob, () => Buffer.from(bundle));
  const put = () => repository.put(descriptor.digest, artifact.value);
  // Most repositories have the empty blob: it is only sent if it turns out to be missing.
  const { subject: confirmed } = await put().catch(async (error: unknown) => {
    if (!(error instanceof ActionError) || (error.facts.status !== 400 && error.facts.status !== 404)) throw error;
    await repository.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
    return put();
  });
  // Neither the header (sigstore-js#1183) nor the API alone proves it; both together do.
  if (confirmed !== subject.digest || known !== 'api') {
    await listAsReferrers(repository, subject.digest, [descriptor], confirmed === subject.digest);
  }
  return descriptor.digest;
}
