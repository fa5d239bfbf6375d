import { type Fields, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import type { ImageName } from '../reference.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { isSameEnvironment } from './record.ts';
import { type Requirement, readPolicy } from './requirements.ts';
import { environmentTag } from './templates.ts';

const KEYS: readonly string[] = ['require', 'environments', 'repositories', 'gate'];
const EXPECTED = '`require`, `environments`, `repositories` or `gate`';
/** A repository, `*` for what has no slash in it, and `**` for anything. */
const PATTERN = /^[a-z0-9*][a-z0-9._:/*-]*$/;
/** Each may be tried against the others: more would take long. */
const MAX_STARS = 8;

/** What a promotion writes: what a policy is looked up by. */
export interface Written {
  /** The environment, or the tag that stands for it. */
  readonly environment: string;
  readonly tags: readonly string[];
  readonly repositories: readonly Pick<ImageName, 'name' | 'repository'>[];
}

/**
 * Reads a promotion policy: `require` holds for every promotion, `environments.<name>` for one environment,
 * `repositories.<pattern>` for what is written there, whatever environment is given; `gate` is read elsewhere. All lists are
 * checked, so that a mistake is told before the day on which it counts. Names of environments are compared as GitHub compares
 * them, whatever their case. Whoever writes the tag of an environment promotes to it.
 * @param value parsed YAML
 * @param where the file, for messages
 */
export function readPolicyFile(value: unknown, written: Written, where: string): Parsed<readonly Requirement[]> {
  if (!isFields(value)) return problems(`${where}: expected a map with \`require\` and \`environments\`.`);
  const found = Object.keys(value)
    .filter((key) => !KEYS.includes(key))
    .map((key) => `${where}: unknown key ${quoted(key)}, expected ${EXPECTED}.${didYouMean(key, KEYS)}`);
  const map = (key: 'environments' | 'repositories', of: string): Fields => {
    const { [key]: fields = {} } = value;
    if (isFields(fields)) return fields;
    found.push(`${where}, ${key}: expected a map of ${of}, each with a list of requirements.`);
    return {};
  };
  const environments = Object.entries(map('environments', 'environments')).map(([name, list]) => ({
    own: isEnvironment(name, written),
    name,
    read: readPolicy(list, `${where}, environments.${name}`),
  }));
  const repositories = Object.entries(map('repositories', 'patterns')).map(([pattern, list]) => ({
    own: written.repositories.some((image) => matches(pattern, image)),
    name: undefined,
    read: readRepository(pattern, list, `${where}, repositories.${pattern}`, environments),
  }));
  const { require = [] } = value;
  const lists = [
    { own: true, name: undefined, read: readPolicy(require, `${where}, require`) },
    ...environments,
    ...repositories,
  ];
  found.push(...lists.flatMap(({ read }) => (read.ok ? [] : read.problems)));
  return found.length > 0
    ? problems(...found)
    : parsed(lists.flatMap(({ own, read }) => (own && read.ok ? read.value : [])));
}

interface EnvironmentList {
  readonly name: string;
  readonly read: Parsed<readonly Requirement[]>;
}

/** A list of requirements, or the name of the environment whose list counts. */
function readRepository(
  pattern: string,
  value: unknown,
  where: string,
  environments: readonly EnvironmentList[],
): Parsed<readonly Requirement[]> {
  const stars = pattern.replaceAll('**', '*').split('*').length - 1;
  if (!PATTERN.test(pattern.toLowerCase()) || pattern.includes('//') || stars > MAX_STARS) {
    return problems(`${where}: expected a repository such as \`ghcr.io/org/prod/*\`, with at most ${MAX_STARS} \`*\`.`);
  }
  if (typeof value !== 'string') return readPolicy(value, where);
  const named = environments.filter(({ name }) => isSameEnvironment(name, value));
  if (named.length > 0) return parsed(named.flatMap(({ read }) => (read.ok ? read.value : [])));
  const names = environments.map(({ name }) => name);
  return problems(
    `${where}: ${quoted(value)} is none of \`environments\`; expected one of them, or a list of requirements.${didYouMean(value, names)}`,
  );
}

function isEnvironment(name: string, { environment, tags }: Written): boolean {
  return isSameEnvironment(name, environment) || tags.some((tag) => tag.toLowerCase() === environmentTag(name));
}

/** Whether a pattern names a repository, with or without its host. */
function matches(pattern: string, { name, repository }: Pick<ImageName, 'name' | 'repository'>): boolean {
  const source = withoutPort(pattern.toLowerCase())
    .split(/(\*{2,}|\*)/)
    .map((part) => (/^\*{2,}$/.test(part) ? '.*' : part === '*' ? '[^/]*' : part.replaceAll('.', '\\.')))
    .join('');
  const whole = new RegExp(`^${source}$`);
  return whole.test(withoutPort(name)) || whole.test(repository);
}

/** `ghcr.io:443` is `ghcr.io`: a policy for one is a policy for the other. */
function withoutPort(name: string): string {
  return name.replace(/^([^/]*):0*443(?=\/)/, '$1');
}
