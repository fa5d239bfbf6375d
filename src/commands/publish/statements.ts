import { buffer } from 'node:stream/consumers';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import type { Finding } from '../../domain/gate/finding.ts';
import type { GateResult } from '../../domain/gate/policy.ts';
import type { ScanTerms } from '../../domain/promotion/scan-terms.ts';
import { gateResultPredicate } from '../../domain/trust/gate-result.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import { provenancePredicate } from '../../domain/trust/provenance.ts';
import { vulnerabilityPredicate } from '../../domain/trust/vulnerabilities.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { LocalImage, PlatformImage } from '../../oci/image/image.ts';
import type { Signable } from '../../run/signing.ts';

/** The scan result, for statements about it. */
export interface SignedScan {
  readonly gateResult: GateResult;
  readonly terms: ScanTerms;
  readonly scannerVersion: string;
  readonly databaseDate: Date | undefined;
  readonly started: Date;
  readonly finished: Date;
}

/** The run that signs. */
export interface SigningRun {
  readonly url: string;
  /** `https://github.com` */
  readonly server: string;
  /** Payload of its OIDC token; undefined with a key. */
  readonly token: Fields | undefined;
}

/** GitHub's limit for a predicate; larger SBOMs remain as attached by BuildKit. */
const MAX_SBOM_BYTES = 16 * 1024 * 1024;

/**
 * The statements to sign about an image: its origin, the gate result, and per platform the vulnerabilities and the
 * SBOM; without a key also the provenance, from the same claims as in the certificate. A failed scan is not signed.
 */
export async function statementsOf(
  image: LocalImage,
  scan: SignedScan | undefined,
  run: SigningRun,
  isRecursive: boolean,
): Promise<readonly Signable[]> {
  const root = image.root.descriptor;
  const platforms = image.platforms.filter(({ manifest }) => manifest.descriptor.digest !== root.digest);
  const signature = (subject: Signable['subject']): Signable => ({
    predicateType: PREDICATES.signature,
    predicate: {},
    subject,
  });
  const passed = scan?.gateResult.passed === true ? scan : undefined;
  const sboms = await Promise.all(image.platforms.map((platform) => sbomOf(image, platform)));
  return [
    signature(root),
    ...(isRecursive ? platforms.map(({ manifest }) => signature(manifest.descriptor)) : []),
    ...(passed === undefined ? [] : [gateResult(root, passed)]),
    ...(passed?.terms.scanners.includes('vuln')
      ? image.platforms.map((platform) => vulnerabilities(platform, passed, run.url))
      : []),
    ...sboms.flat(),
    ...(run.token === undefined ? [] : [provenance(root, run.token, run.server)]),
  ];
}

function gateResult(
  subject: Signable['subject'],
  { gateResult, terms, scannerVersion, databaseDate }: SignedScan,
): Signable {
  const suppressed: Record<string, number> = {};
  for (const { by } of gateResult.suppressed) suppressed[by] = (suppressed[by] ?? 0) + 1;
  return {
    predicateType: PREDICATES.gateResult,
    subject,
    predicate: gateResultPredicate({
      result: gateResult.passed ? 'passed' : 'failed',
      scanner: { name: 'trivy', version: scannerVersion },
      ...(databaseDate === undefined ? {} : { database: { updatedAt: databaseDate.toISOString() } }),
      policy: terms,
      counts: gateResult.counts.total,
      platforms: gateResult.platforms.map(({ platform, digest, counts, gated, packages }) => ({
        ...{ platform, digest, counts, packages },
        blocking: gated,
      })),
      suppressed,
    }),
  };
}

function vulnerabilities({ name, manifest }: PlatformImage, scan: SignedScan, run: string): Signable {
  const { gateResult, scannerVersion, databaseDate, started, finished } = scan;
  const findings = [
    ...gateResult.gated,
    ...gateResult.others,
    ...gateResult.suppressed.map(({ finding }) => finding),
  ].filter((finding) => finding.platform === name && finding.class === 'vulnerability');
  return {
    predicateType: PREDICATES.vulnerabilities,
    subject: manifest.descriptor,
    predicate: vulnerabilityPredicate({
      run,
      scanner: {
        name: 'trivy',
        version: scannerVersion,
        ...(databaseDate === undefined ? {} : { database: databaseDate.toISOString() }),
      },
      started: started.toISOString(),
      finished: finished.toISOString(),
      result: { Results: resultsOf(findings) },
    }),
  };
}

/** Findings by target, with the names of Trivy's report, which policies read. */
function resultsOf(findings: readonly Finding[]): readonly Fields[] {
  const targets = [...new Set(findings.map(({ target }) => target))];
  return targets.map((target) => ({
    Target: target,
    Vulnerabilities: findings
      .filter((finding) => finding.target === target)
      .map(({ id, severity, title, url, package: pkg }) => ({
        VulnerabilityID: id,
        Severity: severity,
        PkgName: pkg?.name,
        InstalledVersion: pkg?.installed,
        FixedVersion: pkg?.fixed,
        Status: pkg?.status,
        Title: title,
        PrimaryURL: url,
      })),
  }));
}

/** The platform's built-in SBOM as another, signed statement about it. */
async function sbomOf(image: LocalImage, { manifest, statements }: PlatformImage): Promise<readonly Signable[]> {
  const sbom = statements.find(({ kind, blob }) => kind === 'sbom' && blob.size <= MAX_SBOM_BYTES);
  if (sbom === undefined) return [];
  const statement: unknown = JSON.parse((await buffer(image.open(sbom.blob))).toString('utf8'));
  const { predicate } = fieldsOf(statement);
  return [{ predicateType: PREDICATES.sbom, predicate: fieldsOf(predicate), subject: manifest.descriptor }];
}

function provenance(subject: Signable['subject'], token: Fields, server: string): Signable {
  const predicate = provenancePredicate(token, server);
  if (!predicate.ok)
    throw new ActionError('SIGNING_REFUSED', `No provenance can be made: ${predicate.problems.join('; ')}.`);
  return { predicateType: PREDICATES.provenance, predicate: predicate.value, subject };
}
