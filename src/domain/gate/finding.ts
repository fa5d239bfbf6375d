import type { Severity } from './severity.ts';

export type FindingClass =
  | 'vulnerability'
  | 'secret'
  | 'misconfiguration'
  | 'license'
  | 'operating-system'
  | 'unscanned';

/** One thing that a scan of one platform has found, or (`operating-system`, `unscanned`) could not look at. */
export interface Finding {
  readonly class: FindingClass;
  /** `linux/arm64`. */
  readonly platform: string;
  /** CVE, rule or check, or name of the licence. */
  readonly id: string;
  readonly severity: Severity;
  /** What was looked at: `alpine 3.22.1`, `Node.js`, a file. */
  readonly target: string;
  readonly title?: string | undefined;
  readonly url?: string | undefined;
  /** File in the image, without a leading slash. */
  readonly path?: string | undefined;
  readonly line?: number | undefined;
  /** Digest of the layer, as it stands in the manifest. */
  readonly layer?: string | undefined;
  readonly package?: FindingPackage | undefined;
  /** Other ids of the same thing: of vendors, or the older id of a check. */
  readonly aliases?: readonly string[] | undefined;
  /** Why it counts although an entry of the ignore file was made for it. */
  readonly remark?: string | undefined;
  /** What is around a secret, as a number that tells secrets of one file apart. Never shown. */
  readonly context?: string | undefined;
  /** Whether the baseline has it on the same platform. Undefined without a baseline. */
  readonly baseline?: 'known' | 'new' | undefined;
  readonly origin?: FindingOrigin | undefined;
}

/** What brought a finding into the image, as far as the history of the image and the Dockerfile tell. */
export interface FindingOrigin {
  /** The layer is one of the base image, or a step of the Dockerfile has made it. Undefined: not known. */
  readonly from?: 'base' | 'step' | undefined;
  /** Name of the base image, `node:24-slim`. */
  readonly base?: string | undefined;
  /** What made the layer, as the history of the image has it: `RUN npm ci`. */
  readonly step?: string | undefined;
  /** Line in the Dockerfile: of the step, or of the FROM that brought the base image in. */
  readonly line?: number | undefined;
}

export interface FindingPackage {
  readonly name: string;
  readonly type: string;
  readonly installed: string;
  /** The versions that fix it, as the scanner lists them. */
  readonly fixed?: string | undefined;
  /** `affected`, `will_not_fix`, `fix_deferred`, … */
  readonly status?: string | undefined;
  readonly purl?: string | undefined;
}

/** Ids of what the gate itself finds about the operating system. */
export const END_OF_LIFE = 'end-of-life';
export const UNKNOWN_OS = 'unknown-os';

/** What a finding is about, in a few words: `lodash 4.17.11 → 4.17.12`. */
export function describeSubject(finding: Finding): string {
  const { package: pkg } = finding;
  if (pkg === undefined) return finding.path ?? finding.target;
  const name = [pkg.name, pkg.installed].filter(Boolean).join(' ');
  if (finding.class !== 'vulnerability') return name;
  return pkg.fixed === undefined ? `${name} (no fixed version)` : `${name} → ${pkg.fixed}`;
}

/** A finding on one line: `linux/arm64: CRITICAL CVE-2019-10744 in lodash 4.17.11 → 4.17.12 (app/node_modules/…)`. */
export function describeFinding(finding: Finding): string {
  const subject = describeSubject(finding);
  const line = finding.line === undefined ? '' : `:${finding.line}`;
  const where = [
    finding.path === undefined || finding.path === subject ? '' : `${finding.path}${line}`,
    finding.layer === undefined ? '' : `layer ${finding.layer.slice(0, 19)}`,
  ].filter(Boolean);
  return [
    `${finding.platform}: ${finding.severity} ${finding.id} in ${subject}`,
    where.length === 0 ? '' : ` (${where.join(', ')})`,
    finding.title === undefined ? '' : `: ${finding.title}`,
    finding.remark === undefined ? '' : ` [${finding.remark}]`,
  ].join('');
}
