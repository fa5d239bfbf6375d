import type { BuildRequest } from './build-request.ts';

/**
 * Credentials in a cache's options, and the variables that buildx reads them from if the options have none.
 * https://docs.docker.com/build/cache/backends/s3/, https://docs.docker.com/build/cache/backends/gha/
 */
const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  s3: {
    access_key_id: 'AWS_ACCESS_KEY_ID',
    secret_access_key: 'AWS_SECRET_ACCESS_KEY',
    session_token: 'AWS_SESSION_TOKEN',
  },
  gha: { token: 'ACTIONS_RUNTIME_TOKEN' },
};

/** Options that BuildKit takes from nowhere else. */
const ON_COMMAND_LINE: Readonly<Record<string, string>> = { azblob: 'secret_access_key', gha: 'ghtoken' };

/**
 * A request whose caches have their credentials in the environment: the command line is visible to every process of the
 * runner.
 * @returns the request, and the variables; where two caches name different credentials, those of the first are used for
 * both, and `conflict` names the option
 */
export function withoutCacheCredentials(request: Pick<BuildRequest, 'cacheFrom' | 'cacheTo'>): {
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly conflict: string | undefined;
} {
  const variables: Record<string, string> = {};
  let conflict: string | undefined;
  const strip = (cache: string): string => {
    const options = optionsOf(cache);
    const names = VARIABLES[typeOf(options)] ?? {};
    const kept = options.filter(({ name, value }) => {
      const variable = names[name];
      if (variable === undefined) return true;
      if (!variables[variable]) variables[variable] = value;
      else if (variables[variable] !== value) conflict ??= name;
      return false;
    });
    if (kept.length === options.length) return cache;
    // The session token of another identity in the environment would spoil the keys.
    for (const variable of Object.values(names)) variables[variable] ??= '';
    return kept.map(({ text }) => text).join(',');
  };
  const [cacheFrom, cacheTo] = [request.cacheFrom.map(strip), request.cacheTo.map(strip)];
  return { cacheFrom, cacheTo, variables, conflict };
}

/** Options with a secret that stays on the command line: `azblob: secret_access_key`. */
export function exposedCacheOptions(caches: readonly string[]): readonly string[] {
  const found = caches.flatMap((cache) => {
    const options = optionsOf(cache);
    const type = typeOf(options);
    return options.filter(({ name }) => name === ON_COMMAND_LINE[type]).map(({ name }) => `${type}: ${name}`);
  });
  return [...new Set(found)];
}

interface Option {
  readonly name: string;
  readonly value: string;
  readonly text: string;
}

const typeOf = (options: readonly Option[]) => options.find(({ name }) => name === 'type')?.value ?? '';

function optionsOf(cache: string): readonly Option[] {
  // A quoted option may contain commas.
  const parts = cache.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
  return parts.map((text) => {
    const plain = text.trim().replace(/^"(.*)"$/, '$1');
    const at = plain.indexOf('=');
    return { name: plain.slice(0, Math.max(at, 0)).trim().toLowerCase(), value: plain.slice(at + 1).trim(), text };
  });
}
