import { fieldsOf } from '../fields.ts';
import { readGateResult } from '../trust/gate-result.ts';
import { PREDICATES } from '../trust/predicates.ts';
import { provenanceSource } from '../trust/provenance.ts';
import type { SignedStatement } from '../trust/verification.ts';
import { judgeProvenance } from './provenance.ts';
import type { ProvableRequirement, Requirement } from './requirement.ts';
import { looserThan, type ScanTerms } from './scan-terms.ts';

/** The statement that proves each. */
export const PROOF_TYPES: Readonly<Record<ProvableRequirement['name'], string>> = {
  sbom: PREDICATES.sbom,
  provenance: PREDICATES.provenance,
  scan: PREDICATES.gateResult,
};

/**
 * Why the content of a signed statement does not meet a requirement; identity, subject and age are checked elsewhere.
 * Pure.
 * @param wanted how strict the scan must have been
 * @returns parts of a sentence; empty when it does
 */
export function proofProblems(
  requirement: ProvableRequirement,
  statement: SignedStatement,
  wanted: ScanTerms,
): readonly string[] {
  switch (requirement.name) {
    case 'sbom':
      return hasPackages(statement) ? [] : ['its SBOM names no package at all'];
    case 'scan':
      return scanProblems(statement, wanted);
    case 'provenance':
      return provenanceProblems(requirement, statement);
  }
}

/** https://spdx.github.io/spdx-spec/v2.3/package-information/ */
function hasPackages({ predicate }: SignedStatement): boolean {
  const { packages } = fieldsOf(predicate.Data ?? predicate);
  return Array.isArray(packages) && packages.length > 0;
}

function scanProblems({ predicate }: SignedStatement, wanted: ScanTerms): readonly string[] {
  const result = readGateResult(predicate);
  if (!result.ok) return result.problems;
  const looser = looserThan(wanted, result.value.policy);
  return looser.length === 0 ? [] : [`its scan ${looser.join(', and ')}`];
}

/** Provenance proves only what the certificate names as well: repository and commit, and the workflow as its builder. */
function provenanceProblems(
  terms: Extract<Requirement, { readonly name: 'provenance' }>,
  { predicate, signer }: SignedStatement,
): readonly string[] {
  if (signer.kind !== 'certificate') return ['it was signed with a key, whose holder may name any source'];
  const { repository, commit, builder } = provenanceSource(predicate);
  const { claims } = signer;
  const missing = [
    ...(repository === undefined || claims.repository === undefined ? ['repository'] : []),
    ...(commit === undefined || claims.commit === undefined ? ['commit'] : []),
    ...(builder === undefined ? ['builder'] : []),
  ];
  if (missing.length > 0) return [`provenance and certificate do not both name the ${missing.join(', ')}`];
  const isOwnBuilder = [claims.identity, claims.signer, claims.workflow].includes(builder);
  const judged = judgeProvenance(terms, [
    {
      ...(repository === undefined ? {} : { repository }),
      ...(commit === undefined ? {} : { commit }),
      ...(builder === undefined ? {} : { builder }),
    },
  ]);
  return [
    ...(isOwnBuilder ? [] : [`it names the builder ${builder}, and its certificate ${claims.identity}`]),
    ...(judged.met ? [] : [judged.reason]),
  ];
}
