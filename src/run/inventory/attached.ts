import { type Digest, isDigest } from '../../domain/digest.ts';
import { isIndexType } from '../../domain/manifest.ts';
import { attachedTag } from '../../domain/retention/attached-tags.ts';
import type { RegistryTraits } from '../../domain/retention/inventory.ts';
import { ActionError } from '../../errors/action-error.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget, Collected } from './collected.ts';
import { readNested } from './graph.ts';

/** Concurrent requests for referrer lists. */
const CONCURRENCY = 16;

/**
 * Finds referrers: by the tags `sha256-…` that clients write without a referrers API, and through the API where the
 * vendor's list only shows tagged manifests.
 */
export async function addReferrers(
  target: CleanupTarget,
  { listsUntagged }: RegistryTraits,
  collected: Collected,
): Promise<void> {
  const { tags, attached, reader } = collected;
  for (const [tag, { digest }] of tags) {
    const found = attachedTag(tag);
    const subject = found === undefined ? undefined : subjectOf(found.subject, collected);
    if (found === undefined || subject === undefined || isImage(found.kind, subject, digest, collected)) continue;
    attached.set(digest, subject);
  }
  // Anyone can write the index under such a tag: only the manifest's own subject counts.
  if (target.vendor.reading?.manifests !== 'avoided') {
    const listed = [...attached.keys()].flatMap((digest) => reader.facts.get(digest)?.children ?? []);
    await reader.read(listed.map(({ digest }) => digest));
    await readNested(collected);
  }
  if (!listsUntagged && target.vendor.id === 'distribution') await askForReferrers(target, collected);
}

/** A tag cannot contain a whole sha512 digest: it matches the digest with this prefix. */
function subjectOf(text: string, { listed, reader }: Collected): Digest | undefined {
  if (isDigest(text)) return text;
  return [...listed.keys(), ...reader.facts.keys()].find((digest) => digest.startsWith(text));
}

/** `cosign copy` gives the fallback tag to the image itself, and a user's tag may look like one. */
function isImage(kind: 'fallback' | 'suffix', subject: Digest, digest: Digest, { reader }: Collected): boolean {
  if (digest === subject) return true;
  const facts = reader.facts.get(digest);
  return kind === 'fallback' && facts !== undefined && facts.children.some(({ platform }) => platform !== undefined);
}

function factsOf({ host, name }: CleanupTarget['repository']) {
  return { registry: host, repository: name, operation: 'read' } as const;
}

/** Requests the referrers of every known manifest, recursively. Without the API no request is sent. */
async function askForReferrers({ repository }: CleanupTarget, collected: Collected): Promise<void> {
  const { tags, referrers, reader } = collected;
  const names = new Set(tags.keys());
  const asked = new Set<Digest>();
  const known = (): readonly Digest[] =>
    [
      ...reader.facts.keys(),
      ...[...reader.facts.values()].flatMap(({ children }) => children.map(({ digest }) => digest)),
      ...referrers.keys(),
    ].filter((digest) => !asked.has(digest) && !reader.absent.has(digest));
  for (let next = new Set(known()); next.size > 0 && reader.gaps.length === 0; next = new Set(known())) {
    for (const digest of next) asked.add(digest);
    const indexes: Digest[] = [];
    const ask = async (subject: Digest): Promise<void> => {
      if (reader.gaps.length > 0) return;
      try {
        const { manifests, problems } = await repository.referrers(subject, { tags: names });
        // What is attached is unknown then, promotion records included: an image may be in use.
        if (problems[0] !== undefined) throw new ActionError('DENIED', problems[0], { facts: factsOf(repository) });
        for (const each of manifests) {
          referrers.set(each.digest, { descriptor: each, subject });
          if (isIndexType(each.mediaType)) indexes.push(each.digest);
        }
      } catch (error) {
        reader.fail({ what: 'referrers', subject }, error);
      }
    };
    // The first request shows whether the API exists: the client remembers it.
    const [first, ...others] = next;
    if (first !== undefined) await ask(first);
    await eachBounded(others, CONCURRENCY, ask);
    await reader.read(indexes);
    await readNested(collected);
  }
}
