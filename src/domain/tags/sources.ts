import parse from 'semver/functions/parse.js';
import { quoted } from '../suggestion.ts';
import { type ExpressionScope, renderGlobal, renderTemplate, shortSha } from './expressions.ts';
import { branchOf, mergeGroupOf, pullRequestOf, tagOf } from './refs.ts';
import { pep440Versions } from './rule-libraries.ts';
import type { TagRule } from './rules.ts';
import type { Template, TemplatePart } from './template.ts';
import { isFullVersion, readVersion, type Version } from './versions.ts';

/** The result of a rule for an event, before prefix and suffix. */
export interface Source {
  readonly value: string;
  /** Whether it requests `latest` with `latest=auto`. */
  readonly latest: boolean;
  /** What the tag names: one release, one commit, the newest commit, or the highest version of a line. */
  readonly kind: 'one-version' | 'one-commit' | 'commits' | 'all' | 'major' | 'minor';
  /** The version that the tag comes from, and the rule's text around it. */
  readonly version?: { readonly value: Version; readonly before: string; readonly after: string };
}

type Warn = (warning: string) => void;

/**
 * Evaluates a rule. https://github.com/docker/metadata-action/blob/master/src/meta.ts
 * @returns undefined when the rule does not apply to this event
 * @throws RuleProblem when a regular expression takes too long
 */
export function evaluate(rule: TagRule, scope: ExpressionScope, warn: Warn): Source | undefined {
  const { event } = scope;
  switch (rule.type) {
    case 'schedule':
      return /schedule/.test(event.name) ? ofCommits(renderTemplate(rule.pattern, {}, scope)) : undefined;
    case 'semver':
    case 'pep440':
      return fromVersion(rule, scope, warn);
    case 'match':
      return fromMatch(rule, scope, warn);
    case 'edge': {
      const branch = branchOf(event);
      const wanted = rule.branch ?? event.repository.defaultBranch;
      if (wanted === undefined) warn('The default branch is not known, so type=edge makes no tag: give it `branch=`.');
      return branch !== undefined && branch === wanted ? ofCommits('edge') : undefined;
    }
    case 'ref':
      return fromRef(rule.event, scope);
    case 'raw': {
      const value = renderGlobal(rule.value, scope);
      if (value === '')
        warn(`The value of \`${rule.text}\` is empty, so it makes no tag. Is the output behind it set?`);
      return value === '' ? undefined : fromRaw(value);
    }
    case 'sha': {
      const value = rule.format === 'short' ? shortSha(scope) : event.sha;
      return event.sha === '' ? undefined : { value, latest: false, kind: 'one-commit' };
    }
  }
}

function fromRaw(value: string): Source {
  return { ...ofCommits(value), ...versionIfAny(readVersion(value, 'semver')) };
}

function ofCommits(value: string): Source {
  return { value, latest: false, kind: 'commits' };
}

function fromRef(kind: 'branch' | 'tag' | 'pr', { event }: ExpressionScope): Source | undefined {
  if (kind === 'tag') {
    const tag = tagOf(event);
    if (tag === undefined) return undefined;
    const version = readVersion(tag, 'semver');
    return { value: tag, latest: true, kind: 'one-version', ...versionIfAny(version) };
  }
  const isQueued = mergeGroupOf(event) !== undefined || event.name === 'merge_group';
  const value = kind === 'pr' ? pullRequestOf(event) : isQueued ? undefined : branchOf(event);
  return value === undefined ? undefined : ofCommits(value);
}

function versionIfAny(version: Version | undefined): Pick<Source, 'version'> {
  return version === undefined ? {} : { version: { value: version, before: '', after: '' } };
}

/** The text for version rules: `value` if given, otherwise the git tag. */
function givenText(
  { value, hasEmptyValue, text }: Pick<TagRule, 'text' | 'hasEmptyValue'> & { readonly value?: Template },
  scope: ExpressionScope,
  warn: Warn,
): string | undefined {
  if (value !== undefined) return renderGlobal(value, scope);
  const tag = tagOf(scope.event);
  if (hasEmptyValue && tag === undefined) {
    warn(
      `The value of \`${text}\` is empty and the event has no git tag, so it makes no tag. Is the output behind it set?`,
    );
  }
  return tag;
}

function fromVersion(
  rule: Extract<TagRule, { type: 'semver' | 'pep440' }>,
  scope: ExpressionScope,
  warn: Warn,
): Source | undefined {
  const given = givenText(rule, scope, warn);
  if (given === undefined) return undefined;
  const matched = rule.match === undefined ? undefined : match(scope, given, rule.match);
  if (rule.match !== undefined && matched === undefined) warn(`${rule.match.source} does not match ${quoted(given)}.`);
  const raw = (matched === undefined ? given : (matched[1] ?? '')).replaceAll('/', '-');
  const read = rule.type === 'semver' ? semverValues(raw) : pep440Values(raw);
  if (read === undefined) {
    const norm = rule.type === 'semver' ? 'semver (https://semver.org)' : 'PEP 440 (https://peps.python.org/pep-0440)';
    warn(`${quoted(raw)} is not a version of ${norm}, so type=${rule.type} makes no tag of it.`);
    return undefined;
  }
  if (rule.pattern.source === '') {
    warn(`The pattern of \`${rule.text}\` is empty, so it makes no tag. Write for instance \`pattern={{version}}\`.`);
    return undefined;
  }
  const { version, values } = read;
  // A pre-release never gets a short name: its tag is the whole version, whatever the pattern.
  if (version.stage !== 'final') {
    const isRaw = rule.pattern.parts.length === 1 && isExpression(rule.pattern.parts[0], 'raw');
    const value = (isRaw ? values.raw : values.version) ?? '';
    return { value, latest: false, kind: 'one-version', ...versionIfAny(version) };
  }
  return {
    value: renderTemplate(rule.pattern, values, scope),
    latest: true,
    kind: lineOf(rule.pattern),
    version: { value: version, ...around(rule.pattern) },
  };
}

interface VersionValues {
  readonly version: Version;
  readonly values: Readonly<Record<string, string>>;
}

function semverValues(raw: string): VersionValues | undefined {
  const parsed = parse(raw);
  const version = parsed === null ? undefined : readVersion(raw, 'semver');
  if (parsed === null || version === undefined) return undefined;
  const { major, minor, patch, prerelease, build } = parsed;
  return {
    version,
    values: {
      raw,
      version: parsed.version,
      major: `${major}`,
      minor: `${minor}`,
      patch: `${patch}`,
      prerelease: prerelease.join(','),
      build: build.join(','),
    },
  };
}

function pep440Values(raw: string): VersionValues | undefined {
  const version = readVersion(raw, 'pep440');
  const found = pep440Versions().readPep440(raw);
  if (version === undefined || found === undefined) return undefined;
  const [major = 0, minor = 0, patch = 0] = found.release;
  return {
    version,
    // As in metadata-action, invalid characters and the dots of a local version become hyphens.
    values: {
      raw,
      version: version.text.replace(/\+.*/, (local) => local.replaceAll('.', '-')),
      major: `${major}`,
      minor: `${minor}`,
      patch: `${patch}`,
    },
  };
}

/** What a pattern for stable versions names, by the version parts it contains. */
function lineOf({ parts }: Template): Source['kind'] {
  if (parts.some(({ kind }) => kind === 'block')) return 'commits';
  const has = (name: string) => parts.some((part) => isExpression(part, name));
  if (has('version') || has('raw') || (has('major') && has('minor') && has('patch'))) return 'one-version';
  if (has('patch')) return 'commits';
  if (has('major')) return has('minor') ? 'minor' : 'major';
  return has('minor') ? 'commits' : 'all';
}

/** The text before and after the version in a pattern. `1.x` and `v1` belong to the versions `1.2.3` and `v1.2.3`. */
function around({ parts }: Template): { readonly before: string; readonly after: string } {
  const first = parts.findIndex(({ kind }) => kind !== 'text');
  if (first < 0) return { before: '', after: '' };
  const last = parts.findLastIndex(({ kind }) => kind !== 'text');
  const text = (some: readonly TemplatePart[]) => some.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  return { before: text(parts.slice(0, first)), after: text(parts.slice(last + 1)).replace(/^(?:\.x)+/i, '') };
}

function isExpression(part: TemplatePart | undefined, name: string): boolean {
  return part?.kind === 'expression' && part.name === name;
}

/** Raised when a rule cannot be evaluated; the caller of {@link evaluate} reports it as a problem. */
export class RuleProblem extends Error {}

function match({ match: bounded }: ExpressionScope, text: string, pattern: RegExp) {
  return bounded === undefined ? (text.match(pattern) ?? undefined) : bounded(text, pattern);
}

function fromMatch(rule: Extract<TagRule, { type: 'match' }>, scope: ExpressionScope, warn: Warn): Source | undefined {
  const given = givenText(rule, scope, warn);
  if (given === undefined) return undefined;
  const matched = match(scope, given, rule.pattern);
  const value = matched?.[rule.group];
  if (value === undefined) {
    const what = matched === undefined ? 'does not match' : `has no group ${rule.group} in`;
    warn(`${rule.pattern.source} ${what} ${quoted(given)}.`);
    return undefined;
  }
  const full = readVersion(value, 'semver');
  if (full !== undefined) return { value, latest: true, kind: 'one-version', ...versionIfAny(full) };
  // A git tag without its leading word is its version, with any number of parts.
  const isWhole = rule.value === undefined && given.endsWith(value) && /^\D*$/.test(given.slice(0, -value.length));
  if ((isWhole && /^v?\d/.test(value)) || isFullVersion(value)) {
    return { value, latest: true, kind: 'one-version' };
  }
  // `v(\d+\.\d+)` on v1.2.3 extracts the name of a line, which moves like `{{major}}.{{minor}}`.
  const whole = readVersion(given, 'semver');
  const short = value.replace(/^v/, '');
  const kind =
    whole === undefined
      ? 'commits'
      : short === `${whole.major}.${whole.minor}`
        ? 'minor'
        : short === `${whole.major}`
          ? 'major'
          : 'commits';
  return { value, latest: true, kind, ...(kind === 'commits' ? {} : versionIfAny(whole)) };
}
