/** What the scanner uses a file of an image for. `system`: files of an operating system or its package manager. */
export type ScannedKind =
  | 'system'
  | 'node'
  | 'python'
  | 'ruby'
  | 'php'
  | 'conda'
  | 'dotnet'
  | 'java'
  | 'sbom'
  | 'lock'
  | 'program';

/** Where systems identify themselves. */
export const RELEASE_FILES: readonly string[] = [
  'etc/os-release',
  'usr/lib/os-release',
  'etc/alpine-release',
  'etc/debian_version',
  'etc/redhat-release',
  'etc/centos-release',
  'etc/rocky-release',
  'etc/almalinux-release',
  'etc/fedora-release',
  'etc/oracle-release',
  'etc/system-release',
  'etc/mariner-release',
  'etc/SuSE-release',
  'etc/arch-release',
  'etc/gentoo-release',
  'etc/slackware-version',
  'etc/lsb-release',
];

export type PackageManager = 'apk' | 'dpkg' | 'rpm';

/** Package databases that the scanner reads. A trailing slash: each file in the folder. */
export const PACKAGE_DATABASES: Readonly<Record<PackageManager, readonly string[]>> = {
  apk: ['lib/apk/db/installed', 'usr/lib/apk/db/installed'],
  dpkg: ['var/lib/dpkg/status', 'var/lib/dpkg/status.d/'],
  rpm: [
    'var/lib/rpm/Packages',
    'var/lib/rpm/Packages.db',
    'var/lib/rpm/rpmdb.sqlite',
    'usr/lib/sysimage/rpm/Packages',
    'usr/lib/sysimage/rpm/Packages.db',
    'usr/lib/sysimage/rpm/rpmdb.sqlite',
    'usr/share/rpm/rpmdb.sqlite',
    'var/lib/rpmmanifest/container-manifest-2',
  ],
};

/** Databases of other package managers, most of which the scanner does not support. */
const FURTHER_DATABASES: readonly string[] = [
  'var/lib/rpm/',
  'usr/lib/sysimage/rpm/',
  'usr/share/rpm/',
  'var/lib/rpmmanifest/',
  'var/lib/pacman/local/',
  'var/db/pkg/',
  'var/lib/opkg/status',
  'usr/lib/opkg/status',
  'var/db/xbps/',
  'var/lib/pkgtools/packages/',
  'nix/var/nix/db/db.sqlite',
  'var/guix/db/db.sqlite',
];

const OS_FILES = [...RELEASE_FILES, ...PACKAGE_DATABASES.apk, ...PACKAGE_DATABASES.dpkg, ...FURTHER_DATABASES];

/** The file or folder of an operating system that contains a path; undefined when there is none. */
export function osFile(path: string): string | undefined {
  return OS_FILES.find((each) => isBelow(path, each));
}

/** The package manager whose database a file is. */
export function managerOf(path: string): PackageManager | undefined {
  const managers: readonly PackageManager[] = ['apk', 'dpkg', 'rpm'];
  if (path.endsWith('.md5sums')) return undefined;
  return managers.find((each) => PACKAGE_DATABASES[each].some((file) => isBelow(path, file)));
}

function isBelow(path: string, file: string): boolean {
  return file.endsWith('/') ? path.startsWith(file) : path === file;
}

const JAVA_ARCHIVE = /\.(?:jar|war|ear|par)$/i;

/** Files by name; the first match counts. https://trivy.dev/docs/latest/coverage/language/ */
const BY_NAME: readonly (readonly [ScannedKind, RegExp])[] = [
  ['node', /(?:^|\/)package\.json$/],
  ['python', /\.dist-info\/METADATA$|(?:^|\/)EGG-INFO\/PKG-INFO$|\.egg-info(?:\/(?:PKG-INFO|METADATA))?$|\.egg$/],
  ['ruby', /(?:^|\/)specifications\/.+\.gemspec$/],
  ['php', /(?:^|\/)installed\.json$/],
  ['conda', /(?:^|\/)conda-meta\/[^/]+\.json$/],
  ['dotnet', /\.deps\.json$|packages\.props$/i],
  ['java', JAVA_ARCHIVE],
  ['sbom', /\.(?:spdx|cdx)(?:\.json)?$/],
  ['lock', /(?:^|\/)(?:Cargo\.lock|packages\.lock\.json|packages\.config|Manifest\.toml)$/],
];

/**
 * What the scanner uses a file for, by path and mode; undefined when it reads no packages from it. Its content is then
 * only searched for secrets, which are found wherever it is stored.
 */
export function scannedAs(path: string, mode: number): ScannedKind | undefined {
  if (RELEASE_FILES.includes(path) || managerOf(path) !== undefined) return 'system';
  const byName = BY_NAME.find(([, name]) => name.test(path))?.[0];
  return byName ?? ((mode & 0o111) !== 0 || path.endsWith('.exe') ? 'program' : undefined);
}

export function isJavaArchive(path: string): boolean {
  return JAVA_ARCHIVE.test(path);
}
