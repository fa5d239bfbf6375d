import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Log } from '../../runtime/runtime.ts';
import { fallbackTag } from '../client/referrers.ts';
import type { Repository } from '../client/repository.ts';
import { digestOf } from '../image/digest-of.ts';
import type { ImageGraph } from './graph.ts';

/**
 * Makes the copied referrers discoverable: one fallback index per subject where the registry has no API, merged with
 * the existing entries and read back, and cosign's tags. An existing cosign tag with other signatures is kept.
 * @param extend also moves a cosign tag to a manifest that has all signatures of the existing one, and more
 * @param confirmed manifests that the registry confirmed to list as referrers
 * @returns manifests written
 * @throws ActionError DIGEST_MISMATCH when an attachment is not visible afterwards, TAG_IMMUTABLE
 */
export async function attach(
  to: Repository,
  graph: ImageGraph,
  confirmed: ReadonlySet<Digest>,
  log: Pick<Log, 'warning'>,
  { extend = false }: { readonly extend?: boolean } = {},
): Promise<number> {
  let written = 0;
  const manifests = new Map(graph.manifests.map(({ manifest }) => [manifest.descriptor.digest, manifest]));
  const bySubject = new Map<Digest, Descriptor[]>();
  for (const { referrer, ofRoot } of graph.manifests) {
    // BuildKit attestations are found through the index; a referrer of another image came along with a cosign tag.
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
    if (held !== undefined && !(extend && (await extendsTag(to, tag, manifest)))) {
      log.warning(`${to.host}/${to.name}:${tag} points to ${held.digest} instead of ${digest}; it was left unchanged.`);
      continue;
    }
    await to.put(tag, manifest);
    written++;
  }
  return written;
}

/** Whether a manifest of cosign has every signature of the one under a tag: signing again adds one and moves the tag. */
async function extendsTag(to: Repository, tag: string, manifest: ManifestBytes): Promise<boolean> {
  const held = await to.get(tag);
  if (held === undefined) return true;
  const [before, after] = [held, manifest].map(({ bytes }) => layersOf(bytes));
  return before !== undefined && after !== undefined && before.every((layer) => after.includes(layer));
}

/** Digests of the layers, each with its annotations: those hold the signature. */
function layersOf(bytes: Uint8Array): readonly string[] | undefined {
  const { layers } = fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  if (!Array.isArray(layers)) return undefined;
  return layers.map((layer: unknown) => {
    const { digest, annotations } = fieldsOf(layer);
    return JSON.stringify([digest, annotations]);
  });
}

/** Polls a list until it contains everything. */
const MAX_LOOKS = 6;
/** How often to poll a list that the registry maintains, and confirmed to extend, before treating it as broken. */
const TRUSTED_LOOKS = 3;
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 3000;

/**
 * Makes existing manifests discoverable as referrers of their subject. If the registry has no API, or did not confirm
 * the subject, that takes one index under the fallback tag for all of them, merged with its existing entries and read
 * back. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject Two jobs
 * that write such an index concurrently do not see each other, and the later one drops the entries of the earlier;
 * registries offer no conditional write. So the index is read back only after any job that read it before this write
 * must have finished its own, and is merged again if entries are missing. The duration of our own write shows how long
 * that takes.
 * @param confirmed whether the registry confirmed the subject (`OCI-Subject`)
 * @returns manifests written
 * @throws ActionError DIGEST_MISMATCH when one is not visible afterwards, TAG_IMMUTABLE
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
    const { support, manifests: there, fallback, occupied } = await to.referrers(subject, { wanted });
    lacking = lackingIn(there, ours);
    if (lacking.length === 0) return written;
    if (look === MAX_LOOKS) break;
    const start = performance.now();
    if (support === 'fallback' || !confirmed || look > TRUSTED_LOOKS) {
      if (occupied !== undefined) throw occupiedBy(to, subject, occupied);
      await to.put(fallbackTag(subject), indexOf([...fallback, ...lacking]));
      written++;
    }
    // Another job reads the index once and writes it once, and a read takes no longer than a write.
    const window = 2 * (performance.now() - start);
    // Random, so that jobs that collided once do not collide again.
    await to.pause(Math.min(MIN_WAIT_MS + window * (2 + 2 * Math.random()), MAX_WAIT_MS));
  }
  throw new ActionError(
    'DIGEST_MISMATCH',
    `${to.host}/${to.name} took ${lacking.length} manifests that refer to ${subject}, and does not list them.`,
    { facts },
  );
}

/**
 * Checks in advance that the list under the fallback tag can change: registries with immutable tags do not allow it.
 * Writes the same entries in different bytes, because most of those registries accept the same digest again. If a list
 * exists, this takes one read and one write.
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
    const what = `${to.host}/${to.name} has no referrers API, and does not allow its tag ${tag} change, which lists what refers to ${subject}: no promotion record can be added. ${error.message}`;
    throw new ActionError(error.code, what, { cause: error, facts: error.facts, remedy: LIST_REMEDY });
  }
}

const LIST_REMEDY = [
  'Exclude tags that begin with `sha256-` from the immutability rule: registries without the referrers API keep signatures, SBOMs and records under them.',
  'Or set `record: false`: the environment then has no history, no rollback, and no image can be on hold.',
];

/** Without the API the list is kept under a tag. If that tag is an image, nothing can be attached. */
export function occupiedBy({ host, name }: Repository, subject: Digest, image: Digest): ActionError {
  return new ActionError(
    'TAG_IMMUTABLE',
    `${host}/${name} has no referrers API, and its tag ${fallbackTag(subject)}, which would list what refers to ${subject}, points to the image ${image}. Delete or rename that tag.`,
    { facts: { registry: host, repository: name, reference: fallbackTag(subject) } },
  );
}

function lackingIn(there: readonly Descriptor[], ours: readonly Descriptor[]): readonly Descriptor[] {
  const digests = new Set(there.map((descriptor) => descriptor.digest));
  return ours.filter((descriptor) => !digests.has(descriptor.digest));
}

function indexOf(manifests: readonly Descriptor[], indent?: number): ManifestBytes {
  const mediaType = MEDIA_TYPES.ociIndex;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, indent));
  return {
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    bytes,
  };
}
