import Handlebars from 'handlebars';
import moment from 'moment-timezone';
import type { GitEvent } from '../event.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { branchOf, mergeGroupOf, pullRequestOf, tagOf } from './refs.ts';

/** A checked handlebars template. Templates come from inputs; what comes from an event is only ever a value in one. */
export interface Template {
  readonly source: string;
  /** Literal text and names of expressions in order; a `block` is `{{#if}}` or `{{#unless}}` with all that is in it. */
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly name: string }
  | { readonly kind: 'block' };

/** What expressions are computed from. */
export interface ExpressionScope {
  readonly event: GitEvent;
  /** Date of the commit, for `commit_date`. */
  readonly commitDate: Date;
  /** For `date`. */
  readonly now: Date;
  /** Length of `{{sha}}` and of `type=sha`, DOCKER_METADATA_SHORT_SHA_LENGTH of metadata-action. Default 7. */
  readonly shortShaLength?: number;
  /** `text.match(pattern)`, which may be bounded in time: it throws a RuleProblem then. Default: without a bound. */
  readonly match?: (text: string, pattern: RegExp) => readonly (string | undefined)[] | undefined;
}

const DATES: readonly string[] = ['date', 'commit_date'];
const BLOCKS: readonly string[] = ['if', 'unless'];

/** Which expressions a template may use. https://github.com/docker/metadata-action#global-expressions */
export const EXPRESSIONS = {
  global: ['branch', 'tag', 'sha', 'base_ref', 'is_default_branch', 'is_not_default_branch', ...DATES],
  schedule: DATES,
  semver: ['raw', 'version', 'major', 'minor', 'patch', 'prerelease', 'build'],
  pep440: ['raw', 'version', 'major', 'minor', 'patch'],
} as const satisfies Record<string, readonly string[]>;

/** Handlebars with nothing in it but `if` and `unless`, apart from what other code may register. */
const environment = Handlebars.create();
for (const name of Object.keys(environment.helpers)) {
  if (!BLOCKS.includes(name) && !name.endsWith('elperMissing')) environment.unregisterHelper(name);
}

/**
 * Checks a template: its syntax, and that it names nothing but the expressions given. Paths (`a.b`, `../a`, `@root`),
 * partials, decorators and other helpers are refused, so no template reaches a prototype.
 */
export function parseTemplate(source: string, names: readonly string[]): Parsed<Template> {
  let program: hbs.AST.Program;
  try {
    program = environment.parse(source);
  } catch (error) {
    const [line = ''] = error instanceof Error ? error.message.split('\n').slice(-1) : [];
    return problems(`${quoted(source)} is not a handlebars template${line === '' ? '' : ` (${line.trim()})`}`);
  }
  const found = checkProgram(program, names);
  if (found.length > 0) return problems(...found);
  return parsed({
    source,
    parts: program.body.flatMap((node): readonly TemplatePart[] => {
      if (isContent(node)) return node.value === '' ? [] : [{ kind: 'text', text: node.value }];
      if (isMustache(node) && isPath(node.path)) return [{ kind: 'expression', name: node.path.original }];
      return isBlock(node) ? [{ kind: 'block' }] : [];
    }),
  });
}

/** Fills a template. Values go in as they are, without HTML escaping. */
export function renderTemplate(
  template: Template,
  values: Readonly<Record<string, string>>,
  dates: Pick<ExpressionScope, 'commitDate' | 'now'>,
): string {
  const context: Record<string, string> = Object.assign(Object.create(null), values);
  return environment.compile(template.source, { noEscape: true })(context, {
    helpers: { date: dateHelper(dates.now), commit_date: dateHelper(dates.commitDate) },
    allowProtoPropertiesByDefault: false,
    allowProtoMethodsByDefault: false,
  });
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
  // Payloads of branch pushes have a base_ref as well, which is not what the expression is documented to be.
  const speaks = tagOf(event) !== undefined || event.name === 'merge_group';
  return speaks ? (event.baseRef ?? '').replace(/^refs\/heads\//, '') : '';
}

/** metadata-action takes these events for ones of the default branch whatever the ref is (src/meta.ts). */
const EVENTS_OF_DEFAULT_BRANCH = /create|discussion|issues|schedule/;

function isDefaultBranch(event: GitEvent): boolean {
  if (event.ref === '') return false;
  return (branchOf(event) ?? event.ref) === event.repository.defaultBranch || EVENTS_OF_DEFAULT_BRANCH.test(event.name);
}

function dateHelper(date: Date) {
  return (...given: readonly unknown[]): string => {
    const options = given.at(-1);
    const format = given.length > 1 ? given[0] : undefined;
    const zone = zoneOf(options);
    // A format without quotes names nothing, and moment's default is ISO 8601: metadata-action's tests want it so.
    return moment.tz(date, zone).format(format === undefined ? undefined : String(format));
  };
}

function zoneOf(options: unknown): string {
  if (typeof options !== 'object' || options === null || !('hash' in options)) return 'UTC';
  const { hash } = options;
  return typeof hash === 'object' && hash !== null && 'tz' in hash && typeof hash.tz === 'string' ? hash.tz : 'UTC';
}

function checkProgram(program: hbs.AST.Program, names: readonly string[]): readonly string[] {
  return program.body.flatMap((node) => {
    if (isContent(node) || node.type === 'CommentStatement') return [];
    if (isMustache(node)) return checkMustache(node, names);
    if (isBlock(node)) {
      const [condition, ...more] = node.params;
      const isKnown = BLOCKS.includes(node.path.original) && isPath(condition) && names.includes(condition.original);
      if (!isKnown || more.length > 0) return [`{{#${node.path.original}}} cannot be used here`];
      return [node.program, node.inverse].flatMap((each) => (each ? checkProgram(each, names) : []));
    }
    return ['partials and decorators cannot be used'];
  });
}

function checkMustache(node: hbs.AST.MustacheStatement, names: readonly string[]): readonly string[] {
  const name = isPath(node.path) ? node.path.original : '';
  if (!isPath(node.path) || !names.includes(name)) {
    const wanted = `expected one of ${names.map((each) => `{{${each}}}`).join(', ')}`;
    return [`unknown expression {{${name.slice(0, 80)}}}, ${wanted}.${didYouMean(name, names)}`];
  }
  if (!DATES.includes(name)) {
    return node.params.length > 0 || node.hash !== undefined ? [`{{${name}}} takes no arguments`] : [];
  }
  const pairs = node.hash?.pairs ?? [];
  const usage = `{{${name} 'YYYYMMDD' tz='UTC'}}`;
  return [
    ...(node.params.length > 1 || !node.params.every(isFormat)
      ? [`{{${name}}} takes one format in quotes, as in ${usage}`]
      : []),
    ...pairs.flatMap(({ key, value }) => {
      if (key !== 'tz') return [`unknown argument \`${key}\` of {{${name}}}, expected \`tz\`, as in ${usage}`];
      const zone = isText(value) ? value.value : '';
      return moment.tz.zone(zone) === null ? [`unknown time zone ${quoted(zone)} in {{${name}}}`] : [];
    }),
  ];
}

const isContent = (node: hbs.AST.Node): node is hbs.AST.ContentStatement => node.type === 'ContentStatement';
const isMustache = (node: hbs.AST.Node): node is hbs.AST.MustacheStatement => node.type === 'MustacheStatement';
const isBlock = (node: hbs.AST.Node): node is hbs.AST.BlockStatement => node.type === 'BlockStatement';
const isText = (node: hbs.AST.Node): node is hbs.AST.StringLiteral => node.type === 'StringLiteral';
const isPath = (node: hbs.AST.Node | undefined): node is hbs.AST.PathExpression => node?.type === 'PathExpression';

/** A format in quotes, or a bare word, which metadata-action takes for no format at all. */
function isFormat(node: hbs.AST.Node): boolean {
  return isPath(node)
    ? node.parts.length === 1 && !node.data && node.depth === 0
    : /^(?:String|Number)Literal$/.test(node.type);
}
