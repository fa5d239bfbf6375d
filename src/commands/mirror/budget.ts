import type { HostLimits } from '../../domain/mirror/config.ts';
import type { PullQuota } from '../../http/rate-limit.ts';
import { fallbackTag } from '../../oci/client/referrers.ts';
import type { Repository } from '../../oci/client/repository.ts';

/** A limit was reached: what is left is for a later run. */
export class OverBudget extends Error {
  override readonly name = 'OverBudget';
  readonly resumeAt: Date | undefined;

  constructor(message: string, resumeAt?: Date) {
    super(message);
    this.resumeAt = resumeAt;
  }
}

/** Reads of manifests, of one image. */
export interface PullTally {
  pulls: number;
}

/**
 * The pulls that a run may make at one registry with one account: what the registry still allows, less what is to be left,
 * and not more than a limit. Registries tell with each answer what is left.
 */
export class PullBudget {
  readonly #limits: HostLimits;
  readonly #quota: () => PullQuota | undefined;
  #used = 0;
  #inFlight = 0;

  constructor(limits: HostLimits, quota: () => PullQuota | undefined) {
    this.#limits = limits;
    this.#quota = quota;
  }

  /** Whether pulls are counted: then nothing is read only for a plan. */
  isCounted(): boolean {
    return this.#limits.maxPulls !== undefined || this.#quota() !== undefined;
  }

  /** Pulls made so far. */
  get used(): number {
    return this.#used;
  }

  /** @throws OverBudget when fewer pulls are left */
  require(pulls: number): void {
    const { keepPulls = 0, maxPulls = Number.POSITIVE_INFINITY } = this.#limits;
    if (this.#used + pulls > maxPulls) throw new OverBudget(`\`max-pulls: ${maxPulls}\` of this run are used up`);
    const quota = this.#quota();
    if (quota === undefined || quota.remaining - this.#inFlight - keepPulls >= pulls) return;
    const left = Math.max(0, quota.remaining - this.#inFlight);
    const kept = keepPulls > 0 ? `, and \`keep-pulls\` leaves ${keepPulls}` : '';
    throw new OverBudget(`${left} pulls are left${kept}`, quota.resetAt);
  }

  /**
   * The repository with every read of a manifest counted, also that of a list of referrers under a tag.
   * @param tally of these reads alone
   */
  counting(repository: Repository, tally: PullTally = { pulls: 0 }): Repository {
    const count = async <T>(read: () => Promise<T>): Promise<T> => {
      this.require(1);
      this.#used++;
      tally.pulls++;
      this.#inFlight++;
      try {
        return await read();
      } finally {
        this.#inFlight--;
      }
    };
    return {
      ...repository,
      get: (reference) => count(() => repository.get(reference)),
      referrers: (digest, known) => {
        const read = () => repository.referrers(digest, known);
        return known?.tags?.has(fallbackTag(digest)) === false ? read() : count(read);
      },
    };
  }
}

/** The bytes that a run may read from all sources. */
export class ByteBudget {
  readonly #limit: number;
  #reserved = 0;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** @throws OverBudget when they are more than what is left */
  reserve(bytes: number): void {
    if (bytes > this.#limit) throw new OverBudget(`the image is larger than \`max-bytes\` of a whole run`);
    if (this.#reserved + bytes > this.#limit) throw new OverBudget('`max-bytes` of this run are used up');
    this.#reserved += bytes;
  }
}
