import picomatch from 'picomatch/posix.js';
import { advisorySource, isOtherRelease } from './advisory-source.ts';
import type { AcceptedSpot, BlindSpotKind } from './blind-spot-kinds.ts';
import type { Finding } from './finding.ts';
import type { PlatformReport } from './platform-report.ts';
import type { PackageManager } from './scanned-files.ts';
import type { ViewFacts } from './view-facts.ts';

const MAX_NAMED = 5;
const MAX_BLIND_SPOTS = 1000;

/**
 * One finding for everything that the scan of a platform may have missed; none when it did not look for
 * vulnerabilities.
 */
export function blindSpots({ platform, report, scanners, view, osFiles }: PlatformReport): readonly Finding[] {
  if (view === undefined || !scanners.includes('vuln')) return [];
  const spot = (id: BlindSpotKind, path: string | undefined, title: string): Finding => ({
    class: 'unscanned',
    platform,
    id,
    severity: 'HIGH',
    target: path ?? 'unknown file',
    path,
    title,
  });
  return [
    ...view.links.map(({ path, reason }) =>
      spot('hard-link', path, `the scanner could not be shown this file: ${reason}`),
    ),
    ...view.problems.map(({ path, reason }) => spot('analysis-error', path, `Trivy cannot parse this file: ${reason}`)),
    ...missingPackages(view, report).map(({ path, title }) => spot('package-database', path, title)),
    ...[...secondManagers(view, report), ...foreignManagers(view, report, osFiles)].map(({ path, title }) =>
      spot('second-package-manager', path, title),
    ),
    ...releaseProblems(view, report).map(({ name, title }) => ({
      ...spot('unknown-release', undefined, title),
      target: name,
    })),
    ...view.locks.map((path) =>
      spot('lock-file', path, 'its packages are not installed in the image; bundled ones were not scanned'),
    ),
    ...view.archives.map((path) => spot('packed-packages', path, 'the packages in these archives were not scanned')),
  ].slice(0, MAX_BLIND_SPOTS);
}

type Report = PlatformReport['report'];
interface BlindSpotText {
  readonly path: string;
  readonly title: string;
}

/** https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/analyzer/pkg/apk/apk.go stops at a line over 64 KiB. */
function missingPackages({ databases, journals }: ViewFacts, report: Report): readonly BlindSpotText[] {
  const reported = new Set(report.installed.map(({ id }) => id));
  const fromRpm = report.installed.filter(({ manager }) => manager.startsWith('rpm')).length;
  const fewer = databases.flatMap(({ path, count = 0 }) => {
    const missing = count - fromRpm;
    return missing > 0 ? [{ path, title: `${missing} of its ${count} packages are not in the scan report` }] : [];
  });
  const unread = journals.map((path) => ({
    path,
    title: 'the scanner does not read this journal, which changes the list of packages',
  }));
  const unnamed = databases.flatMap(({ path, packages = [] }) => {
    const missing = packages.filter((each) => !reported.has(each));
    if (missing.length === 0) return [];
    const rest = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : '';
    const named = missing.slice(0, MAX_NAMED).join(', ');
    return [
      {
        path,
        title: `${missing.length} of its ${packages.length} packages are not in the scan report: ${named}${rest}`,
      },
    ];
  });
  return [...unnamed, ...fewer, ...unread];
}

const MANAGERS: Readonly<Record<PackageManager, readonly string[]>> = {
  apk: ['alpine', 'wolfi', 'chainguard', 'minimos'],
  dpkg: ['debian', 'ubuntu', 'echo'],
  rpm: [
    ...['redhat', 'centos', 'centos-stream', 'fedora', 'rocky', 'alma', 'oracle', 'amazon', 'photon', 'azurelinux'],
    ...['cbl-mariner', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'sles', 'slem', 'coreos', 'bottlerocket'],
  ],
};

function secondManagers({ databases }: ViewFacts, report: Report): readonly BlindSpotText[] {
  const { system } = report;
  if (system === undefined) return [];
  const first = Object.entries(MANAGERS).find(([, families]) => families.includes(system.family))?.[0];
  if (first === undefined) return [];
  return databases.flatMap(({ path, manager, packages }) => {
    const count = packages?.length ?? report.installed.filter((each) => each.manager.startsWith(manager)).length;
    if (manager === first || count === 0) return [];
    return [
      { path, title: `${count} packages of ${manager} were compared with the advisories for ${system.family} alone` },
    ];
  });
}

/** A system without the scanner's support is a finding of its own, which names its package manager (`unknown-os`). */
function foreignManagers({ foreign }: ViewFacts, report: Report, osFiles: readonly string[]): readonly BlindSpotText[] {
  const isUnknown = report.system === undefined && osFiles.length > 0;
  return foreign
    .filter(({ isOfSystem }) => !(isUnknown && isOfSystem))
    .map(({ manager, path, count }) => ({
      path,
      title: `the scanner has no advisories for packages of ${manager}${count === undefined ? '' : ` (${count} found)`}`,
    }));
}

function releaseProblems(
  view: ViewFacts,
  report: Report,
): readonly { readonly name: string; readonly title: string }[] {
  const { system } = report;
  if (system === undefined) return [];
  const name = `${system.family} ${system.version}`.trim();
  const { release, sources, repository } = view;
  if (release !== undefined && isOtherRelease(release, system)) {
    return [{ name, title: `the image is ${release.id} ${release.version}, and was scanned as ${name}`.trim() }];
  }
  const source = advisorySource(system.family, repository ?? system.version);
  if (source === undefined || sources === undefined || sources.has(source)) return [];
  return [{ name, title: `the vulnerability database has no advisories for this release (${source})` }];
}

/** Whether a blind spot is accepted. One without a file is matched by its subject. */
export function accepts({ kind, glob }: AcceptedSpot, { id, path, target }: Finding): boolean {
  return kind === id && picomatch.isMatch(path ?? target, glob, { dot: true });
}
