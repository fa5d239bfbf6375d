/** GitHub's issuer. Enterprises may have one with their name at its end. */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';

/** The only spelling that every registry takes: ECR refuses a semicolon in a media type. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** Predicate types of the statements that are signed here, and of those that others sign. */
export const PREDICATES = {
  /** That an identity signed an image, and nothing more. https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md */
  signature: 'https://sigstore.dev/cosign/sign/v1',
  /** https://slsa.dev/spec/v1.0/provenance */
  provenance: 'https://slsa.dev/provenance/v1',
  /** https://github.com/in-toto/attestation/blob/main/spec/predicates/spdx.md; actions/attest-sbom adds `/v2.3`. */
  sbom: 'https://spdx.dev/Document',
  /** https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md */
  vulnerabilities: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  /** What the gate decided: `docs/predicates/gate-result.md`. */
  gateResult: 'https://registry-action.github.io/predicates/gate-result/v1',
  /** A promotion record: `docs/predicates/promotion.md`. */
  promotion: 'https://registry-action.github.io/predicates/promotion/v1',
} as const;

type PredicateName = keyof typeof PREDICATES;

/** What each statement that can be required is called in inputs, logs and summaries. */
export const STATEMENT_NAMES: Readonly<Record<string, PredicateName>> = {
  signature: 'signature',
  provenance: 'provenance',
  sbom: 'sbom',
  vulnerabilities: 'vulnerabilities',
  'gate-result': 'gateResult',
};

/** The name of a predicate type as users write it; the type itself where it has none. */
export function statementName(predicateType: string): string {
  const [name = predicateType] =
    Object.entries(STATEMENT_NAMES).find(([, key]) => isPredicateType(predicateType, PREDICATES[key])) ?? [];
  return name;
}

/** The names of several statements, each once, with how many there are of it. */
export function statementNames(predicateTypes: readonly string[]): readonly string[] {
  const names = predicateTypes.map(statementName);
  return [...new Set(names)].map((name) => {
    const count = names.filter((each) => each === name).length;
    return count === 1 ? name : `${name} (${count})`;
  });
}

/** Versions of a type that mean the same: SPDX names its version in the type or leaves it out. */
const VERSIONED = /^(https:\/\/spdx\.dev\/Document)\/v[\d.]+$/;

/** Whether a statement has the wanted type. Exact, apart from the version that SPDX may add. */
export function isPredicateType(found: string, wanted: string): boolean {
  const plain = (type: string) => VERSIONED.exec(type)?.[1] ?? type;
  return found === wanted || plain(found) === wanted || (VERSIONED.test(wanted) && found === plain(wanted));
}
