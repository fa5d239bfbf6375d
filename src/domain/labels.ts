import type { GitEvent } from './event.ts';
import { type Parsed, parsed, problems } from './parsed.ts';
import { didYouMean, quoted } from './suggestion.ts';
import { EXPRESSIONS, parseTemplate, renderGlobal, type Template } from './tags/expressions.ts';
import { problemAt, readLines } from './tags/records.ts';

export interface DeriveLabels {
  readonly event: GitEvent;
  /** The first tag. */
  readonly version: string | undefined;
  /** Date of the commit: the same commit gives the same labels, whenever it is built. Also what `commit_date` shows. */
  readonly created: Date;
  /** For `{{date}}`. */
  readonly now: Date;
  /** Lines `key=value`, which may hold global expressions. */
  readonly custom: readonly string[];
  readonly shortShaLength?: number;
}

/**
 * The labels of an image, sorted by key: metadata-action's set, overridden by the custom lines, of which the last wins.
 * Other than there, `created` is the date of the commit, and a line without `=` is a problem.
 * https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
 */
export function deriveLabels(given: DeriveLabels): Parsed<Readonly<Record<string, string>>> {
  return derive('labels', given);
}

const LEVELS: readonly string[] = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'];

/**
 * The annotations, `level:key=value`: the same set as the labels with custom lines of their own, once for each level.
 * @param given.levels `manifest` (the default), `index`, `manifest-descriptor`, `index-descriptor`, each optionally for
 *   one platform: `manifest[linux/amd64]`. https://docs.docker.com/build/metadata/annotations/#specify-annotation-level
 */
export function deriveAnnotations(
  given: DeriveLabels & { readonly levels?: readonly string[] },
): Parsed<readonly string[]> {
  const { levels = [] } = given;
  const wanted = levels.map((level) => level.trim()).filter((level) => level !== '');
  const found = wanted.flatMap((level) => {
    const name = level.replace(/\[[a-z0-9/._-]+\]$/i, '');
    const hint = `expected one of ${LEVELS.join(', ')}.${didYouMean(name, LEVELS)}`;
    return LEVELS.includes(name) ? [] : [`annotations: unknown level ${quoted(level)}, ${hint}`];
  });
  const derived = derive('annotations', given);
  if (!derived.ok) return problems(...found, ...derived.problems);
  if (found.length > 0) return problems(...found);
  const pairs = Object.entries(derived.value).map(([key, value]) => `${key}=${value}`);
  return parsed(
    (wanted.length === 0 ? ['manifest'] : wanted).flatMap((level) => pairs.map((pair) => `${level}:${pair}`)),
  );
}

function derive(input: string, given: DeriveLabels): Parsed<Readonly<Record<string, string>>> {
  const found: string[] = [];
  const values = new Map(Object.entries(standardLabels(given)));
  for (const line of readLines(given.custom)) {
    const pair = fillPair(line.text, given);
    if (pair.ok) values.set(...pair.value);
    else found.push(...pair.problems.map((problem) => problemAt(input, line, problem)));
  }
  if (found.length > 0) return problems(...found);
  return parsed(Object.fromEntries([...values].toSorted(([a], [b]) => a.localeCompare(b, 'en'))));
}

function standardLabels({ event, version, created }: DeriveLabels): Readonly<Record<string, string>> {
  const { name, description = '', url, license = '' } = event.repository;
  const prefix = 'org.opencontainers.image';
  return {
    [`${prefix}.title`]: name,
    [`${prefix}.description`]: description,
    [`${prefix}.url`]: url,
    [`${prefix}.source`]: url,
    [`${prefix}.version`]: version ?? '',
    [`${prefix}.created`]: created.toISOString(),
    [`${prefix}.revision`]: event.sha,
    [`${prefix}.licenses`]: license,
  };
}

/** What is wrong with lines `key=value`, whatever the event. */
export function pairProblems(input: string, lines: readonly string[]): readonly string[] {
  return readLines(lines).flatMap((line) => {
    const pair = parsePair(line.text);
    return pair.ok ? [] : pair.problems.map((problem) => problemAt(input, line, problem));
  });
}

/** Key and value are filled one by one, so that no branch name with a `=` in it moves the border between them. */
export function fillPair(text: string, given: Omit<DeriveLabels, 'custom'>): Parsed<readonly [string, string]> {
  const pair = parsePair(text);
  if (!pair.ok) return pair;
  const [key, value] = pair.value;
  const scope = { ...given, commitDate: given.created };
  return parsed([renderGlobal(key, scope), renderGlobal(value, scope)]);
}

function parsePair(text: string): Parsed<readonly [Template, Template]> {
  const at = /^(?:\{\{.*?\}\}|[^=])*?(?==)/.exec(text)?.[0].length ?? -1;
  if (at < 1) return problems('expected `key=value`');
  const key = parseTemplate(text.slice(0, at).trim(), EXPRESSIONS.global);
  const value = parseTemplate(text.slice(at + 1), EXPRESSIONS.global);
  if (!key.ok || !value.ok) return problems(...[key, value].flatMap((each) => (each.ok ? [] : each.problems)));
  return parsed([key.value, value.value]);
}

/** The `json` output of metadata-action. https://github.com/docker/metadata-action#json-output-object */
export function metadataJson(given: {
  /** `image:tag` */
  readonly tags: readonly string[];
  readonly tagNames: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
}): {
  readonly tags: readonly string[];
  readonly 'tag-names': readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
} {
  const { tags, tagNames, labels, annotations } = given;
  return { tags, 'tag-names': tagNames, labels, annotations };
}

/** Build arguments that say what is built: commit date (ISO 8601, UTC), commit id in full, version (empty without a tag). */
export function buildMetadataArgs(given: {
  readonly commitDate: Date;
  readonly sha: string;
  readonly version: string | undefined;
}): { readonly BUILD_DATE: string; readonly VCS_REF: string; readonly VERSION: string } {
  return { BUILD_DATE: given.commitDate.toISOString(), VCS_REF: given.sha, VERSION: given.version ?? '' };
}
