import { isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { type ImageName, parseImageName } from '../reference.ts';
import { quoted } from '../suggestion.ts';
import { isTag } from '../tags/grammar.ts';

/** The image to compare with. Without `image` it is in the first repository to be published to. */
export interface BaselineReference {
  readonly image?: ImageName;
  /** Tag or digest. */
  readonly reference: string;
}

/** Reads a tag, a digest, or a full name with one of them; a name with both is read by its digest, as in docker. */
export function readBaseline(text: string): Parsed<BaselineReference> {
  if (isTag(text) || isDigest(text)) return parsed({ reference: text });
  const expected = 'expected a tag, a digest, or a full name such as `ghcr.io/org/app:main`';
  const [, name = '', tag, digest] = /^([^@]+?)(?::([^:/@]*))?(?:@(.*))?$/.exec(text) ?? [];
  const reference = digest ?? tag;
  if (!name.includes('/')) return problems(`got ${quoted(text)}, ${expected}.`);
  if (reference === undefined) return problems(`got ${quoted(text)} without a tag or digest, ${expected}.`);
  if (!(digest === undefined ? isTag(reference) : isDigest(reference))) {
    return problems(`got ${quoted(text)}, and ${quoted(reference)} is neither a tag nor a digest; ${expected}.`);
  }
  const image = parseImageName(name);
  return image.ok ? parsed({ image: image.value, reference }) : problems(...image.problems.map((each) => `${each}.`));
}
