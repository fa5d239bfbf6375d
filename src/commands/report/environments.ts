import { type Parsed, parsed, problems } from '../../domain/parsed.ts';
import { parseTagPattern, type TagMatcher, tagMatcher } from '../../domain/patterns/tag-pattern.ts';
import { type ImageName, parseImageName } from '../../domain/reference.ts';
import { quoted } from '../../domain/suggestion.ts';

/** An environment as the user wrote it: a tag of every image, or an image of its own. */
export interface EnvironmentReference {
  readonly name: string;
  readonly tag: string;
  /** Absent: each of `images`. */
  readonly image?: ImageName;
}

const TAG = /^\w[\w.-]{0,127}$/;
const MAX_ENVIRONMENTS = 20;

/** Reads `staging`, `production=stable`, `production=registry.example.com/org/app:production`. */
export function readEnvironments(
  entries: readonly string[],
  hasImages: boolean,
): Parsed<readonly EnvironmentReference[]> {
  const read = entries.map(readEnvironment);
  const wrong = read.flatMap((each) => (each.ok ? [] : each.problems));
  const found = read.flatMap((each) => (each.ok ? each.value : []));
  const twice = found.find(({ name }, at) => found.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) wrong.push(`${quoted(twice.name)} is given more than once.`);
  if (found.length > MAX_ENVIRONMENTS)
    wrong.push(`there are ${found.length} environments, more than ${MAX_ENVIRONMENTS}.`);
  if (found.some(({ image }) => image === undefined) && !hasImages)
    wrong.push('a tag alone needs `images`, which is empty.');
  return wrong.length > 0 ? problems(...wrong) : parsed(found);
}

function readEnvironment(entry: string): Parsed<EnvironmentReference> {
  const [, given, target = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(entry) ?? [];
  const name = (given ?? target).trim();
  const text = target.trim();
  const refuse = (why: string) => problems(`got ${quoted(entry)}: ${why}.`);
  if (!/^[\w][\w./ -]{0,99}$/.test(name)) return refuse('expected a name such as production');
  if (TAG.test(text)) return parsed({ name, tag: text });
  const at = text.lastIndexOf(':');
  const tag = text.slice(at + 1);
  if (given === undefined || at < 0 || !TAG.test(tag)) return refuse('expected a tag, name=tag or name=image:tag');
  const image = parseImageName(text.slice(0, at));
  return image.ok ? parsed({ name, tag, image: image.value }) : image;
}

/** The matcher of watched tags. */
export function readWatch(entries: readonly string[]): Parsed<TagMatcher> {
  const read = entries.map((entry) => ({ entry, pattern: parseTagPattern(entry) }));
  const wrong = read.flatMap(({ entry, pattern }) =>
    pattern.ok ? [] : pattern.problems.map((why) => `got ${quoted(entry)}: ${why}.`),
  );
  if (wrong.length > 0) return problems(...wrong);
  return parsed(tagMatcher(read.flatMap(({ pattern }) => (pattern.ok ? pattern.value : []))));
}
