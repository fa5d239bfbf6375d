import { sortedByKey } from './compare-text.ts';
import type { GitEvent } from './event.ts';
import { type Parsed, parsed, problems } from './parsed.ts';
import { didYouMean, quoted } from './suggestion.ts';
import { EXPRESSIONS, parseTemplate, renderGlobal, type Template } from './tags/expressions.ts';
import { problemAt, readLines } from './tags/rule-lines.ts';

/** One `key=value` of the inputs `labels` and `annotations`; both sides may contain global expressions. */
export interface LabelTemplate {
  /** Level prefix of an annotation: `index:`, `manifest[linux/arm64]:`. Empty: the level of the run. */
  readonly level: string;
  readonly key: Template;
  readonly value: Template;
}

export interface DeriveLabels {
  readonly event: GitEvent;
  /** The first tag. */
  readonly version: string | undefined;
  /** Date of the commit: the same commit always gets the same labels. Also the value of `commit_date`. */
  readonly created: Date;
  /** For `{{date}}`. */
  readonly now: Date;
  /** The user's own. */
  readonly custom: readonly LabelTemplate[];
  readonly shortShaLength?: number;
}

/**
 * The level prefix of an annotation, as in docker/build-push-action: `index:key=value`,
 * `manifest[linux/arm64]:key=value`.
 */
const LEVEL = /^(?:(?:manifest|index)(?:-descriptor)?(?:\[[^\]]*\])?,?)+:/;

/** Reads the `key=value` lines of `labels`; unlike in metadata-action, a line without `=` is a problem. */
export function parseLabels(lines: readonly string[]): Parsed<readonly LabelTemplate[]> {
  return parsePairs('labels', lines);
}

/** Reads the lines of `annotations`, which may start with a level. */
export function parseAnnotations(lines: readonly string[]): Parsed<readonly LabelTemplate[]> {
  return parsePairs('annotations', lines);
}

function parsePairs(input: 'labels' | 'annotations', lines: readonly string[]): Parsed<readonly LabelTemplate[]> {
  const found: string[] = [];
  const pairs: LabelTemplate[] = [];
  for (const line of readLines(lines)) {
    const level = input === 'annotations' ? (LEVEL.exec(line.text)?.[0] ?? '') : '';
    const pair = parsePair(line.text.slice(level.length));
    if (pair.ok) pairs.push({ level, ...pair.value });
    else found.push(...pair.problems.map((problem) => problemAt(input, line, problem)));
  }
  return found.length > 0 ? problems(...found) : parsed(pairs);
}

function parsePair(text: string): Parsed<Pick<LabelTemplate, 'key' | 'value'>> {
  const at = /^(?:\{\{.*?\}\}|[^=])*?(?==)/.exec(text)?.[0].length ?? -1;
  if (at < 1) return problems('expected `key=value`');
  const key = parseTemplate(text.slice(0, at).trim(), EXPRESSIONS.global);
  const value = parseTemplate(text.slice(at + 1), EXPRESSIONS.global);
  if (!key.ok || !value.ok) return problems(...[key, value].flatMap((side) => (side.ok ? [] : side.problems)));
  return parsed({ key: key.value, value: value.value });
}

/**
 * The labels of an image, sorted by key (by code unit: a collator takes longer to load than all else here): metadata-action's set, overridden by the user's own, of which the last wins.
 * Unlike there, `created` is the date of the commit.
 * https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
 */
export function deriveLabels(given: DeriveLabels): Readonly<Record<string, string>> {
  const values = new Map(Object.entries(standardLabels(given)));
  for (const pair of given.custom) values.set(...fill(pair, given));
  return Object.fromEntries(sortedByKey(values));
}

const LEVELS: readonly string[] = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'];

/**
 * The annotations, `level:key=value`: the same set as the labels with the user's own, once per level; then those with
 * an explicit level.
 * @param given.levels `manifest` (the default), `index`, `manifest-descriptor`, `index-descriptor`, each optionally for
 * one platform: `manifest[linux/amd64]`. https://docs.docker.com/build/metadata/annotations/#specify-annotation-level
 */
export function deriveAnnotations(
  given: DeriveLabels & { readonly levels?: readonly string[] },
): Parsed<readonly string[]> {
  const { levels = [], custom } = given;
  const wanted = levels.map((level) => level.trim()).filter((level) => level !== '');
  const found = wanted.flatMap((level) => {
    const name = level.replace(/\[[a-z0-9/._-]+\]$/i, '');
    const hint = `expected one of ${LEVELS.join(', ')}.${didYouMean(name, LEVELS)}`;
    return LEVELS.includes(name) ? [] : [`annotations: unknown level ${quoted(level)}, ${hint}`];
  });
  if (found.length > 0) return problems(...found);
  const derived = deriveLabels({ ...given, custom: custom.filter(({ level }) => level === '') });
  const pairs = Object.entries(derived).map(([key, value]) => `${key}=${value}`);
  return parsed([
    ...(wanted.length === 0 ? ['manifest'] : wanted).flatMap((level) => pairs.map((pair) => `${level}:${pair}`)),
    ...custom.filter(({ level }) => level !== '').map((pair) => `${pair.level}${fill(pair, given).join('=')}`),
  ]);
}

/** Key and value are filled in separately, so that a `=` in a branch name cannot change where the key ends. */
function fill({ key, value }: LabelTemplate, given: DeriveLabels): readonly [string, string] {
  const scope = { ...given, commitDate: given.created };
  return [renderGlobal(key, scope), renderGlobal(value, scope)];
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

/** Build arguments with the commit date (ISO 8601, UTC), the full commit id and the version (empty without a tag). */
export function buildMetadataArgs(given: {
  readonly commitDate: Date;
  readonly sha: string;
  readonly version: string | undefined;
}): { readonly BUILD_DATE: string; readonly VCS_REF: string; readonly VERSION: string } {
  return { BUILD_DATE: given.commitDate.toISOString(), VCS_REF: given.sha, VERSION: given.version ?? '' };
}
