import { byText } from '../compare-text.ts';
import type { ImageFiles } from './image-files.ts';

/** Packages of a package manager that the scanner has no advisories for. */
export interface ForeignPackages {
  readonly manager: string;
  /** The folder or file that lists or holds them. */
  readonly path: string;
  /** Undefined where one file lists all of them. */
  readonly count: number | undefined;
  /** The manager of a whole system: an image of it has no system that the scanner knows, which is a finding already. */
  readonly isOfSystem: boolean;
}

/**
 * How each manager records a package: the first group is the folder or file to name, the second one the package. Conda's
 * packages are in the scanner's report, and are compared with nothing.
 * https://trivy.dev/docs/latest/coverage/os/, https://trivy.dev/docs/latest/coverage/others/conda/
 */
const RECORDS: readonly (readonly [manager: string, record: RegExp, isOfSystem?: true])[] = [
  ['conda', /^((?:.*\/)?conda-meta)\/([^/]+)\.json$/],
  ['Homebrew', /^((?:.*\/)?Cellar)\/([^/]+)\/[^/]+\/INSTALL_RECEIPT\.json$/],
  ['Spack', /^(.*)\/([^/]+)\/\.spack\/spec\.(?:json|yaml)$/],
  ['vcpkg', /^((?:.*\/)?vcpkg\/info)\/([^/]+)\.list$/],
  ['snap', /^(var\/lib\/snapd\/snaps)\/([^/]+)\.snap$/],
  ['Flatpak', /^(var\/lib\/flatpak\/(?:app|runtime))\/([^/]+)\//],
  ['Nix', /^(nix\/store)\/([0-9a-z]{32}-[^/]+)/, true],
  ['Guix', /^(gnu\/store)\/([0-9a-z]{32}-[^/]+)/, true],
  ['pacman', /^(var\/lib\/pacman\/local)\/([^/]+)\/desc$/, true],
  ['Portage', /^(var\/db\/pkg)\/([^/]+\/[^/]+)\//, true],
  ['opkg', /^((?:var|usr)\/lib\/opkg\/status)$/, true],
  ['xbps', /^(var\/db\/xbps\/pkgdb-[^/]+\.plist)$/, true],
  ['pkgtools', /^(var\/(?:lib|log)\/(?:pkgtools\/)?packages)\/([^/]+)$/, true],
];

type Found = Pick<ForeignPackages, 'manager' | 'isOfSystem'> & { readonly names: Set<string> };

/** One entry for each folder or file of each manager that has packages in an image. */
export function findForeignPackages(files: ImageFiles): readonly ForeignPackages[] {
  const found = new Map<string, Found>();
  for (const [file] of files.all()) {
    for (const [manager, record, isOfSystem = false] of RECORDS) {
      const [, path, name] = record.exec(file) ?? [];
      if (path === undefined) continue;
      const known = found.get(path) ?? { manager, isOfSystem, names: new Set() };
      if (name !== undefined) known.names.add(name);
      found.set(path, known);
    }
  }
  return [...found]
    .map(([path, { manager, names, isOfSystem }]) => ({
      manager,
      path,
      count: names.size === 0 ? undefined : names.size,
      isOfSystem,
    }))
    .toSorted(byText(({ path }) => path));
}
