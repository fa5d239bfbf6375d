import { counted } from '../amount.ts';
import { END_OF_LIFE, type Finding, UNKNOWN_OS } from './finding.ts';
import type { PlatformReport } from './platform-report.ts';

export interface SystemPolicy {
  readonly failOnEol: boolean;
  readonly allowUnknownOs: boolean;
}

/** Findings and notes about the operating system of one platform. */
export interface SystemResult {
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
}

/**
 * A scanner that cannot read an operating system's packages finds nothing in them and reports no problem. The files in
 * the image show whether there were any to read.
 * - no such files (`FROM scratch`): nothing was missed, and the note says what was scanned
 * - files, but the scanner recognises no system, or found no package: a finding, unless the policy allows it
 * - a release unknown to the scanner: a note, because its database is newer than its list of releases, and may include
 *   it
 */
export function judgeSystem(
  { platform, report, osFiles, scanners, isUnlisted = false }: PlatformReport,
  policy: SystemPolicy,
): SystemResult {
  if (!scanners.includes('vuln')) {
    return {
      findings: [],
      notes: [`${platform}: vulnerabilities were not looked for (\`scanners\` is ${scanners.join(', ')}).`],
    };
  }
  const { system, systemPackages = 0, languagePackages } = report;
  const name = system === undefined ? undefined : `${system.family} ${system.version}`.trim();
  const about = { class: 'operating-system', platform, severity: 'HIGH', target: name ?? 'operating system' } as const;
  const findings: Finding[] = [];
  const notes: string[] = [];

  if (system?.endOfLife) {
    findings.push({
      ...about,
      id: END_OF_LIFE,
      title: `${name} is past its end of life and gets no more security updates`,
    });
    if (!policy.failOnEol) notes.push(`${platform}: ${name} is past its end of life (\`fail-on-eol\` is false).`);
  }

  const isWindows = report.os === 'windows';
  if (system === undefined && osFiles.length === 0 && !isWindows) {
    const found = languagePackages === 0 ? 'and none was found' : `${counted(languagePackages, 'was', 'were')} found`;
    notes.push(
      `${platform}: there is no operating system in the image, so only language packages and binaries were looked at, ${found}.`,
    );
  } else if (systemPackages === 0) {
    const seen = isWindows && osFiles.length === 0 ? 'it is a Windows image' : `the image has ${shown(osFiles)}`;
    const title =
      system === undefined
        ? `the scanner does not support the operating system, so its packages were not scanned (${seen})`
        : `the scanner found no package of ${name} (${osFiles.length === 0 ? 'the image has no package database' : seen})`;
    if (policy.allowUnknownOs) notes.push(`${platform}: ${title}; \`allow-unknown-os\` lets it pass.`);
    else findings.push({ ...about, id: UNKNOWN_OS, title });
  } else if (isUnlisted) {
    notes.push(
      `${platform}: the scanner does not support the release ${name}: its end of life is unknown, and advisories may be missing.`,
    );
  }
  return { findings, notes };
}

function shown(files: readonly string[]): string {
  const rest = files.length > 4 ? ` and ${files.length - 4} more` : '';
  return `${files.slice(0, 4).join(', ')}${rest}`;
}
