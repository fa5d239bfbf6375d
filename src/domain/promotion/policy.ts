import { type Fields, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import type { ImageName } from '../reference.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import type { PartName } from './policy-part.ts';
import { isSameEnvironment } from './record.ts';
import type { Requirement } from './requirement.ts';
import { readPolicy } from './requirements.ts';
import { environmentTag } from './templates.ts';

const KEYS: readonly string[] = ['require', 'environments', 'repositories', 'gate'];
const EXPECTED = '`require`, `environments`, `repositories` or `gate`';
/** A repository, where `*` matches anything without a slash, and `**` anything. */
const PATTERN = /^[a-z0-9*][a-z0-9._:/*-]*$/;
/** Limit, because every pattern may be matched against the others. */
const MAX_STARS = 8;

/** The targets of a promotion, by which a policy is looked up. */
export interface Written {
  /** The environment, or its tag. */
  readonly environment: string;
  readonly tags: readonly string[];
  readonly repositories: readonly Pick<ImageName, 'name' | 'repository'>[];
}

/**
 * Reads a promotion policy: `require` applies to every promotion, `environments.<name>` to one environment,
 * `repositories.<pattern>` to what is written there, whatever the environment; `gate` is read elsewhere. Validates all
 * lists, so that mistakes are reported before they matter. Environment names are case-insensitive, as on GitHub.
 * Writing an environment's tag counts as promoting to it.
 * @param value parsed YAML
 * @param nameOf the file and a part of it, for messages
 */
export function readPolicyFile(value: unknown, written: Written, nameOf: PartName): Parsed<readonly Requirement[]> {
  if (!isFields(value)) return problems(`${nameOf([])}: expected a map with \`require\` and \`environments\`.`);
  const found = Object.keys(value)
    .filter((key) => !KEYS.includes(key))
    .map((key) => `${nameOf([key])}: unknown key ${quoted(key)}, expected ${EXPECTED}.${didYouMean(key, KEYS)}`);
  const map = (key: 'environments' | 'repositories', of: string): Fields => {
    const { [key]: fields = {} } = value;
    if (isFields(fields)) return fields;
    found.push(`${nameOf([key])}: expected a map of ${of}, each with a list of requirements.`);
    return {};
  };
  const environments = Object.entries(map('environments', 'environments')).map(([name, list]) => ({
    own: isEnvironment(name, written),
    name,
    read: readPolicy(list, ['environments', name], nameOf),
  }));
  const repositories = Object.entries(map('repositories', 'patterns')).map(([pattern, list]) => ({
    own: written.repositories.some((image) => matches(pattern, image)),
    name: undefined,
    read: readRepository(pattern, list, nameOf, environments),
  }));
  const { require = [] } = value;
  const lists = [
    { own: true, name: undefined, read: readPolicy(require, ['require'], nameOf) },
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

/** A list of requirements, or the name of an environment whose list applies. */
function readRepository(
  pattern: string,
  value: unknown,
  nameOf: PartName,
  environments: readonly EnvironmentList[],
): Parsed<readonly Requirement[]> {
  const path = ['repositories', pattern];
  const stars = pattern.replaceAll('**', '*').split('*').length - 1;
  if (!PATTERN.test(pattern.toLowerCase()) || pattern.includes('//') || stars > MAX_STARS) {
    return problems(
      `${nameOf(path)}: expected a repository such as \`ghcr.io/org/prod/*\`, with at most ${MAX_STARS} \`*\`.`,
    );
  }
  if (typeof value !== 'string') return readPolicy(value, path, nameOf);
  const named = environments.filter(({ name }) => isSameEnvironment(name, value));
  if (named.length > 0) return parsed(named.flatMap(({ read }) => (read.ok ? read.value : [])));
  const names = environments.map(({ name }) => name);
  return problems(
    `${nameOf(path)}: ${quoted(value)} is none of \`environments\`; expected one of them, or a list of requirements.${didYouMean(value, names)}`,
  );
}

function isEnvironment(name: string, { environment, tags }: Written): boolean {
  return isSameEnvironment(name, environment) || tags.some((tag) => tag.toLowerCase() === environmentTag(name));
}

/** Whether a pattern matches a repository, with or without its host. */
function matches(pattern: string, { name, repository }: Pick<ImageName, 'name' | 'repository'>): boolean {
  const source = withoutPort(pattern.toLowerCase())
    .split(/(\*{2,}|\*)/)
    .map((part) => (/^\*{2,}$/.test(part) ? '.*' : part === '*' ? '[^/]*' : part.replaceAll('.', '\\.')))
    .join('');
  const whole = new RegExp(`^${source}$`);
  return whole.test(withoutPort(name)) || whole.test(repository);
}

/** `ghcr.io:443` is `ghcr.io`: a policy for one applies to the other. */
function withoutPort(name: string): string {
  return name.replace(/^([^/]*):0*443(?=\/)/, '$1');
}
