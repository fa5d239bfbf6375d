import { access, chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import type { PlatformReport } from '../../../../src/domain/gate/platform-report.ts';
import { readLayout } from '../../../../src/oci/image/layout.ts';
import type { Tool } from '../../../../src/tools/installer.ts';
import { type ScanOptions, scanPlatforms } from '../../../../src/tools/trivy/scan.ts';
import { alpine, debian, type ImageFiles, leakedToken, npmPackage, osRelease } from '../../../support/image.ts';
import { type Json, type LayoutSpec, writeLayout } from '../../../support/layout.ts';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../../support/runtime.ts';
import { testTrivy } from '../../../support/trivy.ts';
import { writeTrivyDb } from '../../../support/trivy-db.ts';

const VULNERABLE = npmPackage('lodash', '4.17.11');
const CLEAN = npmPackage('lodash', '4.17.21');

let runtime: TestRuntime;
let cacheDir: string;
beforeEach(async () => {
  runtime = await createTestRuntime();
  cacheDir = await writeTrivyDb(join(runtime.temp, 'database'));
});
afterEach(() => runtime.dispose());

async function layoutOf(spec: LayoutSpec, in_ = runtime) {
  const directory = join(in_.temp, 'layout');
  await writeLayout(directory, spec);
  return readLayout(directory);
}

const twoPlatforms = (amd64: ImageFiles, arm64: ImageFiles): LayoutSpec => ({
  platforms: [
    { platform: 'linux/amd64', files: amd64 },
    { platform: 'linux/arm64', files: arm64 },
  ],
});

async function scan(spec: LayoutSpec, options: Partial<ScanOptions> = {}, trivy: Tool = testTrivy(), in_ = runtime) {
  const defaults: ScanOptions = { scanners: ['vuln', 'secret'], cacheDir, timeout: 60_000 };
  return scanPlatforms(in_, trivy, await layoutOf(spec, in_), { ...defaults, ...options });
}

function firstTwice(rootfs: unknown): readonly unknown[] {
  const ids = fieldsOf(rootfs).diff_ids;
  return Array.isArray(ids) ? [ids[0], ids[0]] : [];
}

const ids = (report: PlatformReport | undefined) => report?.report.findings.map(({ id }) => id);

describe('the real Trivy', () => {
  test('case 9: every platform is scanned by itself, and only arm64 has the findings', async () => {
    const [amd64, arm64] = await scan(twoPlatforms(CLEAN, VULNERABLE));
    expect([amd64?.platform, arm64?.platform]).toEqual(['linux/amd64', 'linux/arm64']);
    expect(ids(amd64)).toEqual([]);
    expect(ids(arm64)).toEqual(['CVE-2019-10744', 'CVE-2020-8203', 'CVE-2021-23337']);
    expect(amd64?.report.languagePackages).toBe(1);
  });

  test.each(['artifact', 'image'] as const)(
    'case 11: attestation manifests (form %s) are no platforms',
    async (form) => {
      const reports = await scan({ ...twoPlatforms(CLEAN, CLEAN), attestations: form });
      expect(reports.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    },
  );

  test('an image of one platform without an index is scanned too', async () => {
    const reports = await scan({ platforms: [{ platform: 'linux/arm/v7', files: VULNERABLE }], shape: 'manifest' });
    expect(reports.map(({ platform }) => platform)).toEqual(['linux/arm/v7']);
    expect(ids(reports[0])).toHaveLength(3);
  });

  test('case 2: a finding has severity, package, installed and fixed version, path and layer', async () => {
    const [report] = await scan({ platforms: [{ platform: 'linux/amd64', files: VULNERABLE }] });
    const layout = await readLayout(join(runtime.temp, 'layout'));
    expect(report?.report.findings[0]).toMatchObject({
      class: 'vulnerability',
      id: 'CVE-2019-10744',
      severity: 'CRITICAL',
      path: 'app/node_modules/lodash/package.json',
      package: {
        name: 'lodash',
        installed: '4.17.11',
        fixed: '4.17.12',
        status: 'fixed',
        purl: 'pkg:npm/lodash@4.17.11',
      },
    });
    const layers: unknown[] = JSON.parse(Buffer.from(layout.platforms[0]?.manifest.bytes ?? []).toString()).layers;
    expect(layers).toContainEqual(expect.objectContaining({ digest: report?.report.findings[0]?.layer }));
  });

  test('operating systems: packages are counted, the end of life is seen, the target has no path of the run', async () => {
    const [old, debian12] = await scan(
      twoPlatforms(
        alpine('3.18.4', { openssl: '3.1.0-r0' }),
        debian({ zlib1g: { source: 'zlib', version: '1:1.2.13.dfsg-1' } }),
      ),
    );
    expect(old?.report).toMatchObject({
      system: { family: 'alpine', version: '3.18.4', endOfLife: true },
      systemPackages: 1,
    });
    expect(old?.report.findings[0]).toMatchObject({ id: 'CVE-2023-5363', target: 'alpine 3.18.4' });
    expect(debian12?.report.findings[0]).toMatchObject({ severity: 'CRITICAL', package: { status: 'will_not_fix' } });
    expect(debian12?.report.findings[0]?.package?.fixed).toBeUndefined();
    expect(debian12?.osFiles).toEqual(['etc/debian_version', 'etc/os-release', 'var/lib/dpkg/status']);
  });

  test('case 22: a system that the scanner does not know leaves its files as evidence', async () => {
    const [unknown, empty] = await scan(
      twoPlatforms(osRelease('nixos', '24.11'), { ...osRelease('alpine', '3.22.1'), 'lib/apk/db/installed': '' }),
    );
    expect(unknown?.report.system).toBeUndefined();
    expect(unknown?.osFiles).toEqual(['etc/os-release']);
    expect(empty?.report).toMatchObject({ system: { family: 'alpine' }, systemPackages: 0 });
  });

  test('case 22: a release that the scanner has no advisories for is told apart from one without findings', async () => {
    const kali = {
      ...debian({ openssl: { source: 'openssl', version: '1.0.0-1' } }),
      'etc/debian_version': 'kali-rolling\n',
    };
    const [next, known] = await scan(twoPlatforms(kali, alpine('3.22.1')));
    expect(next).toMatchObject({ report: { system: { version: 'kali-rolling' }, findings: [] }, isUnlisted: true });
    expect(known).toMatchObject({ report: { system: { version: '3.22.1' } }, isUnlisted: false });
  });

  test('case 21: secrets in a layer, removed in a later one, and in the environment of the image are found', async () => {
    const [report] = await scan({
      platforms: [{ platform: 'linux/amd64', layers: [leakedToken('app/.npmrc'), { 'app/.wh..npmrc': '' }] }],
      change: {
        config: (config) => ({ ...config, config: { Env: [`TOKEN=${Object.values(leakedToken())[0]}`.trim()] } }),
      },
    });
    const places = report?.report.findings.map(({ class: kind, id, path }) => [kind, id, path]);
    expect(places).toContainEqual(['secret', 'github-pat', 'app/.npmrc']);
    expect(places).toContainEqual(['secret', 'github-pat', undefined]);
    expect(JSON.stringify(report)).not.toContain('a1B2c3D4');
  });

  test('a layer that bears the name of another one would not be looked at: it is an error', async () => {
    const scanned = scan({
      platforms: [{ platform: 'linux/amd64', layers: [CLEAN, VULNERABLE] }],
      change: {
        config: (config) => ({ ...config, rootfs: { type: 'layers', diff_ids: firstTwice(config.rootfs) } }),
      },
    });
    await expect(scanned).rejects.toMatchObject({
      code: 'LAYOUT_CORRUPT',
      message: expect.stringContaining('but the image config lists'),
    });
  });

  test('case 21: a second CMD in the history hides no secret that lies before it', async () => {
    const step = (created_by: string) => ({ created_by, ...(created_by.includes('CMD') ? { empty_layer: true } : {}) });
    const history = ['ADD', 'COPY', 'CMD ["sh"]', 'COPY', '/bin/sh -c #(nop)  CMD ["app"]', 'COPY', 'CMD'].map(step);
    const spec: LayoutSpec = {
      platforms: [{ platform: 'linux/amd64', layers: [alpine('3.22.1'), leakedToken(), CLEAN, { last: '1' }] }],
      change: { config: (config) => ({ ...config, history }) },
    };
    const [report] = await scan(spec);
    expect(ids(report)).toEqual(['github-pat']);
    expect(report).toMatchObject({ skipsSecrets: false, report: { systemPackages: 1, languagePackages: 1 } });
    // Checks of the history are about what was built on the base image: then its secrets are not found, and that is told.
    const [both] = await scan(spec, { scanners: ['vuln', 'secret', 'misconfig'] });
    expect(both?.skipsSecrets).toBe(true);
    const [vulnerable] = await scan(spec, { scanners: ['vuln'] });
    expect(vulnerable?.skipsSecrets).toBe(false);
    const change = { config: (config: Json) => ({ ...config, history: history.slice(0, 3) }) };
    const [one] = await scan({ ...spec, change }, { scanners: ['secret', 'misconfig'] });
    expect(one?.skipsSecrets).toBe(false);
  });

  test('case 27: misconfigurations and licences are found only when they are asked for', async () => {
    const spec: LayoutSpec = {
      platforms: [{ platform: 'linux/amd64', files: { ...CLEAN, 'app/Dockerfile': 'FROM alpine:latest\n' } }],
      change: { config: (config) => ({ ...config, history: [{ created_by: 'USER root', empty_layer: true }] }) },
    };
    const [plain] = await scan(spec);
    const [all] = await scan(spec, { scanners: ['vuln', 'secret', 'misconfig', 'license'] });
    expect(plain?.report.findings).toEqual([]);
    expect(new Set(all?.report.findings.map((each) => each.class))).toEqual(new Set(['misconfiguration', 'license']));
    const misconfigured = all?.report.findings.filter((each) => each.class === 'misconfiguration');
    expect(new Set(misconfigured?.map(({ target }) => target))).toEqual(new Set(['app/Dockerfile', 'image config']));
  });

  test('without the scanner `vuln` no database is needed', async () => {
    const [report] = await scan(
      { platforms: [{ platform: 'linux/amd64', files: { ...VULNERABLE, ...leakedToken() } }] },
      { scanners: ['secret'], cacheDir: undefined },
    );
    expect(ids(report)).toEqual(['github-pat']);
  });

  test('case 38: eight platforms scan at the same time from one database, and outputs are not mixed', async () => {
    const platforms = Array.from({ length: 8 }, (_, at) => ({
      platform: `linux/test${at}`,
      files: at % 2 === 0 ? CLEAN : npmPackage('minimist', '1.2.0', `app${at}`),
    }));
    const reports = await scan({ platforms, attestations: 'none' });
    for (const [at, report] of reports.entries()) {
      expect(report.report.findings.map(({ path }) => path)).toEqual(
        at % 2 === 0 ? [] : Array(2).fill(`app${at}/node_modules/minimist/package.json`),
      );
    }
  });

  test('the layout is not changed and nothing but it is left behind', async () => {
    const before = await filesBelow(join(runtime.temp, 'database'));
    await scan(twoPlatforms(CLEAN, VULNERABLE));
    expect(await filesBelow(join(runtime.temp, 'database'))).toEqual(before);
    expect((await readdir(runtime.temp)).sort()).toEqual(['database', 'layout']);
    expect((await readdir(join(runtime.temp, 'layout'))).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});

describe('hostile surroundings change nothing', () => {
  test('trivy.yaml, .trivyignore and trivy-secret.yaml in the workspace, TRIVY_* in the environment', async () => {
    const env = {
      PATH: process.env.PATH,
      HOME: runtime.workspace,
      TRIVY_IGNOREFILE: join(runtime.workspace, '.trivyignore'),
      TRIVY_SEVERITY: 'LOW',
      TRIVY_SKIP_FILES: '**/*',
      TRIVY_IGNORE_UNFIXED: 'true',
      TRIVY_CONFIG: join(runtime.workspace, 'trivy.yaml'),
      TRIVY_QUIET: 'true',
    };
    await using hostile = await createTestRuntime({ env, temp: runtime.temp, workspace: runtime.workspace });
    const files = {
      'trivy.yaml': 'severity: [LOW]\nscan:\n  skip-dirs: ["**"]\nexit-code: 3\n',
      '.trivyignore': 'CVE-2019-10744\nCVE-2020-8203\nCVE-2021-23337\ngithub-pat\n',
      'trivy-secret.yaml': 'disable-rules: [github-pat]\n',
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(runtime.workspace, name), content);
    // The same files inside of the image must not matter either.
    const inImage = Object.fromEntries(Object.entries(files).map(([name, content]) => [`app/${name}`, content]));
    const previous = process.cwd();
    process.chdir(runtime.workspace);
    try {
      const spec = { platforms: [{ platform: 'linux/amd64', files: { ...VULNERABLE, ...leakedToken(), ...inImage } }] };
      const [report] = await scan(spec, {}, testTrivy(), hostile);
      expect(ids(report)).toEqual(['CVE-2019-10744', 'CVE-2020-8203', 'CVE-2021-23337', 'github-pat']);
    } finally {
      process.chdir(previous);
    }
  });

  test('the scan never writes into the workspace and is not started there', async () => {
    await scan({ platforms: [{ platform: 'linux/amd64', files: CLEAN }] });
    expect(await readdir(runtime.workspace)).toEqual([]);
    for (const { args, options } of runtime.recorded.commands) {
      expect(options.cwd?.startsWith(runtime.temp)).toBe(true);
      for (const flag of ['--config', '--ignorefile', '--secret-config', '--cache-dir']) {
        expect(args[args.indexOf(flag) + 1]?.startsWith(runtime.temp)).toBe(true);
      }
    }
  });
});

/** A program in Trivy's place. It knows where the report is expected (`$OUT`) and the image's real report (`$REAL`). */
async function fakeTrivy(script: string, options: TestRuntimeOptions = {}): Promise<{ fake: Tool; in_: TestRuntime }> {
  const folder = join(runtime.temp, 'fake');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'trivy');
  const prelude = 'for a; do [ "$p" = --output ] && OUT=$a; p=$a; done\n';
  await writeFile(path, `#!/bin/sh\nREAL='${testTrivy().path}'\n${prelude}${script}\n`);
  await chmod(path, 0o755);
  const in_ = await createTestRuntime({ temp: runtime.temp, workspace: runtime.workspace, ...options });
  return { fake: { version: '0.76.0', path, origin: 'path' }, in_ };
}

const ONE: LayoutSpec = { platforms: [{ platform: 'linux/amd64', files: CLEAN }] };
/** Runs the real scan and then edits the report. */
const edited = (expression: string) => `"$REAL" "$@" || exit 9\nsed -i '${expression}' "$OUT"`;

describe('a broken scanner is never a pass', () => {
  test.each([
    [
      'case 14: exits 1 without a report',
      'echo "FATAL something broke" >&2; exit 1',
      'SCANNER_FAILED',
      /exit code 1 while it scanned linux\/amd64.*something broke/s,
    ],
    ['exits 0 without a report', 'exit 0', 'REPORT_INVALID', /wrote none/],
    ['case 14: exits 0 with an empty file', ': > "$OUT"', 'REPORT_INVALID', /it is empty/],
    [
      'case 14: exits 0 with a report that is cut off',
      '"$REAL" "$@"; head -c 300 "$OUT" > "$OUT.x"; mv "$OUT.x" "$OUT"',
      'REPORT_INVALID',
      /300 bytes are not JSON/,
    ],
    ['exits 0 with something else than a report', 'echo "[]" > "$OUT"', 'REPORT_INVALID', /expected an object/],
    [
      'case 14: report of schema 1',
      edited('s/"SchemaVersion": 2/"SchemaVersion": 1/'),
      'REPORT_INVALID',
      /SchemaVersion: expected 2/,
    ],
    [
      'report about another image',
      edited('s/"ImageID": "sha256:..../"ImageID": "sha256:0000/'),
      'REPORT_INVALID',
      /about the image sha256:0000/,
    ],
    [
      'report about other layers',
      edited('s/"DiffIDs": \\[/"DiffIDs": ["sha256:00",/'),
      'REPORT_INVALID',
      /about 2 layers/,
    ],
    [
      'report about another platform',
      edited('s/"architecture": "amd64"/"architecture": "s390x"/'),
      'REPORT_INVALID',
      /about linux\/s390x, expected linux\/amd64/,
    ],
    [
      'report of another version',
      edited('s/"Version": "0.76.0"/"Version": "0.69.4"/'),
      'REPORT_INVALID',
      /written by version 0.69.4/,
    ],
    ['case 15: killed by a signal', 'kill -9 $$', 'SCANNER_FAILED', /killed by SIGKILL/],
    ['writes a good report and then fails', '"$REAL" "$@"; exit 3', 'SCANNER_FAILED', /exit code 3/],
  ])('%s', async (_, script, code, message) => {
    const { fake, in_ } = await fakeTrivy(script);
    await using _disposed = in_;
    const thrown = scan(ONE, {}, fake, in_);
    await expect(thrown).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await expect(thrown).rejects.not.toMatchObject({ message: expect.stringMatching(/vulnerabilit/i) });
  });

  test('case 15: a scanner that hangs is stopped after the time limit', async () => {
    const { fake, in_ } = await fakeTrivy('exec sleep 60');
    await using _disposed = in_;
    await expect(scan(ONE, { timeout: 1000 }, fake, in_)).rejects.toMatchObject({
      code: 'SCANNER_TIMEOUT',
      message: 'The scan of linux/amd64 timed out after 1 seconds.',
    });
  });

  test('words on stderr are no failure', async () => {
    const { fake, in_ } = await fakeTrivy('echo "ERROR not so bad" >&2; exec "$REAL" "$@"');
    await using _disposed = in_;
    expect(await scan(ONE, {}, fake, in_)).toHaveLength(1);
  });
});

test('case 34 (P8): no credential of the job reaches the scanner, in its environment, arguments or home', async () => {
  const canary = 'canary-7f3a9c';
  const names = [
    'GITHUB_TOKEN',
    'INPUT_PASSWORD',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'ACTIONS_RUNTIME_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'DOCKER_CONFIG',
    'DOCKER_AUTH_CONFIG',
    'REGISTRY_AUTH_FILE',
    'TRIVY_PASSWORD',
    'TRIVY_TOKEN',
    'GOOGLE_APPLICATION_CREDENTIALS',
    'XDG_RUNTIME_DIR',
    'XDG_CONFIG_HOME',
    'NPM_TOKEN',
    'HTTPS_PROXY',
    'all_proxy',
  ];
  const env = {
    PATH: process.env.PATH,
    HOME: join(runtime.workspace, canary),
    ...Object.fromEntries(names.map((name) => [name, `${canary}-${name}`])),
  };
  const dump = join(runtime.temp, 'dump');
  const { fake, in_ } = await fakeTrivy(
    `{ env; echo "$@"; ls -aR "$HOME" "$DOCKER_CONFIG" .; } > ${dump}; exec "$REAL" "$@"`,
    { env },
  );
  await using _disposed = in_;
  await scan(ONE, {}, fake, in_);
  const seen = await readFile(dump, 'utf8');
  expect(seen).toContain('PATH=');
  expect(seen).not.toContain(canary);
  // Were they not set, registry clients would look in other places.
  for (const name of ['DOCKER_CONFIG', 'HOME', 'XDG_RUNTIME_DIR']) {
    expect(seen.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1]?.startsWith(in_.temp)).toBe(true);
  }
  for (const name of names.filter((each) => !each.startsWith('XDG') && each !== 'DOCKER_CONFIG'))
    expect(seen).not.toContain(`${name}=`);
});

async function filesBelow(directory: string): Promise<readonly string[]> {
  await access(directory);
  return (await readdir(directory, { recursive: true })).sort();
}
