type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The pulls that a registry still allows. */
export interface PullQuota {
  readonly limit?: number;
  readonly remaining: number;
  /** When all of them are back at the latest, where the response says it. */
  readonly resetAt?: Date;
}

/**
 * The pull quota in a response; undefined when it has none. Docker Hub sends it with every manifest, also for a HEAD,
 * which is not counted. https://docs.docker.com/docker-hub/usage/pulls/#view-hourly-pull-rate-and-limit
 */
export function pullQuota(headers: Headers, now: Date): PullQuota | undefined {
  const left = readCount(headers['ratelimit-remaining']);
  if (left === undefined) return undefined;
  const limit = readCount(headers['ratelimit-limit']);
  const seconds = left.window ?? limit?.window;
  return {
    remaining: left.count,
    ...(limit === undefined ? {} : { limit: limit.count }),
    ...(seconds === undefined ? {} : { resetAt: new Date(now.getTime() + seconds * 1000) }),
  };
}

/**
 * The rate limit in a response, as a sentence: the remaining requests, the window, the account or address, and the
 * reset time. Covers Docker Hub's pulls (`ratelimit-remaining: 0;w=21600`) and the `x-ratelimit-…` of its API and of
 * GitHub's. https://docs.docker.com/docker-hub/usage/pulls/#view-hourly-pull-rate-and-limit
 * @returns undefined when the response has no rate limit headers
 */
export function rateLimitSaid(headers: Headers, now: Date): string | undefined {
  const limit = readCount(headers['ratelimit-limit']) ?? readCount(headers['x-ratelimit-limit']);
  const left = readCount(headers['ratelimit-remaining']) ?? readCount(headers['x-ratelimit-remaining']);
  if (left === undefined) return undefined;
  const seconds = left.window ?? limit?.window;
  const window = seconds === undefined ? '' : ` in ${hours(seconds)}`;
  const whole = limit === undefined ? '' : ` of ${limit.count}`;
  const source = String(headers['docker-ratelimit-source'] ?? '');
  const counted = /^[0-9A-Za-z.:_-]{1,64}$/.test(source) ? `, counted for ${source}` : '';
  return `${left.count}${whole} requests${window} are left${counted}; ${resets(headers, seconds, now)}`;
}

/** The rate limit in a response as numbers; undefined without one: an account may have none. */
export function readRateLimit(
  headers: Headers,
): { readonly limit: number; readonly remaining: number; readonly windowSeconds?: number } | undefined {
  const limit = readCount(headers['ratelimit-limit']) ?? readCount(headers['x-ratelimit-limit']);
  const left = readCount(headers['ratelimit-remaining']) ?? readCount(headers['x-ratelimit-remaining']);
  if (limit === undefined || left === undefined) return undefined;
  const windowSeconds = limit.window ?? left.window;
  return { limit: limit.count, remaining: left.count, ...(windowSeconds === undefined ? {} : { windowSeconds }) };
}

/** The same in brackets as part of a message, for statuses that a rate limit may explain. */
export function limitOf(status: number, headers: Headers, now: Date): string {
  const said = status === 429 || status === 403 ? rateLimitSaid(headers, now) : undefined;
  return said === undefined ? '' : ` (${said.replace(/\.$/, '')})`;
}

function resets(headers: Headers, window: number | undefined, now: Date): string {
  const at = /^\d{9,11}$/.exec(String(headers['x-ratelimit-reset'] ?? ''))?.[0];
  if (at !== undefined) return `the limit resets at ${new Date(Number(at) * 1000).toISOString()}.`;
  if (window === undefined) return 'the response does not include when the limit resets.';
  return `all of them are back by ${new Date(now.getTime() + window * 1000).toISOString()} at the latest.`;
}

/** `100;w=21600` or `100` */
function readCount(header: Headers[string]): { readonly count: number; readonly window?: number } | undefined {
  const [, count, window] = /^(\d{1,9})(?:;w=(\d{1,9}))?$/.exec(String(header ?? '').trim()) ?? [];
  if (count === undefined) return undefined;
  return { count: Number(count), ...(window === undefined ? {} : { window: Number(window) }) };
}

function hours(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`;
}
