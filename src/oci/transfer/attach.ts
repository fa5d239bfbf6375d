import type { Digest } from '../../domain/digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Log } from '../../runtime/runtime.ts';
import { fallbackTag } from '../client/referrers.ts';
import type { Repository } from '../client/repository.ts';
import { digestOf } from '../image/digest-of.ts';
import type { ImageGraph } from './graph.ts';

/**
 * Makes found what was copied and hangs on other manifests: one fallback index for each subject where the registry has no
 * API, merged with what is there and read back, and cosign's tags. A tag of cosign that holds other signatures stays.
 * @param confirmed manifests that the registry has listed as referrers by its own word
 * @returns manifests written
 * @throws ActionError DIGEST_MISMATCH when an attachment cannot be seen afterwards, TAG_IMMUTABLE
 */
export async function attach(
  to: Repository,
  graph: ImageGraph,
  confirmed: ReadonlySet<Digest>,
  log: Pick<Log, 'warning'>,
): Promise<number> {
  let written = 0;
  const manifests = new Map(graph.manifests.map(({ manifest }) => [manifest.descriptor.digest, manifest]));
  const bySubject = new Map<Digest, Descriptor[]>();
  for (const { referrer, ofRoot } of graph.manifests) {
    // BuildKit's attestations are found through the index; what refers to another image has come by a tag of cosign.
    if (referrer === undefined || ofRoot || !manifests.has(referrer.subject)) continue;
    bySubject.set(referrer.subject, [...(bySubject.get(referrer.subject) ?? []), referrer.descriptor]);
  }
  for (const [subject, ours] of bySubject) {
    written += await listAsReferrers(
      to,
      subject,
      ours,
      ours.every(({ digest }) => confirmed.has(digest)),
    );
  }
  for (const { tag, digest } of graph.tags) {
    const manifest = manifests.get(digest);
    const held = await to.head(tag);
    if (manifest === undefined || held?.digest === digest) continue;
    if (held !== undefined) {
      log.warning(`${to.host}/${to.name}:${tag} holds ${held.digest} and not ${digest}; it was left as it is.`);
      continue;
    }
    await to.put(tag, manifest);
    written++;
  }
  return written;
}

/** Looks at a list until all is in it. */
const MAX_LOOKS = 6;
/** Looks after which a list that the registry keeps itself, and has confirmed to add to, is believed to be broken. */
const TRUSTED_LOOKS = 3;
const MAX_WAIT_MS = 3000;

/**
 * Makes manifests that are there already found as referrers of their subject. Where the registry has no API, or has not
 * confirmed that it knows the subject, that takes an index under the fallback tag: one for all of them, merged with what is
 * there, and read back. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject
 * Two jobs that write such an index at the same time do not see each other, and the later one takes away what the earlier one
 * added; registries know no write that would prevent it. So the index is read back only when whoever had read it before this
 * write must have written too, and merged again where it lacks something: how long that takes at this registry, the own write
 * has shown.
 * @param confirmed whether the registry has said that it lists them (`OCI-Subject`)
 * @returns manifests written
 * @throws ActionError DIGEST_MISMATCH when one cannot be seen afterwards, TAG_IMMUTABLE
 */
export async function listAsReferrers(
  to: Repository,
  subject: Digest,
  ours: readonly Descriptor[],
  confirmed = false,
): Promise<number> {
  const facts = { registry: to.host, repository: to.name, reference: subject };
  const wanted = ours.map(({ digest }) => digest);
  let written = 0;
  let lacking: readonly Descriptor[] = [];
  for (let look = 1; look <= MAX_LOOKS; look++) {
    const start = performance.now();
    const { support, manifests: there, fallback, occupied } = await to.referrers(subject, { wanted });
    lacking = lackingIn(there, ours);
    if (lacking.length === 0) return written;
    if (look === MAX_LOOKS) break;
    if (support === 'fallback' || !confirmed || look > TRUSTED_LOOKS) {
      if (occupied !== undefined) throw occupiedBy(to, subject, occupied);
      await to.put(fallbackTag(subject), indexOf([...fallback, ...lacking]));
      written++;
    }
    const took = performance.now() - start;
    // At random, so that those who lost do not lose to each other again.
    await to.pause(Math.min(50 + took * (2 + 2 * Math.random()), MAX_WAIT_MS));
  }
  throw new ActionError(
    'DIGEST_MISMATCH',
    `${to.host}/${to.name} took ${lacking.length} manifests that refer to ${subject}, and does not list them.`,
    { facts },
  );
}

/**
 * Makes sure that the list under the fallback tag can be added to, before anything depends on that: registries with immutable
 * tags do not let it change. The same entries are written in other bytes, since the same digest is accepted by most of them.
 * Where there is a list, one request to read it and one to write it.
 * @throws ActionError with the code of the refusal, or TAG_IMMUTABLE when the tag is an image
 */
export async function checkListWritable(to: Repository, subject: Digest): Promise<void> {
  const { support, fallback, fallbackDigest, occupied } = await to.referrers(subject);
  if (support === 'api') return;
  if (occupied !== undefined) throw occupiedBy(to, subject, occupied);
  if (fallbackDigest === undefined) return;
  const tag = fallbackTag(subject);
  const compact = indexOf(fallback);
  try {
    await to.put(tag, compact.descriptor.digest === fallbackDigest ? indexOf(fallback, 1) : compact);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    const what = `${to.host}/${to.name} has no referrers API, and does not let its tag ${tag} change, which lists what refers to ${subject}: no promotion record can be added. ${error.message}`;
    throw new ActionError(error.code, what, { cause: error, facts: error.facts, remedy: LIST_REMEDY });
  }
}

const LIST_REMEDY = [
  'Exclude tags that begin with `sha256-` from the immutability rule: registries without the referrers API keep signatures, SBOMs and records under them.',
  'Or set `record: false`: then the environment has no history, no rollback and no holds.',
];

/** A registry without the API keeps the list under a tag, and that tag is an image: nothing can be attached there. */
export function occupiedBy({ host, name }: Repository, subject: Digest, image: Digest): ActionError {
  return new ActionError(
    'TAG_IMMUTABLE',
    `${host}/${name} has no referrers API, and its tag ${fallbackTag(subject)}, which would list what refers to ${subject}, points to the image ${image}. Delete or rename that tag.`,
    { facts: { registry: host, repository: name, reference: fallbackTag(subject) } },
  );
}

function lackingIn(there: readonly Descriptor[], ours: readonly Descriptor[]): readonly Descriptor[] {
  const digests = new Set(there.map((each) => each.digest));
  return ours.filter((each) => !digests.has(each.digest));
}

function indexOf(manifests: readonly Descriptor[], indent?: number): ManifestBytes {
  const mediaType = MEDIA_TYPES.ociIndex;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, indent));
  return {
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    bytes,
  };
}
