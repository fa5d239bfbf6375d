import type { ManifestBytes } from '../../domain/manifest.ts';
import { type Requirement, requirementText } from '../../domain/promotion/requirement.ts';
import type { RequirementCheck } from '../../domain/promotion/requirement-check.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import { signerText, type WantedSigner } from '../../domain/trust/verification.ts';
import { verifyImageStatements } from '../../evidence/platform-statements.ts';
import { readSignatures } from '../../evidence/signatures.ts';
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
}

type SignatureRequirement = Extract<Requirement, { readonly name: 'signature' }>;

/**
 * Whether the image is signed as each requirement demands, read from the source repository. A requirement with an
 * identity accepts only that one; others accept the signers in the inputs.
 * @throws ActionError when signatures or trust material cannot be read, which does not mean unsigned
 */
export async function readSignatureEvidence(
  { runtime, trust, source, root }: SignedSource,
  required: readonly Requirement[],
): Promise<ReadonlyMap<string, RequirementCheck>> {
  const wanted = required.filter((each) => each.name === 'signature');
  if (wanted.length === 0) return new Map();
  const { readTextRule } = await import('../../domain/trust/identity.ts');
  const { check, signers } = await openTrust(
    runtime,
    trust,
    wanted.some(({ identity }) => identity !== undefined),
  );
  const { digest } = root.descriptor;
  const found = await readSignatures(source.repository, digest, check);
  const signersOf = ({ identity, issuer = trust.issuer }: SignatureRequirement): readonly WantedSigner[] => {
    if (identity === undefined) return signers;
    const rule = readTextRule(identity);
    return rule.ok ? [{ kind: 'identity', issuer, identity: rule.value }] : [];
  };
  const verdicts = new Map<string, RequirementCheck>();
  for (const requirement of wanted) {
    const own = signersOf(requirement);
    verdicts.set(requirementText(requirement), own.length === 0 ? NO_SIGNERS : await checkSignature(requirement, own));
  }
  return verdicts;

  async function checkSignature(
    { statements }: SignatureRequirement,
    own: readonly WantedSigner[],
  ): Promise<RequirementCheck> {
    const policy = {
      ...{ digest, signers: own, now: runtime.clock.now() },
      predicateTypes: [PREDICATES.signature, ...statements],
    };
    const { verified, requirements } = await verifyImageStatements(source.repository, found, policy, check);
    const [signature] = requirements;
    if (verified && signature?.met !== undefined) {
      const time = signature.met.time === undefined ? '' : ` at ${signature.met.time.toISOString()}`;
      return { met: true, detail: `signed by ${signerText(signature.met)}${time}` };
    }
    const reasons = requirements.flatMap(({ predicateType, met, reasons: own }) =>
      met === undefined ? [`${predicateType}: ${own.join(' ')}`] : [],
    );
    return { met: false, reason: reasons.join('; ').replace(/\.$/, '') };
  }
}

const NO_SIGNERS: RequirementCheck = {
  met: false,
  reason: 'no signer is named: set `signer-identity` or `signer-key`, or write `signature,identity=…`',
};
