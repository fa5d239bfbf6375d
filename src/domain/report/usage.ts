/** What a registry says about limits and its own count of bytes. All of it may be unknown. */
export interface RegistryUsage {
  /** Bytes of the repository as the registry counts them, and what it counts. */
  readonly repository?: { readonly bytes: number; readonly counts: string };
  /** Storage of what the repository belongs to: a project, an account. */
  readonly quota?: { readonly name: string; readonly usedBytes: number; readonly limitBytes?: number };
  readonly rateLimits?: readonly RateLimit[];
}

/** Requests that are left. */
interface RateLimit {
  /** `pulls`, `requests`. */
  readonly kind: string;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds that the limit is for. */
  readonly windowSeconds?: number;
  /** ISO 8601. */
  readonly resetAt?: string;
}

/** Shares from which a quota or a rate limit is worth a word. */
const QUOTA_SHARE = 0.8;
const RATE_SHARE = 0.2;

/** What to do about limits, as sentences. */
export function usageAdvice(name: string, { quota, rateLimits = [] }: RegistryUsage): readonly string[] {
  const { usedBytes = 0, limitBytes } = quota ?? {};
  const share = limitBytes === undefined || limitBytes === 0 ? 0 : usedBytes / limitBytes;
  return [
    ...(share >= QUOTA_SHARE
      ? [
          `${quota?.name ?? name} uses ${Math.round(share * 100)} % of its storage quota: pushes fail once it is full. Delete old images with \`command: cleanup\`, or raise the quota.`,
        ]
      : []),
    ...rateLimits
      .filter(({ limit, remaining }) => limit > 0 && remaining / limit < RATE_SHARE)
      .map(
        ({ kind, limit, remaining }) =>
          `${name}: ${remaining} of ${limit} ${kind} are left. Log in, mirror what is pulled often, or spread jobs over time.`,
      ),
  ];
}
