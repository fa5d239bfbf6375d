/** What is in an image: path → content. Put several together with `{ ...alpine('3.22.1'), ...npmPackage('lodash', '4.17.11') }`. */
export type ImageFiles = Readonly<Record<string, string | Uint8Array>>;

/** The operating system's own file, which scanners know a system by. */
export function osRelease(id: string, version: string): ImageFiles {
  return { 'etc/os-release': `ID=${id}\nVERSION_ID=${version}\nNAME="${id}"\nPRETTY_NAME="${id} ${version}"\n` };
}

/** Alpine with packages, name → version. Default: busybox alone. */
export function alpine(
  version: string,
  packages: Readonly<Record<string, string>> = { busybox: '1.37.0-r12' },
): ImageFiles {
  const installed = Object.entries(packages).map(
    ([name, each]) => `P:${name}\nV:${each}\nA:x86_64\nL:MIT\no:${name}\n\n`,
  );
  return {
    ...osRelease('alpine', version),
    'etc/alpine-release': `${version}\n`,
    'lib/apk/db/installed': installed.join(''),
  };
}

/** Debian 12 with packages: binary name → source and version. */
export function debian(
  packages: Readonly<Record<string, { readonly source: string; readonly version: string }>>,
): ImageFiles {
  const status = Object.entries(packages).map(
    ([name, { source, version }]) =>
      `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\nSource: ${source}\nMaintainer: nobody\n\n`,
  );
  return { ...osRelease('debian', '12'), 'etc/debian_version': '12.5\n', 'var/lib/dpkg/status': status.join('') };
}

/** An installed npm package, as Trivy finds it. `ip@2.0.1` has no fix; `lodash@4.17.11` has findings up to CRITICAL. */
export function npmPackage(name: string, version: string, folder = 'app'): ImageFiles {
  return { [`${folder}/node_modules/${name}/package.json`]: JSON.stringify({ name, version, license: 'MIT' }) };
}

/** An installed Python package. */
export function pythonPackage(name: string, version: string): ImageFiles {
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nLicense: Apache-2.0\n`;
  return { [`usr/lib/python3/site-packages/${name}-${version}.dist-info/METADATA`]: metadata };
}

/** A file that Trivy's secret scanner takes for a GitHub token; the token is made up. */
export function leakedToken(path = 'app/.npmrc'): ImageFiles {
  return { [path]: `token=${['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_')}\n` };
}

/** The smallest Java archive: a zip without entries. */
export const EMPTY_JAR: Uint8Array = Buffer.concat([Buffer.from('PK\u0005\u0006', 'latin1'), Buffer.alloc(18)]);
