import Handlebars from 'handlebars';
import moment from 'moment-timezone';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { quoted } from '../suggestion.ts';
import { DATES, type Template, type TemplateDates, type TemplatePart, unknownExpression } from './template.ts';

const BLOCKS: readonly string[] = ['if', 'unless'];

/** Handlebars with `if` and `unless` only, plus helpers registered elsewhere. */
const environment = Handlebars.create();
for (const name of Object.keys(environment.helpers)) {
  if (!BLOCKS.includes(name) && !name.endsWith('elperMissing')) environment.unregisterHelper(name);
}

/**
 * Validates a template: its syntax, and that it uses only the given expressions. Rejects paths (`a.b`, `../a`,
 * `@root`), partials, decorators and other helpers, so no template reaches a prototype.
 */
export function parseHandlebars(source: string, names: readonly string[]): Parsed<Template> {
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

/** Fills a template. Values are inserted without HTML escaping. */
export function renderHandlebars(
  template: Template,
  values: Readonly<Record<string, string>>,
  dates: TemplateDates,
): string {
  const context: Record<string, string> = Object.assign(Object.create(null), values);
  return environment.compile(template.source, { noEscape: true })(context, {
    helpers: { date: dateHelper(dates.now), commit_date: dateHelper(dates.commitDate) },
    allowProtoPropertiesByDefault: false,
    allowProtoMethodsByDefault: false,
  });
}

function dateHelper(date: Date) {
  return (...given: readonly unknown[]): string => {
    const options = given.at(-1);
    const format = given.length > 1 ? given[0] : undefined;
    const zone = zoneOf(options);
    // An unquoted format has no value, and moment defaults to ISO 8601: metadata-action's tests expect this.
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
    return [unknownExpression(name, names)];
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

/** A quoted format, or a bare word, which metadata-action treats as no format. */
function isFormat(node: hbs.AST.Node): boolean {
  return isPath(node)
    ? node.parts.length === 1 && !node.data && node.depth === 0
    : /^(?:String|Number)Literal$/.test(node.type);
}
