import type { GitEvent } from '../event.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { branchOf, mergeGroupOf, pullRequestOf, tagOf } from './refs.ts';
import { handlebarsTemplates } from './rule-libraries.ts';
import { DATES, plainParts, type Template, type TemplateDates, unknownExpression } from './template.ts';

export type { Template };

/** The data that expressions use. */
export interface ExpressionScope extends TemplateDates {
  readonly event: GitEvent;
  /** Length of `{{sha}}` and of `type=sha`, DOCKER_METADATA_SHORT_SHA_LENGTH of metadata-action. Default 7. */
  readonly shortShaLength?: number;
  /** `text.match(pattern)`, possibly with a time limit: it then throws a RuleProblem. Default: no limit. */
  readonly match?: (text: string, pattern: RegExp) => readonly (string | undefined)[] | undefined;
}

/** Which expressions a template may use. https://github.com/docker/metadata-action#global-expressions */
export const EXPRESSIONS = {
  global: ['branch', 'tag', 'sha', 'base_ref', 'is_default_branch', 'is_not_default_branch', ...DATES],
  schedule: DATES,
  semver: ['raw', 'version', 'major', 'minor', 'patch', 'prerelease', 'build'],
  pep440: ['raw', 'version', 'major', 'minor', 'patch'],
} as const satisfies Record<string, readonly string[]>;

/**
 * Validates a template: its syntax, and that it uses only the given expressions. Rejects paths (`a.b`, `../a`,
 * `@root`), partials, decorators and other helpers, so no template reaches a prototype.
 */
export function parseTemplate(source: string, names: readonly string[]): Parsed<Template> {
  const parts = plainParts(source);
  if (parts === undefined) return handlebarsTemplates().parseHandlebars(source, names);
  const unknown = parts.flatMap((part) =>
    part.kind === 'expression' && !names.includes(part.name) ? [unknownExpression(part.name, names)] : [],
  );
  return unknown.length > 0 ? problems(...unknown) : parsed({ source, parts });
}

/** Fills a template. Values are inserted without HTML escaping. */
export function renderTemplate(
  template: Template,
  values: Readonly<Record<string, string>>,
  dates: TemplateDates,
): string {
  const parts = plainParts(template.source);
  if (parts === undefined) return handlebarsTemplates().renderHandlebars(template, values, dates);
  return parts.map((part) => (part.kind === 'text' ? part.text : (values[part.name] ?? ''))).join('');
}

/** Fills a template with the global expressions. */
export function renderGlobal(template: Template, scope: ExpressionScope): string {
  return renderTemplate(template, globalValues(scope), scope);
}

/** The commit id as `{{sha}}` and `type=sha` show it. */
export function shortSha({ event, shortShaLength = 7 }: ExpressionScope): string {
  return event.sha.slice(0, shortShaLength);
}

function globalValues(scope: ExpressionScope): Readonly<Record<string, string>> {
  const { event } = scope;
  const isDefault = isDefaultBranch(event);
  return {
    branch: branchOf(event) ?? '',
    tag: tagOf(event) ?? '',
    sha: shortSha(scope),
    base_ref: baseRef(event),
    is_default_branch: String(isDefault),
    is_not_default_branch: String(!isDefault),
  };
}

function baseRef(event: GitEvent): string {
  if (mergeGroupOf(event) === undefined && pullRequestOf(event) !== undefined) return event.pullRequest?.baseRef ?? '';
  // Payloads of branch pushes have a base_ref too, which differs from the documented expression.
  const speaks = tagOf(event) !== undefined || event.name === 'merge_group';
  return speaks ? (event.baseRef ?? '').replace(/^refs\/heads\//, '') : '';
}

/** For these events metadata-action assumes the default branch, whatever the ref (src/meta.ts). */
const EVENTS_OF_DEFAULT_BRANCH = /create|discussion|issues|schedule/;

function isDefaultBranch(event: GitEvent): boolean {
  if (event.ref === '') return false;
  return (branchOf(event) ?? event.ref) === event.repository.defaultBranch || EVENTS_OF_DEFAULT_BRANCH.test(event.name);
}
