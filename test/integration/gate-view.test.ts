import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { alpine, debian, npmPackage, osRelease, pythonPackage } from '../support/image.ts';
import { type LayerSpec, writeLayers } from '../support/layers.ts';
import type { TarEntry } from '../support/tar.ts';
import { createSetting, type Setting } from './setting.ts';

/** Layers as pnpm and uv make them: `make.sh` beside them. */
const FIXTURES = new URL('../fixtures/hard-links/', import.meta.url);

const file = (name: string, content: string | Uint8Array = '', mode = 0o644): TarEntry => ({
  header: { name, mode },
  content,
});
const hardLink = (name: string, linkname: string): TarEntry => ({ header: { name, type: 'link', linkname } });
const link = (name: string, linkname: string): TarEntry => ({ header: { name, type: 'symlink', linkname } });
const folder = (name: string): TarEntry => ({ header: { name, type: 'directory' } });
const filesOf = (files: Readonly<Record<string, string | Uint8Array>>) =>
  Object.entries(files).map(([name, content]) => file(name, content));
const lodash = (version: string, more = '') => `{"name":"lodash","version":"${version}"${more}}`;

/** Gates an image of these layers; nothing is pushed. */
async function gate(setting: Setting, layers: readonly LayerSpec[], inputs: Readonly<Record<string, string>> = {}) {
  await writeLayers(join(setting.repository.directory, 'image'), layers);
  return setting.publish({ push: 'false', severity: 'CRITICAL,HIGH,MEDIUM', ...inputs });
}

/** Id and path of what fails the gate. */
function failing({ log }: { readonly log: string }): readonly string[] {
  return [...log.matchAll(/^linux\/amd64: [A-Z]+ (\S+) in (.*)$/gm)].map(([, id, rest]) => `${id} in ${rest}`);
}

const BIG = 'x'.repeat(70_000);
const OLD_SSL = { openssl: '3.1.0-r0' };
const apk = (packages: Readonly<Record<string, string>>, at = '') => {
  const listed = Object.entries(packages).map(([name, each]) => `P:${name}\nV:${each}\nA:x86_64\no:${name}\n${at}\n`);
  return listed.join('');
};
const ALPINE = osRelease('alpine', '3.22.1');
const apkDb = 'lib/apk/db/installed';
const status = (name: string, source: string, version: string, more = '') =>
  `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\nSource: ${source}\nMaintainer: nobody\n${more}\n`;

const REJECTED: readonly (readonly [string, readonly LayerSpec[], RegExp])[] = [
  [
    'a package behind a hard link of the same layer',
    [[file('store/ab/cdef', lodash('4.17.11')), hardLink('app/node_modules/lodash/package.json', 'store/ab/cdef')]],
    /CVE-2019-10744 in lodash.*app\/node_modules\/lodash\/package\.json/,
  ],
  [
    'a package behind a hard link to an earlier layer',
    [[file('store/x', lodash('4.17.11'))], [hardLink('app/package.json', '/store/x')]],
    /CVE-2019-10744 in lodash/,
  ],
  [
    'a package behind a link to a link',
    [[file('store/x', lodash('4.17.11')), hardLink('store/y', 'store/x'), hardLink('app/package.json', './store/y')]],
    /CVE-2019-10744 in lodash/,
  ],
  [
    'a package behind a hard link whose target is removed later',
    [
      [
        ...filesOf(pythonPackage('requests', '2.30.0')),
        hardLink(
          'venv/requests-2.30.0.dist-info/METADATA',
          'usr/lib/python3/site-packages/requests-2.30.0.dist-info/METADATA',
        ),
      ],
      [file('usr/lib/python3/site-packages/.wh.requests-2.30.0.dist-info')],
    ],
    /CVE-2023-32681 in requests 2\.30\.0/,
  ],
  [
    'a package behind a symbolic link',
    [[file('store/x', lodash('4.17.11')), link('app/package.json', '../store/x')]],
    /CVE-2019-10744 in lodash/,
  ],
  [
    'a package behind the symbolic link of its folder',
    [
      [
        file('cas/1/METADATA', 'Metadata-Version: 2.1\nName: requests\nVersion: 2.30.0\n'),
        link('venv/requests-2.30.0.dist-info', '/cas/1'),
      ],
    ],
    /CVE-2023-32681 in requests/,
  ],
  [
    'a hard link to nothing',
    [[file('app/x'), hardLink('app/package.json', 'app/missing')]],
    /hard-link in app\/package\.json.*app\/missing, which does not exist/,
  ],
  [
    'a file that comes twice in a layer, the last one counts',
    [[file('app/package.json', lodash('4.17.21')), file('./app//package.json', lodash('4.17.11'))]],
    /CVE-2019-10744 in lodash/,
  ],
  [
    'a package database that is a hard link over a decoy',
    [
      [...filesOf(ALPINE), file(apkDb, apk({ busybox: '1.37.0-r12' }))],
      [file('opt/db', apk(OLD_SSL)), hardLink(apkDb, 'opt/db')],
    ],
    /CVE-2023-5363 in openssl/,
  ],
  [
    'a package database that is a symbolic link over a decoy',
    [
      [...filesOf(ALPINE), file(apkDb, apk({ busybox: '1.37.0-r12' }))],
      [file('opt/db', apk(OLD_SSL)), link(apkDb, '/opt/db')],
    ],
    /CVE-2023-5363 in openssl/,
  ],
  [
    'a package database in a folder behind a link',
    [
      [
        ...filesOf(ALPINE),
        folder('lib/apk'),
        link('lib/apk/db', '../../opt/db'),
        file('opt/db/installed', apk(OLD_SSL)),
      ],
    ],
    /CVE-2023-5363 in openssl/,
  ],
  [
    'a package database that comes twice',
    [[...filesOf(ALPINE), file(apkDb, apk({ busybox: '1.37.0-r12' })), file(apkDb, apk(OLD_SSL))]],
    /CVE-2023-5363 in openssl/,
  ],
  [
    'an apk database with a line over 64 KiB',
    [[...filesOf(ALPINE), file(apkDb, `${apk({ busybox: '1' }, `p:${BIG}\n`)}${apk(OLD_SSL)}`)]],
    /package-database in lib\/apk\/db\/installed.*openssl@3\.1\.0-r0/,
  ],
  [
    'a dpkg database with a stanza over 128 KiB, beside status.d',
    [
      [
        ...filesOf(osRelease('debian', '12')),
        file('etc/debian_version', '12.5\n'),
        file('var/lib/dpkg/status.d/base', status('base-files', 'base-files', '12')),
        file(
          'var/lib/dpkg/status',
          `${status('big', 'big', '1', `Depends: ${BIG}${BIG}\n`)}\n${status('libc6', 'glibc', '2.36-9')}`,
        ),
      ],
    ],
    /package-database in var\/lib\/dpkg\/status.*libc6@2\.36-9/,
  ],
  [
    'packages of a second package manager',
    [[...filesOf(alpine('3.22.1')), file('var/lib/dpkg/status', status('libc6', 'glibc', '2.36-9'))]],
    /second-package-manager in var\/lib\/dpkg\/status.*1 packages of dpkg/,
  ],
  ...(
    [
      ['a byte order mark', `\ufeff${lodash('4.17.11')}`],
      ['a trailing comma', '{"name":"lodash","version":"4.17.11",}'],
      ['a list where an object is expected', lodash('4.17.11', ',"dependencies":[]')],
      ['nothing in it', ''],
    ] as const
  ).map(([what, content]): readonly [string, readonly LayerSpec[], RegExp] => [
    `a package.json with ${what}`,
    [[file('app/node_modules/lodash/package.json', content)]],
    /analysis-error in app\/node_modules\/lodash\/package\.json/,
  ]),
  ...[',"license":7', ',"licenses":"MIT"', ',"license":[{"type":{}}]', ',"license":true,"licenses":[7]'].map(
    (license): readonly [string, readonly LayerSpec[], RegExp] => [
      `a package.json with ${license}`,
      [[file('app/node_modules/lodash/package.json', lodash('4.17.11', license))]],
      /CVE-2019-10744 in lodash 4\.17\.11/,
    ],
  ),
  [
    'a METADATA without a name',
    [[file('venv/lib/x.dist-info/METADATA', 'Metadata-Version: 2.1\nVersion: 1\n')]],
    /analysis-error in venv\/lib\/x\.dist-info\/METADATA/,
  ],
  [
    'a Python package without METADATA',
    [[file('venv/lib/x-1.0.dist-info/RECORD', 'x/__init__.py,,\n'), file('venv/lib/x/__init__.py', '')]],
    /analysis-error in venv\/lib\/x-1\.0\.dist-info\/RECORD/,
  ],
  [
    'a version that cannot be compared',
    [[file('app/node_modules/lodash/package.json', lodash('not a version'))]],
    /analysis-error/,
  ],
  [
    'a package that one of the system claims to own',
    [
      [
        ...filesOf(debian({ lib: { source: 'lib', version: '1' } })),
        file(
          'var/lib/dpkg/info/lib.md5sums',
          'd41d8cd98f00b204e9800998ecf8427e  app/node_modules/lodash/package.json\n',
        ),
        ...filesOf(npmPackage('lodash', '4.17.11')),
      ],
    ],
    /CVE-2019-10744 in lodash/,
  ],
  ...['wolfi', 'chainguard'].map((id): readonly [string, readonly LayerSpec[], RegExp] => [
    `${id}, of which the database knows nothing`,
    [[...filesOf(osRelease(id, '20230201')), file('usr/lib/apk/db/installed', apk(OLD_SSL))]],
    new RegExp(`unknown-release in ${id} 20230201.*no advisories`),
  ]),
  [
    'a release without advisories in the database',
    [[...filesOf(alpine('3.21.2', OLD_SSL))]],
    /unknown-release in alpine 3\.21\.2.*alpine 3\.21\)/,
  ],
  [
    'another release in an earlier layer, which a container does not see',
    [[...filesOf(osRelease('alpine', '3.18.4'))], [...filesOf(ALPINE), file(apkDb, apk(OLD_SSL))]],
    /CVE-2023-5363 in openssl/,
  ],
  [
    'a lock file of a bundled application',
    [[file('app/package-lock.json', '{}'), file('app/dist.js')]],
    /lock-file in app\/package-lock\.json/,
  ],
  ...[
    'deno.lock',
    'gems.locked',
    'uv.lock',
    'poetry.lock',
    'composer.lock',
    'pnpm-lock.yaml',
    'bun.lock',
    'yarn.lock',
  ].map((name): readonly [string, readonly LayerSpec[], RegExp] => [
    `the lock file ${name} alone`,
    [[file(`srv/${name}`, '{}'), file('srv/bundle')]],
    new RegExp(`lock-file in srv/${name.replaceAll('.', '\\.')}`),
  ]),
  ...(
    [
      ['conda', 'opt/conda/conda-meta', ['openssl-3.0.0-h1.json', 'zlib-1.2.13-0.json']],
      [
        'Nix',
        'nix/store',
        [`${'a'.repeat(32)}-openssl-3.0.0/lib/libssl.so`, `${'b'.repeat(32)}-zlib-1.2.13/lib/libz.so`],
      ],
      [
        'Homebrew',
        'home/linuxbrew/.linuxbrew/Cellar',
        ['openssl@3/3.0.0/INSTALL_RECEIPT.json', 'zlib/1/INSTALL_RECEIPT.json'],
      ],
      ['pacman', 'var/lib/pacman/local', ['openssl-3.0.0-1/desc', 'zlib-1-1/desc']],
      ['Portage', 'var/db/pkg', ['dev-libs/openssl-3.0.0/PF', 'sys-libs/zlib-1.2.13/PF']],
    ] as const
  ).map(([manager, path, names]): readonly [string, readonly LayerSpec[], RegExp] => [
    `packages of ${manager} in Debian`,
    [
      [
        ...filesOf(debian({ base: { source: 'base', version: '1' } })),
        ...names.map((name) => file(`${path}/${name}`, '{}')),
      ],
    ],
    new RegExp(`second-package-manager in ${path}: .*no advisories for packages of ${manager} \\(2 found\\)`),
  ]),
  [
    'an image of Nix alone, without a database',
    [[file(`nix/store/${'a'.repeat(32)}-openssl-3.0.0/lib/libssl.so`)]],
    /second-package-manager in nix\/store/,
  ],
  ...['app.asar', 'tool.pex', 'tool.pyz', 'tool.phar', 'jenkins/plugins/git.jpi'].map(
    (name): readonly [string, readonly LayerSpec[], RegExp] => [
      `the archive ${name}, from which an application runs`,
      [[file(`opt/${name}`, 'PK')]],
      new RegExp(`packed-packages in opt/${name.replaceAll('.', '\\.')}`),
    ],
  ),
  [
    'a Yarn cache',
    [[file('app/.pnp.cjs'), file('app/yarn.lock'), file('app/.yarn/cache/lodash-npm-4.17.11-ab-cd.zip', 'PK')]],
    /packed-packages in app\/\.pnp\.cjs/,
  ],
];

const REMOVED =
  'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\n\n';

/** Images that fail no gate: nothing in them is hidden. */
const PASSED: readonly (readonly [string, readonly LayerSpec[]])[] = [
  [
    'folders of package managers without packages',
    [
      [
        ...filesOf(debian({ base: { source: 'base', version: '1' } })),
        file('opt/conda/conda-meta/history'),
        folder('nix/store'),
        folder('home/linuxbrew/.linuxbrew/Cellar'),
      ],
    ],
  ],
  ['a static program alone', [[file('server', '\x7fELF', 0o755)]]],
  [
    'Alpine with merged folders, and busybox with a name for each command',
    [
      [
        ...filesOf(ALPINE),
        link('lib', 'usr/lib'),
        file('usr/lib/apk/db/installed', apk({ busybox: '1.37.0-r12', '.build-deps': '20260101.000000' })),
        file('bin/busybox', '\x7fELF', 0o755),
        hardLink('bin/ls', 'bin/busybox'),
        link('bin/sh', '/bin/busybox'),
      ],
    ],
  ],
  [
    'Debian with a removed package, updated in a later layer',
    [
      [...filesOf(debian({ base: { source: 'base', version: '1' } }))],
      [file('var/lib/dpkg/status', `${status('base', 'base', '2')}\n${REMOVED}`)],
    ],
  ],
  [
    'distroless: os-release behind a link, a file for each package',
    [
      [
        ...filesOf({
          'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n',
          'etc/debian_version': '12.5\n',
        }),
        link('etc/os-release', '../usr/lib/os-release'),
        file(
          'var/lib/dpkg/status.d/tzdata',
          'Package: tzdata\nVersion: 2026a-0\nArchitecture: all\nMaintainer: nobody\n',
        ),
        file('var/lib/dpkg/status.d/tzdata.md5sums', 'd41d8cd98f00b204e9800998ecf8427e  usr/share/x\n'),
      ],
    ],
  ],
  [
    'an application with its lock file and the tests of its packages',
    [
      [
        file('app/package-lock.json', '{}'),
        ...filesOf(npmPackage('lodash', '4.17.21')),
        file('app/node_modules/resolve/package.json', '{"name":"resolve","version":"1.22.0"}'),
        file('app/node_modules/resolve/test/malformed_package_json/package.json', '{'),
        file('app/node_modules/resolve/yarn.lock', ''),
      ],
    ],
  ],
  [
    'a file that cannot be parsed and is removed later',
    [[file('app/node_modules/lodash/package.json', '{')], [file('app/node_modules/.wh.lodash')]],
  ],
];

const ACCEPTED: readonly (readonly [string, readonly LayerSpec[]])[] = [
  ['lock-file=app/*.json', [[file('app/package-lock.json', '{}')]]],
  ['analysis-error=app/**', [[file('app/package.json', '{')]]],
  ['unknown-release=wolfi *', [[...filesOf(osRelease('wolfi', '1')), file(apkDb, apk({ a: '1' }))]]],
  [
    'second-package-manager=opt/conda/**',
    [[...filesOf(debian({ base: { source: 'base', version: '1' } })), file('opt/conda/conda-meta/a-1-0.json', '{}')]],
  ],
  ['hard-link=/app/package.json', [[file('app/x'), hardLink('app/package.json', 'app/missing')]]],
];

describe('P12: the gate sees what a container sees', () => {
  test.each(REJECTED)('%s fails the gate', async (_, layers, said) => {
    await using setting = await createSetting();
    const result = await gate(setting, layers);
    expect(result).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
    expect(failing(result).join('\n')).toMatch(said);
  });

  test('a layer as pnpm makes it: the package that is a hard link to the store fails the gate by name', async () => {
    await using setting = await createSetting();
    const layer = gunzipSync(await readFile(new URL('pnpm.tar.gz', FIXTURES)));
    expect(failing(await gate(setting, [layer]))[0]).toMatch(
      /^CVE-2021-44906 in minimist 1\.2\.0 → 0\.2\.4, 1\.2\.6 \(usr\/src\/app\/node_modules\/\.pnpm\/minimist@1\.2\.0\/node_modules\/minimist\/package\.json/,
    );
    const fixed = [file('usr/src/app/node_modules/.pnpm/.wh.minimist@1.2.0')];
    expect(await gate(setting, [layer, fixed])).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  });

  test.each([
    ['with its cache', []],
    ['with its cache removed in a later layer', [[file('root/.wh..cache')]]],
  ])(
    'a layer as uv makes it, %s: the package that is a hard link to the cache fails the gate by name',
    async (_, more) => {
      await using setting = await createSetting();
      const layer = gunzipSync(await readFile(new URL('uv.tar.gz', FIXTURES)));
      expect(failing(await gate(setting, [layer, ...more]))[0]).toMatch(
        /^CVE-2023-32681 in requests 2\.30\.0 → 2\.31\.0/,
      );
      const fixed = [file('root/.wh..cache'), file('srv/app/site-packages/.wh.requests-2.30.0.dist-info')];
      expect(await gate(setting, [layer, fixed])).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
    },
  );

  test.each(PASSED)('%s passes', async (_, layers) => {
    await using setting = await createSetting();
    const result = await gate(setting, layers);
    expect(failing(result)).toEqual([]);
    expect(result).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  });

  test.each(ACCEPTED)(
    '`accept-unscanned: %s` lets exactly that pass, and an entry without effect is named',
    async (line, layers) => {
      await using setting = await createSetting();
      const [kind] = line.split('=');
      expect(failing(await gate(setting, layers)).join()).toMatch(new RegExp(`^${kind} in `));
      const result = await gate(setting, layers, { 'accept-unscanned': `${line}\npackage-database=never` });
      expect(result).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
      expect(result.log).toMatch(/`accept-unscanned: package-database=never` matches nothing/);
      expect(result.log).not.toMatch(new RegExp(`accept-unscanned: ${kind}=.*matches nothing`));
    },
  );

  test('`accept-unscanned` names what is wrong with it', async () => {
    await using setting = await createSetting();
    const result = await gate(setting, [[file('a')]], { 'accept-unscanned': 'lockfile=a\nlock-file\nhard-link=' });
    expect(result).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(result.log).toMatch(/lockfile.*is not a kind.*lock-file/);
    expect(result.log).toMatch(/expected `kind=path`/);
    expect(result.log).toMatch(/`hard-link` needs the path/);
  });

  test('a finding behind a link names the layer of the link', async () => {
    await using setting = await createSetting();
    const result = await gate(setting, [
      [file('store/x', lodash('4.17.11'))],
      [hardLink('app/package.json', 'store/x')],
    ]);
    const manifest: { layers: { digest: string }[] } = JSON.parse(await readImageManifest(setting));
    expect(failing(result)[0]).toContain(`layer ${manifest.layers[1]?.digest.slice(0, 19)}`);
  });
});

async function readImageManifest(setting: Setting): Promise<string> {
  const directory = join(setting.repository.directory, 'image');
  const index: { manifests: { digest: string }[] } = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
  return readFile(join(directory, 'blobs', ...(index.manifests[0]?.digest.split(':') ?? [])), 'utf8');
}
