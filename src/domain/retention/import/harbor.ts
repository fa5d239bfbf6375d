import { type Fields, fieldsOf, isFields } from '../../fields.ts';
import { type Parsed, parsed, problems } from '../../parsed.ts';
import { parseTagPattern } from '../../patterns/tag-pattern.ts';
import { quoted } from '../../suggestion.ts';
import {
  EVERY,
  type ImportedEntry,
  type ImportedPolicy,
  type ImportedRule,
  ImportProblems,
  rulesFor,
} from './imported.ts';

/** What one rule retains. */
interface Retained {
  readonly name: string;
  /** Of ours: what keeps, and the condition of a removal that spares the same. */
  readonly keep: Readonly<Record<string, string | number>>;
  readonly spares?: { readonly key: 'keep-newest' | 'older-than' | 'not-pulled-for'; readonly count: number };
  /** Patterns of tags; absent: it is about untagged artifacts only. */
  readonly tags?: readonly string[];
  readonly untagged: boolean;
  readonly scope: Scope;
}

/** Patterns of repositories in the project. */
interface Scope {
  readonly matches: readonly string[];
  readonly excludes: readonly string[];
}

const DOCUMENT_KEYS = ['id', 'algorithm', 'rules', 'trigger', 'scope'];
const RULE_KEYS = ['id', 'priority', 'disabled', 'action', 'template', 'params', 'tag_selectors', 'scope_selectors'];
const SELECTOR_KEYS = ['kind', 'decoration', 'pattern', 'extras'];

/**
 * A policy that deletes what tag retention deletes, or less. Harbor deletes whatever no rule retains: so everything is
 * removed, and each rule keeps. What the rules about every tag retain becomes the conditions of the removal.
 * https://goharbor.io/docs/main/working-with-projects/working-with-images/create-tag-retention-rules/
 */
export function importHarbor(document: unknown): Parsed<ImportedPolicy> {
  const problem = new ImportProblems();
  const fields = problem.fields(document, 'the retention', DOCUMENT_KEYS);
  const list = fields === undefined ? [] : problem.list(fields.rules, 'rules');
  const notes: string[] = [];
  const rules = list.flatMap((each, index) => readRule(each, index, problem, notes) ?? []);
  const entries = problem.found.length > 0 ? [] : entriesOf(rules, problem);
  if (problem.found.length > 0) return problems(...problem.found);
  if (!entries.some((entry) => entry.rules.some(({ remove }) => remove !== undefined)))
    return problems(['It deletes nothing: no rule is enabled, or one retains everything.', ...notes].join(' '));
  if (entries.some(({ match }) => match !== undefined))
    notes.push('`match` names repositories of any project: replace the first `*` by the name of the project.');
  notes.push('Tagged and untagged artifacts are counted separately, and as many of each are kept.');
  return parsed({
    source: "Harbor's tag retention",
    // One retained tag retains the artifact with all of its tags.
    defaults: { 'multi-tag': 'require-all' },
    entries,
    notes,
  });
}

function readRule(value: unknown, index: number, problem: ImportProblems, notes: string[]): Retained | undefined {
  const where = `rules[${index}]`;
  const rule = problem.fields(value, where, RULE_KEYS);
  if (rule === undefined) return undefined;
  if (rule.disabled === true) {
    notes.push(`Rule ${index + 1} is disabled, and is left out.`);
    return undefined;
  }
  if (rule.action !== 'retain') return problem.wrong(`${where}.action`, '"retain"', rule.action);
  const [selector, ...others] = problem.list(rule.tag_selectors, `${where}.tag_selectors`);
  const read = problem.fields(selector, `${where}.tag_selectors[0]`, SELECTOR_KEYS);
  const scope = scopeOf(fieldsOf(rule.scope_selectors).repository, `${where}.scope_selectors.repository`, problem);
  const kept = keptBy(rule, where, problem);
  if (others.length > 0)
    problem.found.push(`${where}: a policy has one list of tags for a rule, and this has several.`);
  if (read === undefined || scope === undefined || kept === undefined) return undefined;
  const tags = tagsOf(read, where, problem);
  return {
    name: `rule ${index + 1}`,
    ...kept,
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
    untagged: takesUntagged(read),
    scope,
  };
}

/** The templates that a policy has words for. Without a rule that retains more would go, so others are an error. */
function keptBy(
  { template, params }: Fields,
  where: string,
  problem: ImportProblems,
): Pick<Retained, 'keep' | 'spares'> | undefined {
  if (template === 'always') return { keep: { newest: EVERY } };
  const number = () => problem.count(fieldsOf(params)[String(template)], `${where}.params.${String(template)}`, 0);
  switch (template) {
    case 'latestPushedK': {
      const count = number();
      return count === undefined ? undefined : { keep: { newest: count }, spares: { key: 'keep-newest', count } };
    }
    case 'nDaysSinceLastPush': {
      const count = number();
      return count === undefined
        ? undefined
        : { keep: { 'younger-than': `${count}d` }, spares: { key: 'older-than', count } };
    }
    case 'nDaysSinceLastPull': {
      const count = number();
      return count === undefined
        ? undefined
        : { keep: { 'pulled-within': `${count}d` }, spares: { key: 'not-pulled-for', count } };
    }
    default:
      problem.found.push(
        `${where}: a policy cannot keep by ${quoted(String(template))}, and would delete more without this rule. Disable it, or choose another one.`,
      );
      return undefined;
  }
}

/** `matches` retains an artifact of which a tag matches, `excludes` one of which a tag does not. Undefined after a problem. */
function tagsOf({ kind, decoration, pattern }: Fields, where: string, problem: ImportProblems) {
  if (kind !== 'doublestar' || typeof pattern !== 'string' || (decoration !== 'matches' && decoration !== 'excludes'))
    return problem.wrong(`${where}.tag_selectors[0]`, 'a pattern of `doublestar`', { kind, decoration, pattern });
  const isAll = pattern === '**' || pattern === '*';
  if (isAll) return decoration === 'matches' ? ['*'] : [];
  // No tag matches these.
  if (pattern === '' || pattern.startsWith('!')) return decoration === 'matches' ? [] : ['*'];
  const glob = pattern.replaceAll(/\*+/g, '*');
  const read = parseTagPattern(`!${glob}`);
  const positive = decoration === 'matches' ? parseTagPattern(glob) : read;
  if (read.ok && positive.ok && read.value.kind === 'glob') return [decoration === 'matches' ? glob : `!${glob}`];
  problem.found.push(`${where}: a policy has no pattern like ${quoted(pattern)}.`);
  return undefined;
}

function takesUntagged({ decoration, extras }: Fields): boolean {
  const found = /"untagged"\s*:\s*(true|false)/.exec(typeof extras === 'string' ? extras : '')?.[1];
  return found === undefined ? decoration === 'matches' : found === 'true';
}

function scopeOf(value: unknown, where: string, problem: ImportProblems): Scope | undefined {
  if (value === undefined || value === null) return { matches: ['**'], excludes: [] };
  const matches: string[] = [];
  const excludes: string[] = [];
  for (const each of problem.list(value, where)) {
    const { kind, decoration, pattern } = isFields(each) ? each : {};
    const isKnown = kind === 'doublestar' && typeof pattern === 'string' && /^[a-z0-9*?{},._/-]+$/.test(pattern);
    if (!isKnown || (decoration !== 'repoMatches' && decoration !== 'repoExcludes'))
      return problem.wrong(where, 'patterns of repositories', each);
    (decoration === 'repoMatches' ? matches : excludes).push(pattern);
  }
  if (matches.length > 1) {
    problem.found.push(`${where}: a repository has to match all patterns, and in a policy one of them.`);
    return undefined;
  }
  return { matches: matches.length === 0 ? ['**'] : matches, excludes };
}

/** An entry for each repository that is named, with the rules about every repository, and one for the others. */
function entriesOf(rules: readonly Retained[], problem: ImportProblems): readonly ImportedEntry[] {
  const keyOf = ({ matches, excludes }: Scope) => JSON.stringify([matches, excludes.toSorted()]);
  const isNamed = ({ matches: [pattern = ''], excludes }: Scope) => excludes.length === 0 && !/[*?{]/.test(pattern);
  const scopes = [...new Map(rules.map(({ scope }) => [keyOf(scope), scope])).values()];
  const named = scopes.filter(isNamed).flatMap(({ matches }) => matches);
  const [wide, ...more] = scopes.filter((scope) => !isNamed(scope));
  const isForAll = (scope: Scope | undefined) => scope?.matches[0] === '**' && scope.excludes.length === 0;
  if (more.length > 0 || (wide !== undefined && named.length > 0 && !isForAll(wide))) {
    problem.found.push(
      'The rules are about repositories that may overlap, and each repository has one entry in a policy: write a retention for each group of repositories, and convert them one by one.',
    );
    return [];
  }
  const inAnyProject = (pattern: string) => `*/${pattern}`;
  const of = (scope: Scope | undefined) =>
    rules.filter((rule) => scope !== undefined && keyOf(rule.scope) === keyOf(scope));
  const entries = named.map((pattern): ImportedEntry => {
    const own = rules.filter(({ scope }) => isNamed(scope) && scope.matches[0] === pattern);
    return { match: [inAnyProject(pattern)], rules: rulesOf([...own, ...of(wide)]) };
  });
  if (wide === undefined) return entries;
  const { matches, excludes } = wide;
  const isEverywhere = isForAll(wide) && named.length === 0;
  const match = [
    ...matches.map((pattern) => (pattern === '**' ? '**' : inAnyProject(pattern))),
    ...[...excludes, ...named].map((pattern) => `!${inAnyProject(pattern)}`),
  ];
  return [...entries, { ...(isEverywhere ? {} : { match }), rules: rulesOf(of(wide)) }];
}

/** One removal of what has tags and one of what has none, and what keeps. */
function rulesOf(rules: readonly Retained[]): readonly ImportedRule[] {
  const tagged = rules.filter(({ tags }) => tags !== undefined);
  const isAboutAll = ({ tags }: Retained) => tags?.[0] === '*';
  // Untagged artifacts have no tags that a pattern could match: every rule about them is a condition.
  const untagged = rules.filter((rule) => rule.untagged);
  const retainsAll = (list: readonly Retained[]) => list.some(({ spares }) => spares === undefined);
  const keeping = tagged.filter((rule) => !isAboutAll(rule));
  return [
    ...(retainsAll(tagged.filter(isAboutAll))
      ? []
      : rulesFor('tagged', { tags: ['*'], untagged: false }, { remove: removalBut(tagged.filter(isAboutAll)) })),
    ...(retainsAll(untagged) ? [] : rulesFor('untagged', { untagged: true }, { remove: removalBut(untagged) })),
    ...keeping.flatMap(({ name, tags, keep }) =>
      tags === undefined ? [] : rulesFor(name, { tags, untagged: false }, { keep }),
    ),
  ];
}

/** Removes what none of the rules retains: what meets the opposite of each. */
function removalBut(rules: readonly Retained[]): NonNullable<ImportedRule['remove']> {
  const most = (key: string) =>
    Math.max(-1, ...rules.flatMap(({ spares }) => (spares?.key === key ? [spares.count] : [])));
  const newest = most('keep-newest');
  const pulled = most('not-pulled-for');
  return {
    'older-than': `${Math.max(0, most('older-than'))}d`,
    ...(pulled < 0 ? {} : { 'not-pulled-for': `${pulled}d` }),
    ...(newest < 0 ? {} : { 'keep-newest': newest }),
  };
}
