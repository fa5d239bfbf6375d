import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { isIndexType } from '../../domain/manifest.ts';
import { unexpected } from '../../http/api.ts';
import { latest, tagTimes } from '../listed-tags.ts';
import type { ImageStore, ListedImage } from '../vendor.ts';
import { HUB } from './api.ts';

/** A tag as Hub lists it. */
export interface TagOfHub {
  readonly name: string;
  readonly digest?: Digest;
  readonly facts: Omit<ListedImage, 'digest' | 'tags'>;
}

/** @throws ActionError ANSWER_INVALID */
export function readTag(value: unknown, facts: { readonly registry: string; readonly repository: string }): TagOfHub {
  const { name, digest, media_type, full_size, tag_last_pushed, tag_last_pulled, images } = fieldsOf(value);
  if (typeof name !== 'string' || name === '') throw unexpected(HUB, 'a tag', facts);
  const pushedAt = time(tag_last_pushed);
  const pulledAt = time(tag_last_pulled);
  const children = isIndexType(String(media_type)) ? childrenIn(images, digest) : [];
  return {
    name,
    ...(isDigest(digest) ? { digest } : {}),
    facts: {
      ...(typeof media_type === 'string' && media_type !== '' ? { mediaType: media_type } : {}),
      ...(typeof full_size === 'number' && full_size >= 0 ? { size: full_size } : {}),
      ...(children.length === 0 ? {} : { children }),
      ...(pushedAt === undefined ? {} : { pushedAt }),
      ...(pulledAt === undefined ? {} : { pulledAt }),
    },
  };
}

/** The platforms of an index. For a single image, the list contains that image. */
function childrenIn(images: unknown, own: unknown): readonly Digest[] {
  const digests = (Array.isArray(images) ? images : []).map((image: unknown) => fieldsOf(image).digest);
  return [...new Set(digests.filter(isDigest).filter((digest) => digest !== own))];
}

/**
 * Images derived from tags: Hub lists tags only, and the latest push and pull of an image are those of its latest tag.
 */
export async function* byDigest(tags: readonly TagOfHub[], store: ImageStore): AsyncGenerator<ListedImage> {
  const images = new Map<Digest, ListedImage>();
  for (const { name, digest: listed, facts } of tags) {
    // Old tags have no digest in the list. A HEAD does not count as a pull on Docker Hub.
    const digest = listed ?? (await store.head(name))?.digest;
    if (digest === undefined) continue;
    const before = images.get(digest);
    const pushedAt = latest(before?.pushedAt, facts.pushedAt);
    const pulledAt = latest(before?.pulledAt, facts.pulledAt);
    images.set(digest, {
      ...facts,
      ...before,
      digest,
      tags: [...(before?.tags ?? []), name],
      tagFacts: [...(before?.tagFacts ?? []), tagTimes(name, facts.pushedAt, facts.pulledAt)],
      ...(pushedAt === undefined ? {} : { pushedAt }),
      ...(pulledAt === undefined ? {} : { pulledAt }),
    });
  }
  yield* images.values();
}

/** Hub writes `0001-01-01T00:00:00Z` for "never". */
function time(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) || date.getUTCFullYear() < 2000 ? undefined : date;
}
