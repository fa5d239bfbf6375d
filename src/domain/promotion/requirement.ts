import { type ProofTerms, proofText } from './proof-terms.ts';

/** A condition for promoting an image. */
export type Requirement =
  | { readonly name: 'platforms'; readonly platforms: readonly string[] }
  | ({ readonly name: 'sbom' } & Provable)
  | ({ readonly name: 'provenance' } & ProvenanceTerms & Provable)
  | ({ readonly name: 'signature' } & SignatureTerms)
  /** `maxAge` in milliseconds; `now`: this run makes the scan. */
  | ({ readonly name: 'scan'; readonly maxAge: number | 'now' } & Provable)
  | { readonly name: 'deployed'; readonly environment: string }
  | { readonly name: 'branch'; readonly branch: string }
  | { readonly name: 'not-older' };

interface Provable {
  /** Only a signed statement meets it; without it, an unsigned one does as well, and is shown as such. */
  readonly proof?: ProofTerms;
}

interface SignatureTerms {
  /** The required signer, in full or as a pattern between `^` and `$`; undefined: as configured by the inputs. */
  readonly identity?: string;
  readonly issuer?: string;
  /** Predicate types that must be signed as well. */
  readonly statements: readonly string[];
}

export interface ProvenanceTerms {
  /** In full, or a prefix followed by `*`. */
  readonly builder?: string;
  /** `org/app` or a URL. */
  readonly repository?: string;
  /** Full commit id. */
  readonly commit?: string;
}

/** A requirement that a signed statement can meet. */
export type ProvableRequirement = Extract<Requirement, { readonly name: 'sbom' | 'provenance' | 'scan' }>;

/** Whether a signed statement can meet it; `scan=now` is made by this run. */
export function isProvable(requirement: Requirement): requirement is ProvableRequirement {
  return requirement.name === 'scan'
    ? requirement.maxAge !== 'now'
    : requirement.name === 'sbom' || requirement.name === 'provenance';
}

/** Units of a length of time, in milliseconds. */
export const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The combined requirements of policy file and input. All must be met, so the input can only add to the file: platforms
 * are merged, and the lowest maximum age applies.
 */
export function mergeRequirements(
  policy: readonly Requirement[],
  input: readonly Requirement[],
): readonly Requirement[] {
  const merged = new Map<string, Requirement>();
  for (const each of [...policy, ...input]) {
    const key =
      each.name === 'platforms'
        ? each.name
        : each.name === 'scan'
          ? [each.name, ...proofText(each.proof)].join()
          : requirementText(each);
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : stricter(before, each));
  }
  return [...merged.values()];
}

/** A requirement as a line of the input. */
export function requirementText(requirement: Requirement): string {
  switch (requirement.name) {
    case 'platforms':
      return `platforms=${requirement.platforms.join(',')}`;
    case 'provenance': {
      const { builder, repository, commit } = requirement;
      const terms = Object.entries({ builder, repository, commit }).filter(([, value]) => value !== undefined);
      return ['provenance', ...terms.map(([key, value]) => `${key}=${value}`), ...proofText(requirement.proof)].join();
    }
    case 'scan':
      return requirement.maxAge === 'now'
        ? 'scan=now'
        : ['scan', `max-age=${lengthOfTime(requirement.maxAge)}`, ...proofText(requirement.proof)].join();
    case 'deployed':
      return `deployed=${requirement.environment}`;
    case 'branch':
      return `branch=${requirement.branch}`;
    case 'signature': {
      const { identity, issuer, statements } = requirement;
      const terms = Object.entries({ identity, issuer }).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []));
      return ['signature', ...terms, ...statements.map((type) => `statement=${type}`)].join(',');
    }
    case 'sbom':
      return ['sbom', ...proofText(requirement.proof)].join();
    case 'not-older':
      return requirement.name;
  }
}

/** A duration in its largest whole unit: `7d`. */
export function lengthOfTime(milliseconds: number): string {
  const [unit, size] =
    Object.entries(UNITS)
      .toReversed()
      .find(([, each]) => milliseconds >= each && milliseconds % each === 0) ?? [];
  return unit === undefined || size === undefined
    ? `${Math.ceil(milliseconds / 1000)}s`
    : `${milliseconds / size}${unit}`;
}

function stricter(a: Requirement, b: Requirement): Requirement {
  if (a.name === 'platforms' && b.name === 'platforms') {
    return { name: 'platforms', platforms: [...new Set([...a.platforms, ...b.platforms])] };
  }
  if (a.name === 'scan' && b.name === 'scan') {
    // Both have the same `proof`.
    if (a.maxAge === 'now' || b.maxAge === 'now') return { ...a, maxAge: 'now' };
    return { ...a, maxAge: Math.min(a.maxAge, b.maxAge) };
  }
  return a;
}
