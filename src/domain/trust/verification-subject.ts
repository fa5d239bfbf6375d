import { type Digest, isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { type ImageName, parseImageName } from '../reference.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { isTag } from '../tags/grammar.ts';
import { PREDICATES, STATEMENT_NAMES } from './predicates.ts';

/** Reads what must be signed, one a line or separated by commas: a name such as `gate-result`, or a predicate type. */
export function readPredicateTypes(lines: readonly string[]): Parsed<readonly string[]> {
  const words = meaningful(lines).flatMap((line) => line.split(',').map((word) => word.trim()));
  const types = all(
    words.map((word) => {
      const name = STATEMENT_NAMES[word];
      if (name !== undefined) return parsed(PREDICATES[name]);
      if (/^https?:\/\/\S+$/.test(word)) return parsed(word);
      const known = Object.keys(STATEMENT_NAMES);
      return problems(
        `got ${quoted(word)}, expected ${known.join(', ')} or the address of a predicate type.${didYouMean(word, known)}`,
      );
    }),
  );
  return types.ok ? parsed([...new Set(types.value)]) : types;
}

/** An image to verify. */
export interface NamedImage {
  readonly reference: ImageName;
  /** Tag or digest. */
  readonly version: string;
  readonly digest?: Digest;
}

/** Reads full names, one a line: `ghcr.io/org/app:1.2.3`, `ghcr.io/org/app@sha256:…`, or both, where the digest counts. */
export function readNamedImages(lines: readonly string[]): Parsed<readonly NamedImage[]> {
  return all(meaningful(lines).map(readNamedImage));
}

function readNamedImage(line: string): Parsed<NamedImage> {
  const [before = '', digest, ...more] = line.split('@');
  const tagAt = before.lastIndexOf(':') > before.lastIndexOf('/') ? before.lastIndexOf(':') : -1;
  const tag = tagAt < 0 ? undefined : before.slice(tagAt + 1);
  const reference = parseImageName(tagAt < 0 ? before : before.slice(0, tagAt));
  if (!reference.ok) return reference;
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) {
    return problems(`${quoted(line)}: ${quoted(digest ?? '')} is not a digest such as sha256:…`);
  }
  if (digest !== undefined && isDigest(digest)) return parsed({ reference: reference.value, version: digest, digest });
  if (tag === undefined || !isTag(tag)) return problems(`${quoted(line)} has neither a tag nor a digest`);
  return parsed({ reference: reference.value, version: tag });
}

/** Lines that are neither empty nor a comment. */
export function meaningful(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

/** Every problem of every part at once. */
export function all<T>(read: readonly Parsed<T>[]): Parsed<readonly T[]> {
  const found = read.flatMap((each) => (each.ok ? [] : each.problems));
  return found.length > 0 ? problems(...found) : parsed(read.flatMap((each) => (each.ok ? [each.value] : [])));
}
