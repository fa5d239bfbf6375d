import type { Digest } from '../domain/digest.ts';
import type { ListedImage, TagFacts } from './vendor.ts';

/** A tag and its image, from a list of tags. */
export interface ListedTag extends TagFacts {
  readonly digest: Digest;
}

/**
 * Merges a list of images with a later list of tags: a tag belongs to the image in the later list, with its details.
 * Image lists may contain only some of the tags, and an image that looks untagged is deleted first.
 */
export function withTags(images: readonly ListedImage[], tags: readonly ListedTag[]): readonly ListedImage[] {
  const digests = new Map(tags.map(({ name, digest }) => [name, digest]));
  const listed = Map.groupBy(tags, ({ digest }) => digest);
  const known = new Set(images.map(({ digest }) => digest));
  return images.map((image) => {
    const own = listed.get(image.digest) ?? [];
    const elsewhere = (tag: string) => {
      const digest = digests.get(tag);
      return digest !== undefined && digest !== image.digest && known.has(digest);
    };
    const names = new Set([...image.tags.filter((tag) => !elsewhere(tag)), ...own.map(({ name }) => name)]);
    const tagFacts = own.map(({ digest: _, ...facts }) => facts).filter((facts) => Object.keys(facts).length > 1);
    return { ...image, tags: [...names], ...(tagFacts.length === 0 ? {} : { tagFacts }) };
  });
}

/** Details of a tag that is written and pulled at these times. */
export function tagTimes(name: string, updatedAt: Date | undefined, pulledAt: Date | undefined): TagFacts {
  return {
    name,
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
  };
}

/** The later of two times, either of which may be undefined. */
export function latest(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}

/**
 * Parses a time in a response; undefined for anything else and for times before 1970: servers write the year 1 for
 * "never".
 */
export function timeOf(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1970 ? undefined : date;
}
