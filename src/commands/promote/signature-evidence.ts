import type { ManifestBytes } from '../../domain/manifest.ts';
import { PROOF_TYPES, proofProblems } from '../../domain/promotion/proof.ts';
import type { ProofTerms } from '../../domain/promotion/proof-terms.ts';
import {
  isProvable,
  type ProvableRequirement,
  type Requirement,
  requirementText,
} from '../../domain/promotion/requirement.ts';
import type { RequirementCheck } from '../../domain/promotion/requirement-check.ts';
import type { ScanTerms } from '../../domain/promotion/scan-terms.ts';
import { PREDICATES, statementName } from '../../domain/trust/predicates.ts';
import { signerText, type WantedSigner } from '../../domain/trust/verification.ts';
import { verifySignedImage } from '../../evidence/platform-statements.ts';
import type { RememberReads } from '../../evidence/remembered-reads.ts';
import { rememberSignatures } from '../../evidence/signatures.ts';
import type { TrustSettings } from '../../inputs/trust.ts';
import type { Destination } from '../../run/targets.ts';
import { openTrust } from '../../run/trust.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** The image, and the accepted signers. */
interface SignedSource {
  readonly runtime: Runtime;
  readonly trust: TrustSettings;
  readonly source: Destination;
  readonly root: ManifestBytes;
  /** Requests what the records of the image showed already once. */
  readonly remember: RememberReads;
}

type SignatureRequirement = Extract<Requirement, { readonly name: 'signature' }>;

/** What signed statements show, by the text of each requirement. */
export interface SignatureEvidence {
  readonly signatures: ReadonlyMap<string, RequirementCheck>;
  readonly proofs: ReadonlyMap<string, RequirementCheck>;
}

/**
 * Whether the image is signed as each requirement demands, read from the source repository. A requirement with an
 * identity accepts only that one; others accept the signers in the inputs.
 * @param wantedScan how strict an earlier scan must have been
 * @throws ActionError when signatures or trust material cannot be read, which does not mean unsigned
 */
export async function readSignatureEvidence(
  { runtime, trust, source, root, remember }: SignedSource,
  required: readonly Requirement[],
  wantedScan: ScanTerms,
): Promise<SignatureEvidence> {
  const { loadIdentityPatterns, readTextRule } = await import('../../domain/trust/identity.ts');
  const identities = required.map((each) =>
    each.name === 'signature' ? each.identity : isProvable(each) ? each.proof?.identity : undefined,
  );
  await loadIdentityPatterns(identities.filter((identity) => identity !== undefined));
  const { signaturesOf, signers } = await openTrust(
    runtime,
    trust,
    identities.some((identity) => identity !== undefined),
  );
  const { digest } = root.descriptor;
  const repository = remember(source.repository);
  const open = rememberSignatures(signaturesOf(repository));
  const signersOf = ({ identity, issuer = trust.issuer }: ProofTerms = {}): readonly WantedSigner[] => {
    if (identity === undefined) return signers;
    const rule = readTextRule(identity);
    return rule.ok ? [{ kind: 'identity', issuer, identity: rule.value }] : [];
  };
  const signatures = new Map<string, RequirementCheck>();
  const proofs = new Map<string, RequirementCheck>();
  for (const requirement of required) {
    const text = requirementText(requirement);
    if (requirement.name === 'signature') {
      const own = signersOf(requirement);
      signatures.set(text, own.length === 0 ? NO_SIGNERS : await checkSignature(requirement, own));
    } else if (isProvable(requirement)) {
      const own = signersOf(requirement.proof);
      proofs.set(text, own.length === 0 ? NO_SIGNERS : await checkProof(requirement, own));
    }
  }
  return { signatures, proofs };

  async function checkSignature(
    { statements }: SignatureRequirement,
    own: readonly WantedSigner[],
  ): Promise<RequirementCheck> {
    const policy = {
      ...{ digest, signers: own, now: runtime.clock.now() },
      predicateTypes: [PREDICATES.signature, ...statements],
    };
    const { verified, requirements } = await verifySignedImage(repository, open, policy);
    const [signature] = requirements;
    if (verified && signature?.met !== undefined) {
      const time = signature.met.time === undefined ? '' : ` at ${signature.met.time.toISOString()}`;
      return { met: true, detail: `signed by ${signerText(signature.met)}${time}` };
    }
    const reasons = requirements.flatMap(({ predicateType, met, reasons: own }) =>
      met === undefined ? [`${statementName(predicateType)}: ${own.join(' ')}`] : [],
    );
    return { met: false, reason: reasons.join('; ').replace(/\.$/, '') };
  }

  async function checkProof(requirement: ProvableRequirement, own: readonly WantedSigner[]): Promise<RequirementCheck> {
    const { verified, requirements } = await verifySignedImage(repository, open, {
      ...{ digest, signers: own, now: runtime.clock.now(), predicateTypes: [PROOF_TYPES[requirement.name]] },
      ...(requirement.name === 'scan' && requirement.maxAge !== 'now' ? { maxAge: requirement.maxAge } : {}),
      content: (statement) => proofProblems(requirement, statement, wantedScan),
    });
    const [proof] = requirements;
    if (verified && proof?.met !== undefined) {
      const { time } = proof.met;
      const when = time === undefined ? '' : ` at ${time.toISOString()}`;
      return { met: true, detail: `${PROOF_NAMES[requirement.name]} signed by ${signerText(proof.met)}${when}` };
    }
    const why = proof?.reasons.join(' ').replace(/\.$/, '') ?? 'no signed statement was found';
    return { met: false, reason: `no ${PROOF_NAMES[requirement.name]} is signed as required. ${why}` };
  }
}

const PROOF_NAMES: Readonly<Record<ProvableRequirement['name'], string>> = {
  sbom: 'SBOM',
  provenance: 'provenance',
  scan: 'gate result',
};

const NO_SIGNERS: RequirementCheck = {
  met: false,
  reason: 'no signer is named: set `signer-identity` or `signer-key`, or write `signature,identity=…`',
};
