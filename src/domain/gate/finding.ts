import type { Severity } from './severity.ts';

export type FindingClass =
  | 'vulnerability'
  | 'secret'
  | 'misconfiguration'
  | 'license'
  | 'operating-system'
  | 'unscanned';

/** One result of scanning a platform, or (`operating-system`, `unscanned`) something that could not be scanned. */
export interface Finding {
  readonly class: FindingClass;
  /** `linux/arm64`. */
  readonly platform: string;
  /** CVE, rule or check, or name of the licence. */
  readonly id: string;
  readonly severity: Severity;
  /** What was scanned: `alpine 3.22.1`, `Node.js`, a file. */
  readonly target: string;
  readonly title?: string | undefined;
  readonly url?: string | undefined;
  /** File in the image, without a leading slash. */
  readonly path?: string | undefined;
  readonly line?: number | undefined;
  /** Digest of the layer in the manifest. */
  readonly layer?: string | undefined;
  readonly package?: FindingPackage | undefined;
  /** Other ids of the same finding: vendors' ids, or the older id of a check. */
  readonly aliases?: readonly string[] | undefined;
  /** Why it counts despite an entry of the ignore file. */
  readonly remark?: string | undefined;
  /** A hash of the text around a secret, to distinguish secrets in one file. Never shown. */
  readonly context?: string | undefined;
  /** Whether the baseline has it on the same platform. Undefined without a baseline. */
  readonly baseline?: 'known' | 'new' | undefined;
  readonly origin?: FindingOrigin | undefined;
}

/** The origin of a finding in the image, according to the image history and the Dockerfile. */
export interface FindingOrigin {
  /** Whether the layer comes from the base image or a step of the Dockerfile. Undefined: unknown. */
  readonly from?: 'base' | 'step' | undefined;
  /** Name of the base image, `node:24-slim`. */
  readonly base?: string | undefined;
  /** The instruction of the layer, from the image history: `RUN npm ci`. */
  readonly step?: string | undefined;
  /** Line in the Dockerfile: of the step, or of the FROM with the base image. */
  readonly line?: number | undefined;
}

interface FindingPackage {
  readonly name: string;
  readonly type: string;
  readonly installed: string;
  /** The fixed versions, as listed by the scanner. */
  readonly fixed?: string | undefined;
  /** `affected`, `will_not_fix`, `fix_deferred`, … */
  readonly status?: string | undefined;
  readonly purl?: string | undefined;
}

/** Ids of the gate's own findings about the operating system. */
export const END_OF_LIFE = 'end-of-life';
export const UNKNOWN_OS = 'unknown-os';

/** The subject of a finding in a few words: `lodash 4.17.11 → 4.17.12`. */
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
