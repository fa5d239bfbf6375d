import type { Digest } from '../digest.ts';
import { type Baseline, type Comparison, compare } from './baseline.ts';
import type { AcceptedSpot } from './blind-spot-kinds.ts';
import { accepts, blindSpots } from './blind-spots.ts';
import { END_OF_LIFE, type Finding, UNKNOWN_OS } from './finding.ts';
import { daysLeft, hasEnded, type IgnoreEntry, ignoreMatches, placeOf } from './ignores.ts';
import type { PlatformReport } from './platform-report.ts';
import { countSeverities, type Severity, type SeverityCounts } from './severity.ts';
import { judgeSystem, type SystemPolicy } from './system.ts';
import { clearingStatement, unmatchedStatements, type VexStatement } from './vex.ts';
import { type GateWarning, ignoreWarning, spotWarning } from './warnings.ts';

export interface GatePolicy extends SystemPolicy {
  /** The severities that fail the gate: a set, not a threshold. */
  readonly severities: readonly Severity[];
  readonly ignoreUnfixed: boolean;
  /** Accepted blind spots of a scan. */
  readonly accepted?: readonly AcceptedSpot[];
}

export interface Judged {
  /** Digest of the index, and the names to publish it under, `ghcr.io/org/app`. */
  readonly image: { readonly digest: Digest; readonly names: readonly string[] };
  /** One per platform. */
  readonly reports: readonly PlatformReport[];
  readonly policy: GatePolicy;
  readonly ignores: readonly IgnoreEntry[];
  readonly vex: readonly VexStatement[];
  readonly baseline?: Baseline | undefined;
  /** `YYYY-MM-DD` in UTC. */
  readonly today: string;
}

/** A finding that does not fail the gate because it was suppressed, and where. */
export interface Suppressed {
  readonly finding: Finding;
  readonly by: 'ignorefile' | 'vex' | 'unfixed' | 'baseline' | 'accept-unscanned';
  readonly reason: string;
  /** The source: `.security/accepted.yaml:12`. */
  readonly place?: string;
  /** The last day of validity. */
  readonly expires?: string;
  readonly daysLeft?: number;
}

interface PlatformResult {
  readonly platform: string;
  readonly digest: Digest;
  readonly counts: SeverityCounts;
  readonly gated: number;
  /** `alpine 3.22.1`. */
  readonly system?: string;
  /** Scanned packages. */
  readonly packages: number;
  /** When an earlier step of the job scanned it, ISO 8601; absent when this run did. */
  readonly scannedAt?: string;
}

/** The result of the gate. Every finding of the scan is in exactly one of `gated`, `others` and `suppressed`. */
export interface GateResult {
  readonly passed: boolean;
  readonly gated: readonly Finding[];
  readonly others: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
  /** All findings, before the policy. */
  readonly counts: { readonly total: SeverityCounts; readonly platforms: Readonly<Record<string, SeverityCounts>> };
  readonly platforms: readonly PlatformResult[];
  /** Unscanned content, and what a setting accepted. */
  readonly notes: readonly string[];
  /** About the ignore file: expired or unused entries. */
  readonly warnings: readonly GateWarning[];
  /** The comparison with the baseline, if there is one. */
  readonly comparison?: Comparison;
  /** The day of the decision, `YYYY-MM-DD` in UTC. */
  readonly today: string;
}

/**
 * Applies the policy to the reports of all platforms. Order: VEX, ignore entries, severity, unfixed, baseline. A
 * finding is unfixed only if it is a vulnerability without a fixed version whose status is not `fixed`; secrets,
 * misconfigurations and licences never are. A finding with an expired ignore entry counts even if the baseline has it:
 * the expiry was set on purpose. Pure.
 * @throws RangeError without any report: an image that was not scanned must not pass
 */
export function judge({ image, reports, policy, ignores, vex, baseline, today }: Judged): GateResult {
  if (reports.length === 0) throw new RangeError('a gateResult needs a report');
  const systems = reports.map((each) => judgeSystem(each, policy));
  const gated: Finding[] = [];
  const others: Finding[] = [];
  const suppressed: Suppressed[] = [];
  const used = new Set<IgnoreEntry>();
  const ended = new Map<IgnoreEntry, number>();
  const { accepted = [] } = policy;
  const usedSpots = new Set<AcceptedSpot>();

  const subjectOf = (digest: Digest, { architecture }: PlatformReport['report']) => ({
    digests: [image.digest, digest],
    names: image.names,
    architecture,
  });

  const decide = (finding: Finding, { digest, report }: PlatformReport) => {
    if (finding.class === 'unscanned') {
      const spots = accepted.filter((spot) => accepts(spot, finding));
      for (const spot of spots) usedSpots.add(spot);
      const [spot] = spots;
      if (spot === undefined) gated.push(finding);
      else
        suppressed.push({ finding, by: 'accept-unscanned', reason: `\`accept-unscanned: ${spot.kind}=${spot.glob}\`` });
      return;
    }
    const matching = ignores.filter((entry) => ignoreMatches(entry, finding));
    for (const entry of matching) used.add(entry);
    const cleared = clearingStatement(vex, finding, subjectOf(digest, report));
    if (cleared !== undefined) {
      suppressed.push({ finding, by: 'vex', reason: cleared.reason, place: cleared.place });
      return;
    }
    const valid = matching.find((entry) => !hasEnded(entry, today));
    if (valid !== undefined) {
      const expiry = { expires: valid.lastDay, daysLeft: daysLeft(valid, today) };
      suppressed.push({ finding, by: 'ignorefile', reason: valid.reason, place: placeOf(valid), ...expiry });
      return;
    }
    for (const entry of matching) ended.set(entry, (ended.get(entry) ?? 0) + 1);
    const [past] = matching;
    const counted =
      past === undefined
        ? finding
        : { ...finding, remark: `ignored until ${past.lastDay} by ${placeOf(past)}, which has ended` };
    if (!closesGate(finding, policy)) others.push(counted);
    else if (policy.ignoreUnfixed && isUnfixed(finding)) {
      const reason = `no fixed version (status ${finding.package?.status ?? 'unknown'})`;
      suppressed.push({ finding, by: 'unfixed', reason });
    } else if (finding.baseline === 'known' && baseline !== undefined && past === undefined) {
      suppressed.push({ finding, by: 'baseline', reason: `${baseline.image} has it`, place: baseline.digest });
    } else gated.push(counted);
  };

  const found = reports.map((each, at): readonly Finding[] => [
    ...each.report.findings.map((finding) => ({ ...finding, platform: each.platform })),
    ...(systems[at]?.findings ?? []),
    ...blindSpots(each),
  ]);
  const platforms = reports.map(({ platform }) => platform);
  const compared =
    baseline === undefined ? undefined : compare(baseline, { digest: image.digest, platforms, findings: found.flat() });
  const all = found.map((list) =>
    list.map((finding) =>
      compared === undefined
        ? finding
        : { ...finding, baseline: compared.known.has(finding) ? ('known' as const) : ('new' as const) },
    ),
  );
  reports.forEach((each, at) => {
    for (const finding of all[at] ?? []) decide(finding, each);
  });

  return {
    passed: gated.length === 0,
    gated: gated.toSorted(byWeight),
    others: others.toSorted(byWeight),
    suppressed,
    counts: {
      total: countSeverities(all.flat()),
      platforms: Object.fromEntries(
        reports.map(({ platform }) => [
          platform,
          countSeverities(all.flat().filter((each) => each.platform === platform)),
        ]),
      ),
    },
    platforms: reports.map((each, at) => summarize(each, all[at] ?? [], gated)),
    notes: [
      ...systems.flatMap(({ notes }) => notes),
      ...reports.flatMap(secretsNote),
      ...reports.flatMap(publicKeysNote),
    ],
    warnings: [
      ...ignores.flatMap(
        (entry) => ignoreWarning(entry, used.has(entry) ? undefined : all.flat(), ended.get(entry) ?? 0, today) ?? [],
      ),
      ...accepted.filter((spot) => !usedSpots.has(spot)).map(spotWarning),
      ...unmatchedStatements(
        vex,
        reports.map(({ digest, report }, at) => ({ findings: all[at] ?? [], subject: subjectOf(digest, report) })),
      ).map((text): GateWarning => ({ text })),
    ],
    ...(compared === undefined
      ? {}
      : { comparison: { ...compared.comparison, fixed: compared.comparison.fixed.toSorted(byWeight) } }),
    today,
  };
}

/** The findings of the image that others are compared with, including a system past its end of life. Pure. */
export function baselineOf(
  image: string,
  digest: Digest,
  reports: readonly PlatformReport[],
  policy: SystemPolicy,
): Baseline {
  return {
    image,
    digest,
    platforms: reports.map(({ platform }) => platform),
    findings: reports.flatMap((each) => [
      ...each.report.findings.map((finding) => ({ ...finding, platform: each.platform })),
      ...judgeSystem(each, policy).findings,
    ]),
  };
}

function secretsNote({ platform, skipsSecrets = false }: PlatformReport): readonly string[] {
  const note = `${platform}: with \`misconfig\` among \`scanners\` no secrets are looked for in the layers before the last but one CMD, which may be those of a base image.`;
  return skipsSecrets ? [note] : [];
}

const NAMED_KEYS = 20;

function publicKeysNote({ platform, publicKeys = [] }: PlatformReport): readonly string[] {
  const files = [...new Set(publicKeys)].sort();
  if (files.length === 0) return [];
  const rest = files.length > NAMED_KEYS ? ` and ${files.length - NAMED_KEYS} more` : '';
  return [
    `${platform}: private keys that do not count, because they are part of installed packages or their documentation: ${files.slice(0, NAMED_KEYS).join(', ')}${rest}.`,
  ];
}

function closesGate(finding: Finding, policy: GatePolicy): boolean {
  // Findings about the system have policy switches of their own, whatever the severities.
  if (finding.id === END_OF_LIFE && finding.class === 'operating-system') return policy.failOnEol;
  if (finding.id === UNKNOWN_OS && finding.class === 'operating-system') return true;
  return policy.severities.includes(finding.severity);
}

function isUnfixed(finding: Finding): boolean {
  return (
    finding.class === 'vulnerability' && finding.package?.fixed === undefined && finding.package?.status !== 'fixed'
  );
}

const WEIGHT: Readonly<Record<Severity, number>> = { CRITICAL: 0, HIGH: 1, MEDIUM: 2, LOW: 3, UNKNOWN: 4 };

function byWeight(a: Finding, b: Finding): number {
  return WEIGHT[a.severity] - WEIGHT[b.severity];
}

function summarize(
  { platform, digest, report, scannedAt }: PlatformReport,
  findings: readonly Finding[],
  gated: readonly Finding[],
): PlatformResult {
  return {
    platform,
    digest,
    counts: countSeverities(findings),
    gated: gated.filter((each) => each.platform === platform).length,
    packages: (report.systemPackages ?? 0) + report.languagePackages,
    ...(report.system === undefined ? {} : { system: `${report.system.family} ${report.system.version}`.trim() }),
    ...(scannedAt === undefined ? {} : { scannedAt }),
  };
}
