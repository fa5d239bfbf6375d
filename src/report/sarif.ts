import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describeSubject, type Finding } from '../domain/gate/finding.ts';
import type { GateResult, Suppressed } from '../domain/gate/policy.ts';
import { SEVERITIES, type Severity } from '../domain/gate/severity.ts';

export interface SarifOptions {
  /** Path of the Dockerfile in the repository, with forward slashes: the location of alerts. */
  readonly dockerfile: string;
  readonly trivyVersion: string;
  /** The `sarif-category` input, to distinguish variants of an image, or a value derived from the inputs. */
  readonly category: string;
}

/**
 * GitHub's limits per file; it rejects the whole file beyond them.
 * https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
 */
export const SARIF_LIMITS = { runs: 20, results: 25_000, gzipBytes: 10 * 1024 * 1024 } as const;

/** A SARIF log; only fields read elsewhere are typed. */
export interface Sarif {
  readonly $schema: string;
  readonly version: '2.1.0';
  readonly runs: readonly SarifRun[];
}

interface SarifRun {
  readonly tool: {
    readonly driver: { readonly name: string; readonly rules: readonly SarifRule[] } & Record<string, unknown>;
  };
  readonly automationDetails: { readonly id: string };
  readonly columnKind: 'utf16CodeUnits';
  readonly results: readonly SarifResult[];
}

interface SarifRule {
  readonly id: string;
  readonly [more: string]: unknown;
}

interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: Level;
  readonly message: { readonly text: string };
  readonly locations: readonly unknown[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly suppressions: readonly unknown[];
  /** Whether the baseline has it; only with a baseline. */
  readonly baselineState?: 'new' | 'unchanged';
}

type Level = 'error' | 'warning' | 'note';

const LEVELS: Readonly<Record<Severity, Level>> = {
  CRITICAL: 'error',
  HIGH: 'error',
  MEDIUM: 'warning',
  LOW: 'note',
  UNKNOWN: 'note',
};

/** A score in the middle of each of GitHub's ranges, so that code scanning and the gate use the same severity. */
const SCORES: Readonly<Record<Severity, string>> = {
  CRITICAL: '9.5',
  HIGH: '8.0',
  MEDIUM: '5.5',
  LOW: '2.0',
  UNKNOWN: '0.0',
};

/**
 * All findings of a scan as SARIF 2.1.0: one run per platform, also for those without findings, so that alerts are
 * closed. Contains all severities, whatever the policy; accepted findings are marked as suppressed. Category and
 * fingerprints contain no tag, digest or path of the run, so that alerts stay the same across builds.
 * https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
export function toSarif(gateResult: GateResult, options: SarifOptions): Sarif {
  return sarifWithin(gateResult, options, SARIF_LIMITS.results);
}

/**
 * The log as text within GitHub's limits, and what was left out, least severe findings first.
 * @returns `note`, a sentence for the summary, when something was left out
 */
export function renderSarif(
  gateResult: GateResult,
  options: SarifOptions,
  limits: { readonly [K in keyof typeof SARIF_LIMITS]: number } = SARIF_LIMITS,
): { readonly text: string; readonly note?: string } {
  const total = gateResult.gated.length + gateResult.others.length + gateResult.suppressed.length;
  for (let most = limits.results; ; most = Math.floor(most / 2)) {
    const sarif = sarifWithin(gateResult, options, most, limits.runs);
    const text = JSON.stringify(sarif);
    if (most > 0 && gzipSync(text).length > limits.gzipBytes) continue;
    const kept = sarif.runs.reduce((sum, run) => sum + run.results.length, 0);
    const isWhole = kept === total;
    const note = `The SARIF file has ${kept} of ${total} findings, the gravest of each platform: GitHub accepts ${limits.runs} platforms, ${limits.results} findings of each, and 10 MB compressed. All are in \`json-file\`.`;
    return isWhole ? { text } : { text, note };
  }
}

function sarifWithin(
  gateResult: GateResult,
  options: SarifOptions,
  most: number,
  mostRuns: number = SARIF_LIMITS.runs,
): Sarif {
  const accepted = gateResult.suppressed.filter(({ by }) => by !== 'unfixed');
  const unfixed = gateResult.suppressed.filter(({ by }) => by === 'unfixed').map(({ finding }) => finding);
  const open = [...gateResult.gated, ...unfixed, ...gateResult.others];
  const platforms = [...new Set(gateResult.platforms.map(({ platform }) => platform))].slice(0, mostRuns);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: platforms.map((platform) => {
      const own = open.filter((finding) => finding.platform === platform).slice(0, most);
      const rest = accepted.filter(({ finding }) => finding.platform === platform).slice(0, most - own.length);
      return toRun(platform, own, rest, options);
    }),
  };
}

/**
 * `registry-action/ghcr.io/org/app/linux-arm64/`: the trailing slash makes all of it the category, without a run id.
 */
function sarifCategory(category: string, platform: string): string {
  return `${category}/${platform.replaceAll('/', '-')}/`;
}

/** The default category: variants differ in their Dockerfile or target, never in a tag. */
export function defaultCategory(image: string, dockerfile: string, target: string | undefined): string {
  const variant = [dockerfile === 'Dockerfile' ? undefined : dockerfile, target].filter((part) => part !== undefined);
  return ['registry-action', image, ...variant].join('/');
}

function toRun(
  platform: string,
  open: readonly Finding[],
  accepted: readonly Suppressed[],
  options: SarifOptions,
): SarifRun {
  const all = [...open, ...accepted.map(({ finding }) => finding)];
  const rules = rulesOf(all);
  const index = new Map(rules.map(({ id }, at) => [id, at]));
  const seen = new Map<string, number>();
  /** The form of code scanning itself: `<hash>:<count>` distinguishes duplicates. */
  const fingerprintOf = (finding: Finding) => {
    const hash = hashOf(finding);
    const count = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, count);
    return `${hash}:${count}`;
  };
  const result = (finding: Finding, suppressions: readonly unknown[]): SarifResult => ({
    ruleId: finding.id,
    ruleIndex: index.get(finding.id) ?? -1,
    level: LEVELS[finding.severity],
    message: { text: messageOf(finding) },
    locations: [locationOf(finding, options.dockerfile)],
    partialFingerprints: { primaryLocationLineHash: fingerprintOf(finding) },
    suppressions,
    ...(finding.baseline === undefined
      ? {}
      : { baselineState: finding.baseline === 'known' ? ('unchanged' as const) : ('new' as const) }),
  });
  return {
    tool: {
      driver: {
        name: 'Trivy',
        fullName: 'Trivy Vulnerability Scanner',
        informationUri: 'https://github.com/aquasecurity/trivy',
        version: options.trivyVersion,
        rules,
      },
    },
    automationDetails: { id: sarifCategory(options.category, platform) },
    columnKind: 'utf16CodeUnits',
    results: [
      ...open.map((finding) => result(finding, [])),
      ...accepted.map((each) => result(each.finding, [suppressionOf(each)])),
    ],
  };
}

function suppressionOf({ reason, place, expires }: Suppressed) {
  const until = expires === undefined ? '' : ` (until ${expires})`;
  return {
    kind: 'external',
    status: 'accepted',
    justification: `${reason}${until}${place === undefined ? '' : `, ${place}`}`,
  };
}

const NAMES = {
  vulnerability: 'Vulnerability',
  secret: 'Secret',
  misconfiguration: 'Misconfiguration',
  license: 'License',
  'operating-system': 'OperatingSystem',
  unscanned: 'Unscanned',
} as const satisfies Record<Finding['class'], string>;

/** One rule per id, with the highest severity of its findings. */
function rulesOf(findings: readonly Finding[]): readonly SarifRule[] {
  const byId = new Map<string, Finding[]>();
  for (const finding of findings) byId.set(finding.id, [...(byId.get(finding.id) ?? []), finding]);
  return [...byId].map(([id, same]): SarifRule => {
    const severity = SEVERITIES.find((each) => same.some((finding) => finding.severity === each)) ?? 'UNKNOWN';
    const [first] = same;
    const title = first?.title ?? id;
    const kind = NAMES[first?.class ?? 'vulnerability'];
    return {
      id,
      name: kind,
      shortDescription: { text: title.slice(0, 1000) },
      fullDescription: { text: title.slice(0, 1000) },
      ...(first?.url !== undefined && URL.canParse(first.url) ? { helpUri: first.url } : {}),
      help: { text: `${kind} ${id}: ${title}` },
      defaultConfiguration: { level: LEVELS[severity] },
      properties: {
        tags: [kind.toLowerCase(), 'security', severity],
        precision: 'very-high',
        'security-severity': SCORES[severity],
      },
    };
  });
}

function messageOf(finding: Finding): string {
  return [
    `${finding.id} (${finding.severity}) in ${describeSubject(finding)}${finding.title === undefined ? '' : `: ${finding.title}`}`,
    `Platform: ${finding.platform}`,
    `Found in: ${finding.path ?? finding.target}${finding.line === undefined ? '' : `:${finding.line}`}`,
    finding.package?.status === undefined ? '' : `Status: ${finding.package.status}`,
    finding.remark ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/**
 * The file in the image is not in the repository: alerts point to the Dockerfile, and also name the path in the image.
 */
function locationOf(finding: Finding, dockerfile: string) {
  const name = finding.package?.name ?? finding.path ?? finding.target;
  const inside = finding.path ?? finding.target;
  return {
    physicalLocation: {
      artifactLocation: { uri: dockerfile.split('/').map(encodeURIComponent).join('/') },
      region: {
        startLine: finding.origin?.line ?? 1,
        startColumn: 1,
        endLine: finding.origin?.line ?? 1,
        endColumn: 1,
      },
    },
    message: { text: inside },
    logicalLocations: [
      {
        name,
        fullyQualifiedName: finding.package?.purl ?? `${inside}/${name}`,
        kind: finding.package === undefined ? 'resource' : 'module',
      },
    ],
  };
}

/** Stable across builds: without version, line and layer. */
function hashOf({ class: kind, id, package: pkg, path, target }: Finding): string {
  // The target contains the system's version, but an updated system still has the same package.
  const place = path ?? (pkg === undefined ? target : '');
  return createHash('sha256').update([kind, id, pkg?.type, pkg?.name, place].join('\u0000')).digest('hex');
}
