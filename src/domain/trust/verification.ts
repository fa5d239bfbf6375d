import { type Digest, shortDigest } from '../digest.ts';
import type { Fields } from '../fields.ts';
import { lengthOfTime } from '../promotion/requirement.ts';
import type { CertificateClaims } from './claims.ts';
import { readGateResult } from './gate-result.ts';
import { identityProblems, type WantedIdentity } from './identity.ts';
import { isPredicateType, PREDICATES, statementName } from './predicates.ts';
import { provenanceSource } from './provenance.ts';

/** Where a statement was found. */
export type StatementFormat =
  | 'sigstore bundle'
  | 'cosign 2 signature'
  | 'cosign 2 attestation'
  | 'GitHub attestation'
  | 'Notary signature';

/** Who signed, as far as the cryptography shows. */
export type Signer =
  | { readonly kind: 'certificate'; readonly claims: CertificateClaims }
  /** A key that was given, by the SHA-256 of its public half. */
  | { readonly kind: 'key'; readonly key: string }
  /** An X.509 identity of notation's trust policy. */
  | { readonly kind: 'notation'; readonly identity: string };

/** A signed statement whose signature, certificate, log entries and timestamps were checked. */
export interface SignedStatement {
  readonly format: StatementFormat;
  /** The manifest that contains it. */
  readonly manifest: Digest;
  readonly signer: Signer;
  /** When it was signed: from the log's promise or a timestamp authority, never from the statement. */
  readonly time?: Date;
  readonly predicateType: string;
  readonly subjects: readonly Digest[];
  readonly predicate: Fields;
}

/** What claims to be signed and did not stand up to the check. */
export interface RejectedStatement {
  readonly format: StatementFormat;
  readonly manifest: Digest;
  /** Why, as the part of a sentence. */
  readonly reason: string;
}

/** What the registry has about one image. */
export interface FoundStatements {
  readonly signed: readonly SignedStatement[];
  readonly rejected: readonly RejectedStatement[];
}

export type WantedSigner =
  | ({ readonly kind: 'identity' } & WantedIdentity)
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'notation' };

export interface VerificationPolicy {
  readonly digest: Digest;
  /** Any one of these may have signed; at least one. */
  readonly signers: readonly WantedSigner[];
  /** Types that must each be there; at least one. `PREDICATES.signature` is met only by a signature, not by any statement. */
  readonly predicateTypes: readonly string[];
  /** Milliseconds since the signing, at most. */
  readonly maxAge?: number;
  readonly now: Date;
  /** Further checks of a statement's content. @returns parts of a sentence; empty when it counts */
  readonly content?: (statement: SignedStatement) => readonly string[];
}

/** A required type, and the statement that meets it or the reasons why none does. */
export interface RequirementResult {
  readonly predicateType: string;
  readonly met?: SignedStatement;
  /** Sentences; empty when it is met. */
  readonly reasons: readonly string[];
}

export interface VerificationResult {
  readonly verified: boolean;
  readonly requirements: readonly RequirementResult[];
}

/** The result for one platform of an image. */
export interface PlatformResult {
  /** `linux/arm64` */
  readonly name: string;
  readonly result: VerificationResult;
}

/** Whether statements of a type are about one platform each, not about the index. */
export function isPerPlatform(predicateType: string): boolean {
  return [PREDICATES.sbom, PREDICATES.vulnerabilities].some((type) => isPredicateType(predicateType, type));
}

/**
 * The result of an index with those of its platforms: a requirement that is about platforms is met when every one of them meets it. The
 * oldest statement stands for all. Pure.
 */
export function combinePlatforms(
  { requirements }: VerificationResult,
  platforms: readonly PlatformResult[],
): VerificationResult {
  const combined = requirements.map((requirement): RequirementResult => {
    const { predicateType } = requirement;
    if (requirement.met !== undefined || !isPerPlatform(predicateType) || platforms.length === 0) return requirement;
    const own = platforms.flatMap(({ name, result }) =>
      result.requirements.filter((each) => each.predicateType === predicateType).map((each) => ({ name, ...each })),
    );
    const unmet = own.filter(({ met }) => met === undefined);
    const [oldest] = own
      .flatMap(({ met }) => met ?? [])
      .toSorted((one, other) => (one.time?.getTime() ?? 0) - (other.time?.getTime() ?? 0));
    return oldest !== undefined && unmet.length === 0 && own.length === platforms.length
      ? { predicateType, met: oldest, reasons: [] }
      : {
          predicateType,
          reasons: unmet
            .flatMap(({ name, reasons }) => reasons.map((reason) => `${name}: ${reason}`))
            .slice(0, MAX_REASONS),
        };
  });
  return { verified: combined.every(({ met }) => met !== undefined), requirements: combined };
}

/** Who signed, in words. */
export function signerText({ signer }: SignedStatement): string {
  if (signer.kind === 'certificate') return signer.claims.identity;
  return signer.kind === 'key' ? `key ${signer.key.slice(0, 12)}` : signer.identity;
}

/** How far the clocks of a timestamp authority and a runner may differ, in milliseconds. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
/** Statements whose reasons are listed. */
const MAX_REASONS = 10;

/**
 * Decides whether an image carries what is required, signed by whom it must be. Everything that is not shown counts as not
 * met: a statement of another type, about another digest, by another signer, without a trusted time where an age is asked
 * for. The newest statement that meets a requirement is the one that counts. Pure.
 * @throws RangeError for a policy without signers or types: nothing asked for is not a pass
 */
export function verifyStatements(found: FoundStatements, policy: VerificationPolicy): VerificationResult {
  if (policy.signers.length === 0 || policy.predicateTypes.length === 0) {
    throw new RangeError('a verification needs a signer and a predicate type');
  }
  const requirements = policy.predicateTypes.map((type) => checkRequirement(type, found, policy));
  return { verified: requirements.every(({ met }) => met !== undefined), requirements };
}

function checkRequirement(
  predicateType: string,
  { signed, rejected }: FoundStatements,
  policy: VerificationPolicy,
): RequirementResult {
  const candidates = signed.filter((statement) => isPredicateType(statement.predicateType, predicateType));
  const checked = candidates.map((statement) => ({ statement, problems: statementProblems(statement, policy) }));
  const [met] = checked
    .filter(({ problems }) => problems.length === 0)
    .map(({ statement }) => statement)
    .toSorted((one, other) => (other.time?.getTime() ?? 0) - (one.time?.getTime() ?? 0));
  if (met !== undefined) return { predicateType, met, reasons: [] };
  const reasons = [
    ...checked.map(({ statement, problems }) => `${nameOf(statement)} does not count: ${problems.join('; ')}.`),
    ...rejected.map((statement) => `${nameOf(statement)} does not count: ${statement.reason}.`),
  ];
  const others = [...new Set(signed.map((statement) => statementName(statement.predicateType)))];
  const present = others.length === 0 ? '' : ` Found: ${others.slice(0, MAX_REASONS).join(', ')}.`;
  const missing =
    predicateType === PREDICATES.signature ? 'It is not signed.' : 'It has no signed statement of this type.';
  return {
    predicateType,
    reasons:
      candidates.length === 0
        ? [`${missing}${present}`, ...reasons].slice(0, MAX_REASONS)
        : reasons.slice(0, MAX_REASONS),
  };
}

function nameOf({ format, manifest }: SignedStatement | RejectedStatement): string {
  return `The ${format} ${shortDigest(manifest)}`;
}

/** Why a statement does not count, as parts of a sentence; empty when it does. */
function statementProblems(statement: SignedStatement, policy: VerificationPolicy): readonly string[] {
  return [
    ...(statement.subjects.includes(policy.digest)
      ? []
      : [`it is about ${statement.subjects.map(shortDigest).join(', ')}, not ${shortDigest(policy.digest)}`]),
    ...signerProblems(statement.signer, policy.signers),
    ...ageProblems(statement.time, policy),
    ...contentProblems(statement),
    ...(policy.content?.(statement) ?? []),
  ];
}

/** What is signed must be good news, and say the same as the certificate. */
function contentProblems({ predicateType, predicate, signer }: SignedStatement): readonly string[] {
  if (predicateType === PREDICATES.gateResult) {
    const result = readGateResult(predicate);
    if (!result.ok) return result.problems;
    return result.value.result === 'passed' ? [] : ['the gate result that it signs is `failed`'];
  }
  if (predicateType !== PREDICATES.provenance || signer.kind !== 'certificate') return [];
  const { repository, commit } = provenanceSource(predicate);
  const { claims } = signer;
  return [
    ...(repository === undefined || claims.repository === undefined || repository === claims.repository
      ? []
      : [`it names the repository ${repository}, and its certificate ${claims.repository}`]),
    ...(commit === undefined || claims.commit === undefined || commit === claims.commit
      ? []
      : [`it names the commit ${commit}, and its certificate ${claims.commit}`]),
  ];
}

/** Problems with the wanted signer that comes nearest; none when one of them signed. */
function signerProblems(signer: Signer, wanted: readonly WantedSigner[]): readonly string[] {
  const perSigner = wanted.map((each) => problemsFor(signer, each));
  if (perSigner.some((problems) => problems.length === 0)) return [];
  return perSigner.toSorted((one, other) => one.length - other.length)[0] ?? [];
}

function problemsFor(signer: Signer, wanted: WantedSigner): readonly string[] {
  if (wanted.kind === 'identity') {
    return signer.kind === 'certificate'
      ? identityProblems(signer.claims, wanted)
      : [`it was signed with a ${signer.kind === 'key' ? 'key' : 'Notary certificate'}, not by an identity`];
  }
  if (wanted.kind === 'key') {
    return signer.kind === 'key' && signer.key === wanted.key ? [] : ['it was not signed with the key of the policy'];
  }
  return signer.kind === 'notation' ? [] : ['it is no Notary signature'];
}

function ageProblems(time: Date | undefined, { maxAge, now }: VerificationPolicy): readonly string[] {
  if (time !== undefined && time.getTime() > now.getTime() + CLOCK_SKEW_MS) {
    return [`it was signed at ${time.toISOString()}, in the future`];
  }
  if (maxAge === undefined) return [];
  if (time === undefined) return ['it has no trusted time, so its age is unknown'];
  const age = now.getTime() - time.getTime();
  return age > maxAge ? [`it was signed at ${time.toISOString()}, longer ago than ${lengthOfTime(maxAge)}`] : [];
}
