import { join } from 'node:path';
import { counted } from '../../domain/amount.ts';
import type { Digest } from '../../domain/digest.ts';
import type { ManifestBytes } from '../../domain/manifest.ts';
import type { EnvironmentEvidence, Evidence, ScanEvidence, TargetEvidence } from '../../domain/promotion/judge.ts';
import { isSameEnvironment, type PromotionRecord, type StoredRecord } from '../../domain/promotion/record.ts';
import { isProvable, type Requirement } from '../../domain/promotion/requirement.ts';
import { looserThan, type ScanTerms } from '../../domain/promotion/scan-terms.ts';
import { environmentTag, type Source } from '../../domain/promotion/templates.ts';
import { isTag } from '../../domain/tags/grammar.ts';
import { readDeployments } from '../../evidence/deployments.ts';
import type { ReadRecords } from '../../evidence/environment-history.ts';
import { readRecorded } from '../../evidence/image-origin.ts';
import { readAttested } from '../../evidence/registry-attestations.ts';
import type { RememberReads } from '../../evidence/remembered-reads.ts';
import { type GateTerms, scanTermsOf } from '../../inputs/gate.ts';
import type { TrustSettings } from '../../inputs/trust.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import { readGateFiles } from '../../run/gate-files.ts';
import { type ScanSettings, scanImage, startScanner } from '../../run/scan.ts';
import type { Destination } from '../../run/targets.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import type { History as Commits } from '../../tools/commits/history.ts';
import type { FoundRepository } from './repository-state.ts';

/** Findings in a refusal; all are in the summary. */
const MAX_NAMED = 5;
/** Maximum tags of an environment to read. */
const MAX_TAGS = 10;

/** Where to look for evidence. */
export interface EvidenceSources {
  readonly runtime: Runtime;
  /** How a scan is done and evaluated. */
  readonly scan: ScanSettings;
  readonly source: Destination;
  /** As requested. */
  readonly from: Source | undefined;
  readonly root: ManifestBytes;
  /** Of the image, a full id. */
  readonly commit: string | undefined;
  readonly commits: Commits;
  readonly api: GitHubApi | undefined;
  readonly records: ReadRecords;
  readonly remember: RememberReads;
  /** Accepted signers. */
  readonly trust: TrustSettings;
}

/** Loaded only if a signature is required, or can prove something. */
async function readSignatures(
  asked: EvidenceSources,
  required: readonly Requirement[],
): Promise<Pick<Evidence, 'signatures' | 'proofs'>> {
  const { identities, keys } = asked.trust;
  const hasSigners = identities.length + keys.length > 0;
  const isSigned = (each: Requirement) =>
    each.name === 'signature' || (isProvable(each) && (hasSigners || each.proof !== undefined));
  if (!required.some(isSigned)) return {};
  const { readSignatureEvidence } = await import('./signature-evidence.ts');
  return readSignatureEvidence(asked, required, wantedTerms(asked.scan.terms));
}

type Needs = ReadonlySet<Requirement['name']>;

/** The evidence that the requirements need about the image itself, read once for all targets. */
export async function gatherEvidence(asked: EvidenceSources, required: readonly Requirement[]): Promise<Evidence> {
  const { source, root, commit, commits, records } = asked;
  const { digest } = root.descriptor;
  const needs: Needs = new Set(required.map(({ name }) => name));
  const attested = needs.has('sbom') || needs.has('provenance');
  const environments = new Map<string, EnvironmentEvidence>();
  const branches = new Map<string, 'contains' | 'lacks' | 'unknown'>();
  for (const each of required) {
    if (each.name === 'deployed')
      environments.set(each.environment, await readEnvironmentEvidence(asked, each.environment));
    if (each.name === 'branch' && commit !== undefined)
      branches.set(each.branch, await commits.contains(each.branch, commit));
  }
  const scans = required.filter((each) => each.name === 'scan');
  const scan = scans.find(({ maxAge }) => maxAge === 'now') ?? scans.find(({ proof }) => proof === undefined);
  const gateResult =
    scan === undefined
      ? undefined
      : scan.maxAge === 'now'
        ? await scanNow(asked)
        : lastScan(
            (await records(source.repository, digest)).own,
            wantedTerms(asked.scan.terms),
            asked.runtime.clock.now(),
          );
  return {
    digest,
    ...(attested || needs.has('platforms')
      ? { platforms: await readAttested(source.repository, root, { statements: attested }) }
      : {}),
    ...(gateResult === undefined ? {} : { scan: gateResult }),
    ...(await readSignatures(asked, required)),
    environments,
    ...(commit === undefined ? {} : { commit }),
    branches,
  };
}

/**
 * The current images of a repository's moving tags, for the commit order: the new image must descend from each; empty
 * if not required.
 */
export async function gatherTargets(
  { commit, commits, root }: EvidenceSources,
  required: readonly Requirement[],
  { repository, targets }: FoundRepository,
): Promise<readonly { readonly target?: TargetEvidence }[]> {
  const moving = targets.filter(({ kind }) => kind === 'moving');
  if (!required.some(({ name }) => name === 'not-older') || moving.length === 0) return [{}];
  const read = async (holds: Digest | null): Promise<TargetEvidence> => {
    if (holds === null || holds === root.descriptor.digest) return { holds };
    const manifest = await repository.get(holds);
    const held = manifest === undefined ? undefined : (await readRecorded(repository, manifest)).revision;
    if (held === undefined) return { holds };
    const relation = commit === undefined ? 'unknown' : await commits.relation(held, commit);
    return { holds, commit: held, relation };
  };
  const held = new Set(moving.map(({ holds }) => holds ?? null));
  return Promise.all([...held].map(async (holds) => ({ target: await read(holds) })));
}

/**
 * The tag, the records, and GitHub's deployments only if neither decides: the previous environment is the image's
 * source.
 */
async function readEnvironmentEvidence(
  { source, from, root, records, api, commit }: EvidenceSources,
  environment: string,
): Promise<EnvironmentEvidence> {
  const { digest } = root.descriptor;
  const tag = environmentTag(environment);
  // Just resolved: no need to request it again.
  const isSource = from?.by !== 'digest' && from?.tag === tag;
  const read = async (known: string) => (isSource ? digest : ((await source.repository.head(known))?.digest ?? null));
  const holds = tag === undefined ? undefined : await read(tag);
  if (holds === digest) return { holds, records: [] };
  const ofImage = await records(source.repository, digest);
  const own = ofImage.own.filter((each) => isSameEnvironment(each.environment, environment));
  const uncounted = ofImage.uncounted.filter(({ record }) => isSameEnvironment(record.environment, environment));
  // The environment's later images show whether it was rolled back from this one. Its tag may have any name, given by
  // `to`.
  const others = await Promise.all(
    tagsOf(own, source).map(async (each) => (each === tag ? holds : (await source.repository.head(each))?.digest)),
  );
  const since = new Set([holds, ...others].flatMap((each) => (each && each !== digest ? [each] : [])));
  const held = await Promise.all([...since].map(async (each) => (await records(source.repository, each)).own));
  const deployments = own.length > 0 ? undefined : await readDeployments(api, environment, commit);
  return {
    ...(holds === undefined ? {} : { holds }),
    records: [...own, ...held.flat()],
    uncounted,
    ...(deployments === undefined ? {} : { deployments }),
  };
}

/** The tags that an environment's newest record has written in a repository. */
function tagsOf(records: readonly PromotionRecord[], { image }: Destination): readonly string[] {
  const newest = records.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
  const here = (newest?.to ?? []).filter((name) => name.startsWith(`${image}:`));
  // The record is untrusted: only a valid tag may reach a URL.
  return here
    .map((name) => name.slice(image.length + 1))
    .filter(isTag)
    .slice(0, MAX_TAGS);
}

/** Fetches and scans the image, like the gate of a publish, with a current database. */
async function scanNow({ runtime, scan, source, root }: EvidenceSources): Promise<ScanEvidence> {
  const { digest } = root.descriptor;
  if (!scan.terms.scanners.includes('vuln')) {
    return { passed: false, age: 0, byThisRun: true, detail: '`scanners` leaves out `vuln`' };
  }
  const files = await readGateFiles(runtime.workspace, scan.terms);
  const scanner = startScanner(runtime, scan);
  const directory = join(runtime.temp, 'promoted');
  runtime.log.info(`Fetching ${source.image}@${digest} to scan it.`);
  await fetchLayout(source.repository, digest, directory);
  const { gateResult } = await scanImage(runtime, scan, files, scanner, await readLayout(directory, { digest }), [
    source.image,
  ]);
  for (const { text, ...position } of gateResult.warnings) runtime.log.warning(text, 'Gate', position);
  const { CRITICAL, HIGH } = gateResult.counts.total;
  const closing = gateResult.gated.length;
  const gravest = [...new Set(gateResult.gated.map(({ id }) => id))];
  const named = `${gravest.slice(0, MAX_NAMED).join(', ')}${gravest.length > MAX_NAMED ? ', …' : ''}`;
  const found = `${counted(closing, 'finding blocks', 'findings block')} it: ${named}`;
  const detail = gateResult.passed ? `${CRITICAL} critical, ${HIGH} high` : found;
  return { passed: gateResult.passed, age: 0, byThisRun: true, detail, gateResult };
}

/** A scan that did not look for vulnerabilities does not satisfy the requirement of a scan. */
function wantedTerms(gate: GateTerms): ScanTerms {
  const { scanners, ...terms } = scanTermsOf(gate);
  return { ...terms, scanners: [...new Set(['vuln', ...scanners])] };
}

/** The newest scan with sufficiently strict terms that this image passed. */
function lastScan(records: readonly StoredRecord[], wanted: ScanTerms, now: Date): ScanEvidence | undefined {
  const scans = records
    .flatMap(({ scan, time, scannedAt = time, kind, environment }) =>
      scan === undefined
        ? []
        : [
            {
              earlier: { scan, scannedAt },
              looser: looserThan(wanted, scan),
              age: now.getTime() - Math.min(Date.parse(time), Date.parse(scannedAt)),
              when: kind === 'publish' ? 'when it was published' : `before the promotion to ${environment}`,
            },
          ],
    )
    .toSorted((a, b) => a.age - b.age);
  const good = scans.find(({ looser }) => looser.length === 0);
  if (good !== undefined) {
    // Allow for clock differences.
    return { passed: true, age: Math.max(0, good.age), byThisRun: false, detail: good.when, earlier: good.earlier };
  }
  const [newest] = scans;
  if (newest === undefined) return undefined;
  const detail = `the one ${newest.when} ${newest.looser.join(', and ')}`;
  return { passed: false, age: newest.age, byThisRun: false, detail };
}
