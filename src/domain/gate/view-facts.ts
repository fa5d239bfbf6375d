import { parseRelease, type Release } from './advisory-source.ts';
import { findBundled } from './bundled.ts';
import { type ForeignPackages, findForeignPackages } from './foreign-packages.ts';
import type { ImageFiles } from './image-files.ts';
import type { ScanOverlay } from './scan-overlay.ts';
import { managerOf, PACKAGE_DATABASES, type PackageManager, scannedAs } from './scanned-files.ts';
import type { ScanProblem } from './scanner-log.ts';

/** Facts from the image's files and the scanner's log that the report lacks. */
export interface ViewFacts {
  /** Files visible to a container that could not be shown to the scanner. */
  readonly links: readonly ScanProblem[];
  /** Files visible to a container that the scanner could not parse. */
  readonly problems: readonly ScanProblem[];
  readonly databases: readonly PackageDatabase[];
  readonly foreign: readonly ForeignPackages[];
  /** Pending changes to a package database, in a file beside it. */
  readonly journals: readonly string[];
  /** The system that the image declares. */
  readonly release: Release | undefined;
  readonly locks: readonly string[];
  readonly archives: readonly string[];
  /** Names of the advisories in the vulnerability database; undefined without one. */
  readonly sources: ReadonlySet<string> | undefined;
  /** The release whose advisories Alpine's packages were compared with, if it is another one. */
  readonly repository: string | undefined;
}

interface PackageDatabase {
  readonly path: string;
  readonly manager: PackageManager;
  /** `name@version`; undefined for a binary database. */
  readonly packages: readonly string[] | undefined;
  /** Their number, where they are only counted. */
  readonly count?: number | undefined;
}

export interface ViewInput {
  readonly files: ImageFiles;
  readonly overlay: ScanOverlay;
  /** Facts read while the overlay was written, by path. */
  readonly packages: ReadonlyMap<string, readonly string[]>;
  readonly texts: ReadonlyMap<string, string>;
  readonly problems: readonly ScanProblem[];
  readonly repository: string | undefined;
  readonly sources: ReadonlySet<string> | undefined;
}

/** Reasons to doubt the report of a scan. */
export function viewFacts({ files, overlay, packages, texts, problems, repository, sources }: ViewInput): ViewFacts {
  const left = overlay.left.map(({ path, content: { entry } }) => ({
    path,
    reason: entry.isSparse ? 'it is stored with holes' : 'the files behind links are too many or too large',
  }));
  const broken = files.brokenLinks
    .filter(({ path }) => scannedAs(path, 0) !== undefined && files.find(path) === undefined)
    .map(({ path, target }) => ({ path, reason: `it is a hard link to ${target}, which does not exist` }));
  const { locks, archives, unnamed } = findBundled(files);
  const release = ['etc/os-release', 'usr/lib/os-release']
    .map((path) => texts.get(path) ?? files.file(path)?.content.entry.text)
    .find((text) => text !== undefined);
  return {
    links: [...left, ...broken],
    problems: [
      ...problems.filter(({ path }) => path === undefined || isPackageFile(files, path)),
      ...unnamed.map((path) => ({ path, reason: 'the METADATA of this Python package is missing' })),
    ],
    databases: databasesOf(files, packages),
    foreign: findForeignPackages(files),
    journals: JOURNALS.filter((path) => (files.file(path)?.content.entry.size ?? 0) > 0),
    release: release === undefined ? undefined : parseRelease(release),
    locks,
    archives,
    sources,
    repository,
  };
}

/** rpm also reads SQLite's write-ahead log, the scanner does not. The log is empty after rpm has exited. */
const JOURNALS: readonly string[] = PACKAGE_DATABASES.rpm
  .filter((path) => path.endsWith('.sqlite'))
  .map((path) => `${path}-wal`);

function databasesOf(files: ImageFiles, packages: ViewInput['packages']): readonly PackageDatabase[] {
  const paths = Object.values(PACKAGE_DATABASES)
    .flat()
    .flatMap((path) => (path.endsWith('/') ? files.list(path).map((name) => `${path}${name}`) : [path]));
  const found = new Map<unknown, PackageDatabase>();
  for (const path of paths) {
    const [manager, file] = [managerOf(path), files.file(path)];
    if (manager === undefined || file === undefined) continue;
    const { entry } = file.content;
    const listed = entry.packages ?? packages.get(path);
    // One file under two names, such as /lib and /usr/lib, is one database.
    if (!found.has(entry) || listed !== undefined) {
      found.set(entry, { path, manager, packages: listed, count: entry.packageCount });
    }
  }
  return [...found.values()];
}

/**
 * Whether a container sees an unparsable file that may describe a package. Below a package of `node_modules`, a
 * `package.json` is not a package of its own: `resolve` ships broken ones for its tests.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/analyzer/language/nodejs/pkg/pkg.go (IsPackageRoot)
 */
function isPackageFile(files: ImageFiles, path: string): boolean {
  if (files.file(path) === undefined) return false;
  const [, below] = /(?:^|.*\/)node_modules\/(.*)\/package\.json$/.exec(path) ?? [];
  return below === undefined || /^(?:@[^/]+\/[^/@]+|[^/@][^/]*)$/.test(below);
}
