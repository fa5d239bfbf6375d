import { isDigest } from '../digest.ts';
import { parseImageName } from '../reference.ts';
import { isTag } from '../tags/grammar.ts';
import type { FoundReferences, NamingFile } from './image-references.ts';
import type { InUseImage } from './in-use.ts';

/**
 * Reads a list of images in use, one a line: `ghcr.io/org/app:1.2`, `ghcr.io/org/app@sha256:…`, or a digest alone, which counts in every
 * repository. `#` begins a comment. A line that names no image is unclear: what it meant might be in use.
 * @param repositories of the run, in full; images of others are of no interest
 */
export function readInUseList({ path, text }: NamingFile, repositories: readonly string[]): FoundReferences {
  const images: InUseImage[] = [];
  const unclear: { readonly where: string; readonly reason: string }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const written = line.replace(/(?:^|\s)#.*$/, '').trim();
    if (written === '') continue;
    const where = `${path}:${index + 1}`;
    const source = { kind: 'list', where } as const;
    if (isDigest(written)) {
      images.push(...repositories.map((repository) => ({ repository, digest: written, source })));
      continue;
    }
    const [, name = '', tag, digest] = /^([^@\s]+?)(?::([^/:@\s]+))?(?:@(\S+))?$/.exec(written) ?? [];
    const image = parseImageName(name);
    if (!image.ok || (tag !== undefined && !isTag(tag)) || (digest !== undefined && !isDigest(digest))) {
      unclear.push({ where, reason: 'the line names no image; expected `ghcr.io/org/app:tag` or `…@sha256:…`' });
    } else if (repositories.includes(image.value.name)) {
      const named = { ...(tag === undefined ? {} : { tag }), ...(isDigest(digest) ? { digest } : {}) };
      images.push({ repository: image.value.name, ...named, source });
    }
  }
  return { images, unclear };
}
