import { type Digest, shortDigest } from './digest.ts';
import type { Descriptor } from './manifest.ts';

/** The facts about attestations in an image; a `LocalImage` has them. */
export interface AttestedImage {
  readonly platforms: readonly AttestedPlatform[];
  readonly attestations: readonly Attestation[];
}

interface AttestedPlatform {
  readonly name: string;
  readonly manifest: { readonly descriptor: Descriptor };
}

interface Attestation {
  readonly digest: Digest;
  readonly reference?: string;
  readonly subject?: Digest;
  readonly statements: readonly AttestedStatement[];
}

interface AttestedStatement {
  readonly blob: Descriptor;
  readonly kind: 'sbom' | 'provenance' | 'other';
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly sha256?: string; readonly sha512?: string }[];
  readonly packages?: number;
}

export interface AttestationPolicy {
  readonly requireSbom: boolean;
  readonly requireProvenance: boolean;
}

export interface AttestationProblem {
  readonly code: 'SBOM_MISSING' | 'PROVENANCE_MISSING' | 'ATTESTATION_MISMATCH';
  /** Its platform; absent for an attestation without one. */
  readonly platform?: string;
  readonly message: string;
}

const PREDICATE_TYPE = 'in-toto.io/predicate-type';

/**
 * All problems with the attestations inside an image; empty when there are none. Pure.
 *
 * No statement may be about another image, required or not: a foreign SBOM is worse than none. The policy requires at
 * least one SPDX document with packages, and exactly one provenance. Generators add a package for the image itself, so
 * even an image FROM scratch has one, and an empty list means that nothing was scanned.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export function checkAttestations(image: AttestedImage, policy: AttestationPolicy): readonly AttestationProblem[] {
  const digests = new Set<string>(image.platforms.map(({ manifest }) => manifest.descriptor.digest));
  const astray = image.attestations
    .filter(({ reference }) => reference === undefined || !digests.has(reference))
    .map(({ digest, reference }): AttestationProblem => {
      const to = reference === undefined ? 'no image' : `${printable(reference)}, which is no image of this index`;
      return { code: 'ATTESTATION_MISMATCH', message: `The attestation manifest ${digest} refers to ${to}.` };
    });
  return [...astray, ...image.platforms.flatMap((platform) => checkPlatform(platform, image.attestations, policy))];
}

function checkPlatform(
  { name, manifest }: AttestedPlatform,
  attestations: readonly Attestation[],
  policy: AttestationPolicy,
): readonly AttestationProblem[] {
  const { digest } = manifest.descriptor;
  const own = attestations.filter(({ reference }) => reference === digest);
  const statements = own.flatMap((each) => each.statements);
  const problems: AttestationProblem[] = [];
  const report = (code: AttestationProblem['code'], message: string) =>
    problems.push({ code, platform: name, message: `${name} (${shortDigest(digest)}): ${message}` });

  for (const attestation of own) {
    if (attestation.subject !== undefined && attestation.subject !== digest) {
      report(
        'ATTESTATION_MISMATCH',
        `the attestation manifest ${attestation.digest} has the subject ${attestation.subject}.`,
      );
    }
  }
  const required = { sbom: policy.requireSbom, provenance: policy.requireProvenance, other: false };
  for (const statement of statements) {
    const problem = statementProblem(statement, digest, required[statement.kind]);
    if (problem !== undefined) report('ATTESTATION_MISMATCH', problem);
  }
  if (own.length > 1) {
    report('ATTESTATION_MISMATCH', `there are ${own.length} attestation manifests for it, and one is expected.`);
  }

  const sboms = statements.filter(({ kind }) => kind === 'sbom');
  if (policy.requireSbom && !sboms.some(({ packages = 0 }) => packages > 0)) {
    report('SBOM_MISSING', sboms.length === 0 ? 'there is no SPDX SBOM.' : 'its SBOM names no package at all.');
  }
  const provenances = statements.filter(({ kind }) => kind === 'provenance').length;
  if (policy.requireProvenance && provenances === 0) report('PROVENANCE_MISSING', 'there is no SLSA provenance.');
  if (provenances > 1) report('ATTESTATION_MISMATCH', `there are ${provenances} provenances, and one is expected.`);
  return problems;
}

function statementProblem(
  { blob, predicateType, subjects }: AttestedStatement,
  digest: Digest,
  required: boolean,
): string | undefined {
  const announced = blob.annotations?.[PREDICATE_TYPE];
  const statement = `the statement ${shortDigest(blob.digest)} (${printable(predicateType)})`;
  if (announced !== predicateType) {
    return `${statement} is announced as ${announced === undefined ? 'nothing' : printable(announced)}.`;
  }
  // BuildKit omits the subjects when the export has no name: `moby/buildkit/exporter/attestation/make.go`.
  if (subjects.length === 0 && required) {
    return `${statement} has no subject, so it describes no image. Build with a name (\`--tag\`).`;
  }
  const [algorithm, hex] = digest.split(':', 2);
  const foreign = subjects.find((each) => (algorithm === 'sha512' ? each.sha512 : each.sha256) !== hex);
  if (foreign === undefined) return undefined;
  const about = foreign.sha256 ?? foreign.sha512 ?? 'no digest';
  return `${statement} describes ${printable(foreign.name)} (${printable(about)}), not this image.`;
}

/** Untrusted text for a message: short, without control characters. */
function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x20-\x7e]/g, '?');
}
