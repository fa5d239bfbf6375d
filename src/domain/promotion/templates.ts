import { type Digest, isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { type ImageName, parseImageName } from '../reference.ts';
import { didYouMean, quoted, sentence } from '../suggestion.ts';
import { isTag, replaceForeign, toTag } from '../tags/grammar.ts';
import { problemAt, readLines } from '../tags/rule-lines.ts';

/** The source of a promotion. Without an `image` it is in the repository of the run. */
export type Source =
  | { readonly by: 'tag'; readonly tag: string; readonly image?: ImageName }
  | { readonly by: 'digest'; readonly digest: Digest; readonly image?: ImageName }
  | { readonly by: 'environment'; readonly environment: string; readonly tag: string };

/** One target of a promotion. Without an `image` it is in the repository of the source. */
export interface Target {
  readonly image?: ImageName;
  readonly tag: string;
  /**
   * An immutable tag names one image forever: it contains a version or a commit. A moving one names the current image
   * of an environment.
   */
  readonly kind: 'immutable' | 'moving';
}

/** Values of placeholders; undefined or empty when unknown. */
export interface TemplateValues {
  /** The target environment, as named on GitHub. */
  readonly env?: string | undefined;
  /** Version of the image, `1.2.3`. */
  readonly version?: string | undefined;
  /** Short id of the image's commit, as in tags. */
  readonly sha?: string | undefined;
}

export type Placeholder = keyof TemplateValues;

const UNKNOWN: Readonly<Record<Placeholder, string>> = {
  env: 'no environment is given: set `environment`',
  version: 'the image names no version (`org.opencontainers.image.version`)',
  sha: 'the image names no commit (`org.opencontainers.image.revision`)',
};
/** The image is unknown while `from` is read: a version there is that of the run. */
const UNKNOWN_TO_RUN = { ...UNKNOWN, version: 'this run is not for a tag of a version, such as v1.2.3' };
const PLACEHOLDERS: readonly string[] = Object.keys(UNKNOWN);
const BRACES = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A full version, alone or between other words, or a commit. `1.2` and `20-alpine` name a line, which moves. */
const NAMES_ONE_IMAGE =
  /(?:^|[-_])v?\d+\.\d+\.\d+|(?:^|[-_])sha-[a-f0-9]{7,64}(?:$|[-_])|^(?:[a-f0-9]{40}|[a-f0-9]{64})$/i;

/** Tags that registries and cosign use for attachments. */
const RESERVED = /^sha(?:256|512)-[a-f0-9]{64,128}(?:\.[a-z]+)?$/;

/**
 * The tag of an environment, `review-7` for `Review/7`: environment names are case-insensitive, tags are not. Undefined
 * when the name cannot become a tag.
 */
export function environmentTag(environment: string): string | undefined {
  return toTag(environment.trim().toLowerCase())?.tag;
}

/** The placeholders in texts, so that only needed values are determined. Ignores unknown ones. */
export function placeholdersIn(texts: readonly string[]): ReadonlySet<Placeholder> {
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(BRACES)].map(([, name = '']) => name.toLowerCase()).filter(isPlaceholder),
    ),
  );
}

/**
 * Reads the `from` input: a tag, a digest, `env:<name>`, or a full name `host/repository:tag` or `…@sha256:…`. A name
 * with both a tag and a digest is read by its digest, as in docker.
 */
export function readSource(text: string, values: TemplateValues): Parsed<Source> {
  const refuse = (...why: readonly string[]) =>
    problems(...why.map((each) => `\`from\` (${quoted(text.trim())}): ${sentence(each)}`));
  if (text.trim() === '') return problems('from: it is empty, expected a tag, a digest, `env:<name>` or a full name.');
  if (placeholdersIn([text]).has('env')) {
    return refuse('`{{env}}` is the environment that is promoted to; write `env:<name>` for the one to promote from');
  }
  const filled = fill(text.trim(), values, UNKNOWN_TO_RUN);
  if (!filled.ok) return refuse(...filled.problems);
  const from = filled.value;
  if (from.startsWith('env:')) {
    const environment = from.slice('env:'.length).trim();
    const tag = environmentTag(environment);
    return tag === undefined
      ? refuse('an environment is missing after `env:`, as in `env:staging`')
      : parsed({ by: 'environment', environment, tag });
  }
  // Registries report a tag's sha256 digest: another algorithm would look like another image.
  const isOther = (digest: string) => isDigest(digest) && !digest.startsWith('sha256:');
  const other = 'images are identified by their sha256 digest: give that, or a tag';
  if (/^sha(?:256|512):/.test(from)) {
    if (isOther(from)) return refuse(other);
    return isDigest(from)
      ? parsed({ by: 'digest', digest: from })
      : refuse('this is no digest, its length or form is wrong');
  }
  if (isTag(from)) return parsed({ by: 'tag', tag: from });
  if (!from.includes('/')) {
    return refuse('this is neither a tag nor a digest; a full name has a host, as in `ghcr.io/org/app:1.2.3`');
  }
  const { name, tag, digest } = split(from);
  const image = parseImageName(name);
  if (!image.ok) return refuse(...image.problems);
  if (digest !== undefined) {
    if (isOther(digest)) return refuse(other);
    return isDigest(digest)
      ? parsed({ by: 'digest', digest, image: image.value })
      : refuse('what follows the `@` is no digest');
  }
  if (tag === undefined) return refuse('name one image of the repository, with `:tag` or `@sha256:…`');
  return isTag(tag) ? parsed({ by: 'tag', tag, image: image.value }) : refuse(`${quoted(tag)} is not a valid tag`);
}

/**
 * Reads the `to` input, one target per line: a tag, a repository (its tag is the environment's), or `repository:tag`.
 * Placeholders are `{{env}}`, `{{version}}` and `{{sha}}`. Empty means the tag of the environment.
 */
export function readTargets(lines: readonly string[], values: TemplateValues): Parsed<readonly Target[]> {
  const written = readLines(lines);
  if (written.length === 0) {
    const alone = readTarget('{{env}}', values);
    if (alone.ok) return parsed([alone.value]);
    const isGiven = (values.env ?? '').trim() !== '';
    const why = isGiven ? alone.problems.join(' ') : 'there is no `environment` to take the tag of';
    return problems(`to: it is empty, and ${why}.`);
  }
  const found: string[] = [];
  const targets = new Map<string, Target>();
  for (const line of written) {
    const target = readTarget(line.text, values);
    if (!target.ok) found.push(...target.problems.map((problem) => problemAt('to', line, problem)));
    else {
      const key = `${target.value.image?.name ?? ''}:${target.value.tag}`;
      const before = targets.get(key);
      // If a tag is given both as `{{version}}` and literally, the stricter promise applies.
      if (before?.kind !== 'immutable') targets.set(key, target.value);
    }
  }
  return found.length > 0 ? problems(...found) : parsed([...targets.values()]);
}

function readTarget(text: string, values: TemplateValues): Parsed<Target> {
  const parts = split(text);
  if (parts.digest !== undefined) return problems('a target has no digest: the image that is promoted has one');
  const isName = parts.name.includes('/');
  if (!isName && parts.tag !== undefined) {
    return problems('a target is a tag, or a full name with a host, as in `ghcr.io/org/app:staging`');
  }
  const name = isName ? fill(parts.name, values) : undefined;
  const template = isName ? (parts.tag ?? '{{env}}') : parts.name;
  const tag = fill(template, values);
  const image = name?.ok === true ? parseImageName(name.value) : undefined;
  const found = [
    ...(name?.ok === false ? name.problems : []),
    ...(image?.ok === false ? image.problems : []),
    ...(tag.ok ? tagProblems(tag.value) : tag.problems),
  ];
  if (found.length > 0 || !tag.ok) return problems(...new Set(found));
  const uses = placeholdersIn([template]);
  const isOne = uses.has('version') || uses.has('sha') || NAMES_ONE_IMAGE.test(tag.value);
  return parsed({
    ...(image?.ok === true ? { image: image.value } : {}),
    tag: tag.value,
    kind: isOne ? 'immutable' : 'moving',
  });
}

function tagProblems(tag: string): readonly string[] {
  if (!isTag(tag)) {
    return [
      `${quoted(tag)} is not a valid tag, which has at most 128 characters of A-Z, a-z, 0-9, \`_\`, \`.\` and \`-\`, and does not begin with \`.\` or \`-\``,
    ];
  }
  return RESERVED.test(tag) ? [`${quoted(tag)} is a tag under which registries keep what belongs to an image`] : [];
}

function fill(text: string, values: TemplateValues, unknown = UNKNOWN): Parsed<string> {
  const found: string[] = [];
  const filled = text.replace(BRACES, (_, written: string) => {
    const name = written.toLowerCase();
    if (!isPlaceholder(name)) {
      found.push(
        `unknown placeholder {{${quoted(written).slice(1, -1)}}}, expected {{env}}, {{version}} or {{sha}}.${didYouMean(name, PLACEHOLDERS)}`,
      );
      return '';
    }
    const value = valueFor(name, values, unknown);
    if (!value.ok) found.push(...value.problems);
    return value.ok ? value.value : '';
  });
  if (found.length === 0 && /\{\{|\}\}/.test(filled)) found.push('a `{{` has no `}}`, or the other way round');
  return found.length > 0 ? problems(...found) : parsed(filled);
}

function valueFor(name: Placeholder, values: TemplateValues, unknown: typeof UNKNOWN): Parsed<string> {
  const value = (values[name] ?? '').trim();
  if (value === '') return problems(`{{${name}}} is empty: ${unknown[name]}`);
  if (name === 'env') {
    const tag = environmentTag(value);
    return tag === undefined ? problems(`no tag can be made of the environment ${quoted(value)}`) : parsed(tag);
  }
  // Branch images record the branch as their version, which would be an unintended promise.
  if (name === 'version' && !/^v?\d/.test(value)) {
    return problems(`{{version}} is ${quoted(value)}, which is not a version such as 1.2.3`);
  }
  if (name === 'sha' && !/^[a-f0-9]{7,64}$/i.test(value)) {
    return problems(`{{sha}} is ${quoted(value)}, which is not a commit`);
  }
  return parsed(replaceForeign(value));
}

/** Splits a name, possibly with placeholders. */
function split(text: string): { readonly name: string; readonly tag?: string; readonly digest?: string } {
  const at = text.indexOf('@');
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  const before = at < 0 ? text : text.slice(0, at);
  const colon = before.indexOf(':', before.lastIndexOf('/') + 1);
  return colon < 0
    ? { name: before, ...digest }
    : { name: before.slice(0, colon), tag: before.slice(colon + 1), ...digest };
}

function isPlaceholder(name: string): name is Placeholder {
  return PLACEHOLDERS.includes(name);
}
