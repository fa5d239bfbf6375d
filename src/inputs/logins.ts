import type { Document } from 'yaml';
import { type Parsed, parsed, problems as refused } from '../domain/parsed.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';
import { KEYLESS_INPUTS, type Keyless, type KeylessInput } from './keyless.ts';
import { type Facts, type Field, field, type Mask, maskAll } from './schema.ts';

/** User name and password for one registry host. */
export interface LoginInput {
  /** Host as in image names: `docker.io`, `ghcr.io`, `registry.example.com:5000`. */
  readonly host: string;
  /** The part of the registry that it is for, `acme` or `acme/app`; absent: all of it. Only `mirror` takes these. */
  readonly scope?: string;
  readonly username: string;
  readonly password: string;
}

/** Configuration of one registry: credentials, settings of a keyless login, or only its name. */
export interface RegistryEntry {
  readonly host: string;
  /** As in {@link LoginInput}. */
  readonly scope?: string;
  readonly login?: LoginInput;
  /** Keys of a login with an empty value, such as secrets in pull requests from forks. */
  readonly empty?: readonly string[];
  readonly keyless: Keyless;
}

let yaml: typeof import('yaml') | undefined;

/**
 * Loads the YAML parser; call it before reading logins. Without logins it would be most of the code loaded at start.
 */
export async function loadYaml(): Promise<void> {
  yaml = await import('yaml');
}

const KEYS = ['registry', 'username', 'password', ...KEYLESS_INPUTS];

/** Keys of docker/login-action that this action does not need, with an alternative. */
const FOREIGN_KEYS: Readonly<Record<string, string>> = {
  ecr: 'Remove it. An Amazon ECR host is known by its name; `role-to-assume` logs in without a stored secret.',
  scope: 'Remove it. Credentials are used for their host only.',
  logout: 'Remove it. Credentials never outlive the job.',
};

/**
 * docker/login-action's `registry-auth`: a YAML list of `registry`, `username` and `password`. Instead of the last two
 * an entry may contain inputs of a keyless login, or nothing: then existing credentials are used.
 * https://github.com/docker/login-action#registry-auth
 */
export function logins(facts: Facts): Field<readonly RegistryEntry[]> {
  return field('YAML list', { ...facts, secret: true }, (raw, mask) => {
    if (raw === '') return parsed([]);
    maskPasswordLines(raw, mask);
    if (yaml === undefined) throw new Error('Logins are read before loadYaml().');
    // The failsafe schema reads every scalar as text: the password 0123 is not the number 123.
    const document = yaml.parseDocument(raw, { schema: 'failsafe', prettyErrors: false, logLevel: 'silent' });
    const broken = document.errors[0];
    if (broken !== undefined) {
      // The parser's message may quote the text, which contains passwords.
      const line = raw.slice(0, broken.pos[0]).split('\n').length;
      return refused(`line ${line} is not YAML (${broken.code}). Put user name and password in single quotes.`);
    }
    const value = toValue(document);
    if (value === undefined) {
      return refused(
        'a value begins with `*`, which is an alias in YAML. Put user name and password in single quotes.',
      );
    }
    if (!Array.isArray(value)) return refused('expected a YAML list: each login begins with `- registry: <host>`.');
    const read = value.map((entry: unknown, at) => readLogin(entry, `entry ${at + 1}`, mask));
    const problems = read.flatMap((each) => (each.ok ? [] : each.problems));
    const found = read.flatMap((each) => (each.ok ? [each.value] : []));
    const hosts = found.map(({ host, scope }) => (scope === undefined ? host : `${host}/${scope}`));
    const twice = new Set(hosts.filter((host, at) => hosts.indexOf(host) !== at));
    problems.push(...[...twice].map((host) => `${host} is given more than once.`));
    return problems.length > 0 ? refused(...problems) : parsed(found);
  });
}

/** The document as plain data; undefined when it contains an unresolved alias, such as the password `*abc`. */
function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch {
    // The parser's message names the alias, which may be the password.
    return undefined;
  }
}

function readLogin(entry: unknown, where: string, mask: Mask): Parsed<RegistryEntry> {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return refused(`${where}: expected \`registry\`, \`username\` and \`password\`.`);
  }
  const keys: Record<string, unknown> = { ...entry };
  const { registry = 'docker.io', username, password, ...others } = keys;
  if (typeof password === 'string') maskAll(password.trim(), mask);
  const problems: string[] = [];
  const keyless: { [Name in KeylessInput]?: string } = {};
  for (const [key, value] of Object.entries(others)) {
    const name = KEYLESS_INPUTS.find((each) => each === key);
    if (name !== undefined && typeof value === 'string' && value.trim() !== '') keyless[name] = value.trim();
    else if (name !== undefined) problems.push(`${where}: \`${key}\` is empty.`);
    else if (Object.hasOwn(FOREIGN_KEYS, key))
      problems.push(`${where}: \`${key}\` is not used here. ${FOREIGN_KEYS[key]}`);
    else
      problems.push(
        `${where}: unknown key \`${key.slice(0, 40)}\`, expected ${KEYS.join(', ')}.${didYouMean(key, KEYS)}`,
      );
  }
  const place = typeof registry === 'string' ? readScopedHost(registry) : refused('expected a host name.');
  const host = place.ok ? parsed(place.value.host) : place;
  if (!host.ok) problems.push(...host.problems.map((problem) => `${where}: \`registry\` ${problem}`));
  const withPassword = username !== undefined || password !== undefined;
  const empty = (withPassword ? Object.entries({ username, password }) : []).flatMap(([key, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [] : [key],
  );
  if (withPassword && Object.keys(keyless).length > 0) {
    problems.push(`${where}: a password and a keyless login are given for the same registry. Keep one.`);
  }
  if (!place.ok || !host.ok || problems.length > 0) return refused(...problems);
  const scope = place.value.scope === undefined ? {} : { scope: place.value.scope };
  return parsed({
    host: host.value,
    ...scope,
    keyless,
    ...(empty.length > 0 ? { empty } : {}),
    ...(empty.length === 0 && typeof username === 'string' && typeof password === 'string'
      ? { login: { host: host.value, ...scope, username: username.trim(), password: password.trim() } }
      : {}),
  });
}

/** The text after `password:` on a line, even if the whole is not valid YAML. */
function maskPasswordLines(raw: string, mask: Mask): void {
  for (const [, value = ''] of raw.matchAll(/^\s*-?\s*["']?password["']?\s*:[ \t]*(.+)$/gim)) {
    const bare = value.trim().replace(/^(["'])(.*)\1$/, '$2');
    if (!/^[|>][+-]?\d?$/.test(bare)) maskAll(bare, mask);
  }
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

/** Docker Hub's names, as used by users and docker. */
const DOCKER_HUB = [
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
];

/** A registry host, or a host with the path that credentials are for: `docker.io/acme`. */
function readScopedHost(raw: string): Parsed<{ readonly host: string; readonly scope?: string }> {
  const whole = readHost(raw);
  if (whole.ok) return parsed({ host: whole.value });
  const [first = '', ...path] = raw.trim().toLowerCase().split('/');
  const host = readHost(first);
  if (!host.ok || path.length === 0 || /^v[12]$/.test(path[0] ?? '')) return whole;
  const isPath = path.every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part));
  return isPath ? parsed({ host: host.value, scope: path.join('/') }) : whole;
}

/**
 * A registry host as in image names, from the user's spelling: `https://index.docker.io/v1/` is `docker.io`. Rejects
 * paths other than docker's old `/v1/` and `/v2/`: credentials are stored by host.
 */
export function readHost(raw: string): Parsed<string> {
  const host = raw
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '');
  if (DOCKER_HUB.includes(host)) return parsed('docker.io');
  return HOST.test(host)
    ? parsed(host)
    : refused(`got ${quoted(raw)}, expected a host such as ghcr.io or registry.example.com:5000, without a path.`);
}
