import pLimit from 'p-limit';
import type { Digest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import { EMPTY } from '../domain/promotion/record-manifest.ts';
import { bundleArtifact } from '../domain/trust/bundle-manifest.ts';
import { ActionError } from '../errors/action-error.ts';
import { fallbackTag } from '../oci/client/referrers.ts';
import type { Repository } from '../oci/client/repository.ts';
import { digestOf } from '../oci/image/digest-of.ts';
import { checkListWritable, listAsReferrers } from '../oci/transfer/attach.ts';

/** A signed statement about one manifest, to be attached in every repository that has it. */
export interface SignedBundle {
  readonly bytes: Uint8Array;
  readonly predicateType: string;
  /** The index or manifest that the statement is about. */
  readonly subject: Descriptor;
  readonly created: Date;
}

/**
 * Checks before signing that a signature can be attached: the manifest exists, and without a referrers API the fallback
 * tag is usable. A signature in a public log cannot be revoked.
 * @param isRead the manifest was read back in this run, after it was written
 * @throws ActionError MANIFEST_UNKNOWN, TAG_IMMUTABLE
 */
export async function checkAttachable(repository: Repository, subject: Digest, isRead = false): Promise<void> {
  const [there, list] = await Promise.all([
    isRead ? true : repository.head(subject),
    repository.head(fallbackTag(subject)),
  ]);
  if (there === undefined) {
    throw new ActionError(
      'MANIFEST_UNKNOWN',
      `${repository.host}/${repository.name}@${subject} does not exist, so there is nothing to sign. Nothing was signed.`,
      { facts: { registry: repository.host, repository: repository.name, reference: subject } },
    );
  }
  if (list === undefined) return;
  try {
    await checkListWritable(repository, subject);
  } catch (error) {
    if (!(error instanceof ActionError) || error.cause === undefined) throw error;
    const what = `${repository.host}/${repository.name} has no referrers API, and does not allow its tag ${fallbackTag(subject)} change, which lists what refers to ${subject}: no signature can be added. Nothing was signed.`;
    throw new ActionError(error.code, what, { cause: error, facts: error.facts, remedy: LIST_REMEDY });
  }
}

const LIST_REMEDY = [
  'Exclude tags that begin with `sha256-` from the immutability rule: registries without the referrers API keep signatures and SBOMs under them.',
];

const MAX_CONCURRENT_WRITES = 4;

/**
 * Attaches bundles to their subjects, and verifies that each can be found, through the referrers API or the fallback
 * index.
 * @returns the digests of the bundle manifests, in the order of the bundles
 * @throws ActionError DIGEST_MISMATCH when one cannot be found afterwards, TAG_IMMUTABLE, and all write errors
 */
export async function attachBundles(
  repository: Repository,
  bundles: readonly SignedBundle[],
): Promise<readonly Digest[]> {
  const artifacts = bundles.map(({ bytes, predicateType, subject, created }) => ({
    bytes,
    subject: subject.digest,
    ...bundleArtifact(bytes, predicateType, subject, created, digestOf),
  }));
  if (artifacts.length === 0) return [];
  // Content before the manifests that name it, and these before the lists; within each, nothing waits for anything else.
  const limit = pLimit(MAX_CONCURRENT_WRITES);
  await Promise.all([
    limit(() => repository.putBlob(EMPTY.descriptor, () => EMPTY.bytes)),
    ...artifacts.map(({ bytes, blob }) => limit(() => repository.putBlob(blob, () => bytes))),
  ]);
  const written = await limit.map(artifacts, async ({ manifest, subject }) => {
    const { subject: confirmed } = await repository.put(manifest.descriptor.digest, manifest);
    return { subject, descriptor: manifest.descriptor, isConfirmed: confirmed === subject };
  });
  const subjects = [...new Set(artifacts.map(({ subject }) => subject))];
  await limit.map(subjects, async (subject) => {
    const own = written.filter((each) => each.subject === subject);
    const descriptors = own.map(({ descriptor }) => descriptor);
    await listAsReferrers(
      repository,
      subject,
      descriptors,
      own.every(({ isConfirmed }) => isConfirmed),
    );
  });
  return artifacts.map(({ manifest }) => manifest.descriptor.digest);
}
