import { isFields } from '../../../domain/fields.ts';
import type { DesiredRegistry, DesiredRepository, Given } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { didYouMean } from '../../../domain/suggestion.ts';
import { type DesiredEndpoint, endpointOf } from './desired.ts';

/** Switches of a project that the file has no key for, by their name in Harbor's API, and what they take. */
const SWITCHES: Readonly<Record<string, RegExp>> = {
  prevent_vul: /^(?:true|false)$/,
  severity: /^(?:none|low|medium|high|critical)$/,
  enable_content_trust: /^(?:true|false)$/,
  enable_content_trust_cosign: /^(?:true|false)$/,
  auto_sbom_generation: /^(?:true|false)$/,
  reuse_sys_cve_allowlist: /^(?:true|false)$/,
  proxy_speed_kb: /^(?:-1|[1-9]\d*)$/,
  proxy_cache_local_on_not_found: /^(?:true|false)$/,
  proxy_referrer_api: /^(?:true|false)$/,
};

/** Fields with a key of their own, so that one thing is said in one place. */
const TAKEN: Readonly<Record<string, string>> = {
  public: 'visibility',
  auto_scan: 'scan',
  storage_limit: 'quota',
  retention_id: 'retention',
};

const ROBOTS = 'robots';
const ENDPOINTS = 'endpoints';

type Settings = DesiredRepository['settings'];
const own = ({ own: blocks }: Pick<Settings, 'own'>): ReadonlyMap<string, Given<Json>> =>
  blocks.get('harbor') ?? new Map();

/** The switches of a project that the file sets by Harbor's own names, as the texts that Harbor takes. */
export function ownSwitches(settings: Pick<Settings, 'own'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...own(settings)].flatMap(([field, { value }]) => (SWITCHES[field] === undefined ? [] : [[field, String(value)]])),
  );
}

/** `robots: {ci: {duration: 90}}`: days by robot account. */
export function robotDays(settings: Pick<Settings, 'own'>): ReadonlyMap<string, number> {
  const written = own(settings).get(ROBOTS)?.value;
  const days = new Map<string, number>();
  for (const [name, robot] of isFields(written) ? Object.entries(written) : []) {
    const { duration } = isFields(robot) ? robot : {};
    if (typeof duration === 'number') days.set(name, duration);
  }
  return days;
}

/** `endpoints: {eu: {url, type, access_key, access_secret: env:NAME}}`: other registries that Harbor is to know. */
export function ownEndpoints(desired: DesiredRegistry): ReadonlyMap<string, DesiredEndpoint> {
  const given = own(desired).get(ENDPOINTS);
  const endpoints = new Map<string, DesiredEndpoint>();
  for (const [name, written] of isFields(given?.value) ? Object.entries(given.value) : []) {
    const { url, type, access_key: user, access_secret: secret } = isFields(written) ? written : {};
    if (typeof url !== 'string') continue;
    const found = endpointOf(
      URL.canParse(url) ? new URL(url).host : url,
      name,
      typeof type === 'string' ? type : undefined,
    );
    endpoints.set(name, {
      ...found,
      url,
      ...(typeof user === 'string' && typeof secret === 'string'
        ? { credential: { user, secret: secret.replace(/^env:/, '') } }
        : {}),
    });
  }
  return endpoints;
}

const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });

/** What is wrong with fields of `harbor:`. */
export function ownMistakes(desired: DesiredRegistry): readonly Mistake[] {
  const inRegistry = [...own(desired)].flatMap(([field, { value, line }]) => {
    if (field !== ENDPOINTS) return [unknown(field, [ENDPOINTS], line, 'a registry')];
    return endpointMistakes(value, line);
  });
  const inRepositories = desired.repositories.flatMap(({ settings }) =>
    [...own(settings)].flatMap(([field, { value, line }]) => {
      if (field === ROBOTS) return robotMistakes(value, line);
      const pattern = SWITCHES[field];
      const instead = TAKEN[field];
      if (instead !== undefined)
        return [error(line, `\`harbor.${field}\` has a key of its own: write \`${instead}\`.`)];
      if (pattern === undefined) return [unknown(field, [...Object.keys(SWITCHES), ROBOTS], line, 'a repository')];
      if (pattern.test(String(value))) return [];
      return [error(line, `\`harbor.${field}\`: Harbor takes ${words(pattern)}.`)];
    }),
  );
  return [...inRegistry, ...inRepositories];
}

/** What Harbor has, and a file of repositories is the wrong place for. */
const WITH_WORDS: Readonly<Record<string, string>> = {
  cve_allowlist:
    'A vulnerability is accepted by a person and until a date, so Harbor keeps it in the project: Configuration → CVE allowlist. `reuse_sys_cve_allowlist: "true"` uses the list of the whole Harbor.',
  scanner: 'Harbor decides on the scanner of a project under Scanner; this action scans with `gate`.',
};

function unknown(field: string, known: readonly string[], line: number, where: string): Mistake {
  const reason = WITH_WORDS[field];
  if (reason !== undefined) return error(line, `\`harbor.${field}\` is not supported. ${reason}`);
  return error(
    line,
    `\`harbor.${field}\` is not supported at ${where}: expected ${known.map((each) => `\`${each}\``).join(', ')}.${didYouMean(field, known)}`,
  );
}

function words({ source }: RegExp): string {
  const options = source.replace(/^\^\(\?:|\)\$$/g, '').split('|');
  return options.includes('-1') ? 'a number, or -1 for no limit' : options.join(', ');
}

function robotMistakes(value: Json, line: number): readonly Mistake[] {
  const isRight =
    isFields(value) &&
    Object.values(value).every(
      (each) =>
        isFields(each) &&
        Object.keys(each).join() === 'duration' &&
        Number.isInteger(each.duration) &&
        (each.duration === -1 || Number(each.duration) > 0),
    );
  return isRight
    ? []
    : [error(line, '`harbor.robots` takes days by robot account, such as `{ci: {duration: 90}}`; -1 is for ever.')];
}

function endpointMistakes(value: Json, line: number): readonly Mistake[] {
  if (!isFields(value)) return [error(line, '`harbor.endpoints` takes registries by name: `{eu: {url: https://…}}`.')];
  return Object.entries(value).flatMap(([name, each]) => {
    const { url, type, access_key: user, access_secret: secret, ...others } = isFields(each) ? each : {};
    const [other] = Object.keys(others);
    if (other !== undefined)
      return [
        unknown(`endpoints.${name}.${other}`, ['url', 'type', 'access_key', 'access_secret'], line, 'an endpoint'),
      ];
    if (typeof url !== 'string' || !/^https?:\/\/[^\s@]+$/.test(url)) {
      return [error(line, `\`harbor.endpoints.${name}.url\`: expected the address of a registry, \`https://…\`.`)];
    }
    if (type !== undefined && typeof type !== 'string')
      return [error(line, `\`harbor.endpoints.${name}.type\`: expected a text such as \`harbor\`.`)];
    if ((user === undefined) !== (secret === undefined)) {
      return [error(line, `\`harbor.endpoints.${name}\`: \`access_key\` and \`access_secret\` go together.`)];
    }
    if (secret !== undefined && !(typeof secret === 'string' && /^env:[A-Za-z_]\w*$/.test(secret))) {
      return [
        error(
          line,
          `\`harbor.endpoints.${name}.access_secret\`: a secret is not written here. \`env:NAME\` names a variable of the step.`,
        ),
      ];
    }
    return [];
  });
}
