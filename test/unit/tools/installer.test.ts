import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ToolRelease, TRIVY } from '../../../src/tools/checksums.ts';
import { installTool } from '../../../src/tools/installer.ts';
import { createTestRuntime, type TestRuntime } from '../../support/runtime.ts';
import { tarOfEntries } from '../../support/tar.ts';

const script = (version: string) => `#!/bin/sh\necho "Version: ${version}"\n`;
const sumOf = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const archiveOf = async (version: string) =>
  gzipSync(await tarOfEntries([{ header: { name: 'trivy', mode: 0o755 }, content: script(version) }]));

let runtime: TestRuntime;
let releases: string;
let close: () => Promise<unknown>;
const requests: string[] = [];
const served = new Map<string, Uint8Array>();

beforeAll(async () => {
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const body = served.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  releases = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  close = () => new Promise((resolve) => server.close(resolve));
});
afterAll(() => close());
beforeEach(async () => {
  runtime = await createTestRuntime({ env: { PATH: '/usr/bin:/bin' } });
  requests.length = 0;
  served.clear();
});
afterEach(() => runtime.dispose());

/** The real table, but for an archive that this test can make. */
async function release(archive: Uint8Array): Promise<ToolRelease> {
  served.set('/v0.76.0/made-here.tar.gz', archive);
  const sha256 = sumOf(archive);
  const here = { [`${process.platform}/${process.arch}`]: { asset: 'made-here.tar.gz', sha256 } };
  return { ...TRIVY, versions: { ...TRIVY.versions, '0.76.0': { ...TRIVY.versions['0.76.0'], ...here } } };
}

async function onPath(version: string, folder = 'bin'): Promise<TestRuntime> {
  const directory = join(runtime.temp, folder);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'trivy'), script(version));
  await chmod(join(directory, 'trivy'), 0o755);
  return { ...runtime, env: { PATH: `${directory}:/usr/bin:/bin` } };
}

describe('PATH comes first', () => {
  test.each(['0.76.0', '0.74.0'])(
    'version %s on PATH is taken when its checksum is the given one, without any download',
    async (version) => {
      const sha256 = sumOf(script(version));
      const tool = await installTool(await onPath(version), TRIVY, { releases, sha256 });
      expect(tool).toMatchObject({ version, found: join(runtime.temp, 'bin', 'trivy'), origin: 'path' });
      expect(requests).toEqual([]);
    },
  );

  test('a version that was asked for is exactly that version', async () => {
    const tool = await installTool(await onPath('0.74.0'), await release(await archiveOf('0.76.0')), {
      releases,
      sha256: sumOf(script('0.74.0')),
      version: 'v0.76.0',
    });
    expect(tool).toMatchObject({ version: '0.76.0', origin: 'download' });
  });

  test('case 33: a compromised version on PATH is left aside, with a warning that says why', async () => {
    const tool = await installTool(await onPath('0.69.4'), await release(await archiveOf('0.76.0')), {
      releases,
      sha256: sumOf(script('0.69.4')),
    });
    expect(tool.origin).toBe('download');
    expect(runtime.recorded.warnings[0]?.message).toMatch(/0\.69\.4, which is refused: .*CVE-2026-33634/);
  });

  test('another program of that name is not run, whatever version it says', async () => {
    const ran = join(runtime.temp, 'ran');
    const found = await onPath('0.76.0');
    const fake = `#!/bin/sh\ntouch ${ran}\necho "Version: 0.76.0"\n`;
    await writeFile(join(runtime.temp, 'bin', 'trivy'), fake);
    const tool = await installTool(found, await release(await archiveOf('0.76.0')), { releases });
    expect(tool.origin).toBe('download');
    expect(existsSync(ran)).toBe(false);
    expect(runtime.recorded.warnings[0]?.message).toContain(`set \`trivy-sha256: ${sumOf(fake)}\``);
  });

  test('a program of the table is taken by its checksum, and what runs is a copy of this run', async () => {
    const { versions } = TRIVY;
    const build = { asset: 'x.tar.gz', sha256: '0'.repeat(64), program: sumOf(script('0.76.0')) };
    const known = { ...TRIVY, versions: { ...versions, '0.76.0': { [`${process.platform}/${process.arch}`]: build } } };
    const found = await onPath('0.76.0');
    const tool = await installTool(found, known, { releases });
    expect(tool).toMatchObject({ version: '0.76.0', origin: 'path' });
    await writeFile(join(runtime.temp, 'bin', 'trivy'), script('6.6.6'));
    expect(await readFile(tool.path, 'utf8')).toBe(script('0.76.0'));
  });

  test.each(['a folder of it', 'a link into it'])('what lies in the repository is left aside: %s', async (how) => {
    const folder = join(runtime.workspace, 'bin');
    await mkdir(folder);
    await writeFile(join(folder, 'trivy'), script('0.76.0'));
    await chmod(join(folder, 'trivy'), 0o755);
    const linked = join(runtime.temp, 'linked');
    if (how === 'a link into it') await symlink(folder, linked);
    const path = how === 'a link into it' ? linked : folder;
    const tool = await installTool(
      { ...runtime, env: { PATH: `${path}:/usr/bin:/bin` } },
      await release(await archiveOf('0.76.0')),
      { releases },
    );
    expect(tool).toMatchObject({ version: '0.76.0', origin: 'download' });
  });

  test('relative entries of PATH, which lead into the repository, are not looked at', async () => {
    await onPath('0.76.0', 'here');
    const relative = { ...runtime, env: { PATH: `.:here:${''}` } };
    await expect(installTool(relative, TRIVY, { releases })).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
  });
});

describe('the download', () => {
  test('is verified, kept in the tool cache, and found there the next time, also offline', async () => {
    const known = await release(await archiveOf('0.76.0'));
    const first = await installTool(runtime, known, { releases });
    expect(first).toMatchObject({ version: '0.76.0', origin: 'download' });
    expect(requests).toEqual(['/v0.76.0/made-here.tar.gz']);
    const second = await installTool(runtime, known, { releases: 'http://127.0.0.1:9' });
    expect(second).toMatchObject({ version: first.version, origin: 'cache' });
  });

  test.each([true, false])(
    'a tool cache that was tampered with is not used (sum of the program known: %s)',
    async (isKnown) => {
      const known = await release(await archiveOf('0.76.0'));
      const place = `${process.platform}/${process.arch}`;
      const build = known.versions['0.76.0']?.[place];
      if (build === undefined) throw new Error('The table has no build for this machine.');
      const withSum = isKnown ? { ...build, program: sumOf(script('0.76.0')) } : build;
      const table = { ...known, versions: { ...known.versions, '0.76.0': { [place]: withSum } } };
      await installTool(runtime, table, { releases });
      const { found = '' } = await installTool(runtime, table, { releases: 'http://127.0.0.1:9' });
      for (const name of await readdir(found)) await writeFile(join(found, name), script('0.76.0 evil'));
      const again = await installTool(runtime, table, { releases });
      expect(again.origin).toBe('download');
      expect(await readFile(again.path, 'utf8')).toBe(script('0.76.0'));
      expect(runtime.recorded.warnings[0]?.message).toContain('is not what was verified');
    },
  );

  test('case 33: another checksum is refused before anything is unpacked', async () => {
    const known = await release(await archiveOf('0.76.0'));
    const other = await archiveOf('6.6.6');
    served.set('/v0.76.0/made-here.tar.gz', other);
    const extracted: string[] = [];
    const watched = {
      ...runtime,
      toolCache: {
        ...runtime.toolCache,
        extractTar: async (file: string) => {
          extracted.push(file);
          return runtime.toolCache.extractTar(file);
        },
      },
    };
    await expect(installTool(watched, known, { releases })).rejects.toMatchObject({
      code: 'SCANNER_REFUSED',
      message: expect.stringMatching(
        new RegExp(`has the SHA-256 ${createHash('sha256').update(other).digest('hex')}, expected [0-9a-f]{64}`),
      ),
    });
    expect(extracted).toEqual([]);
  });

  test('what does not run as the version that it should be is not used', async () => {
    const known = await release(await archiveOf('0.75.0'));
    await expect(installTool(runtime, known, { releases })).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
  });

  test('that fails says from where and why', async () => {
    await expect(
      installTool(runtime, TRIVY, { releases, platform: { os: 'linux', arch: 'x64' } }),
    ).rejects.toMatchObject({
      code: 'SCANNER_UNAVAILABLE',
      message: `${releases}/v0.76.0/trivy_0.76.0_Linux-64bit.tar.gz could not be downloaded: Unexpected HTTP response: 404.`,
    });
  });
});

describe('case 33: versions and machines that are not in the table', () => {
  test.each([
    ['0.69.4', /0\.69\.4 is refused: it was published by an attacker.*Allowed: 0\.76\.0, 0\.74\.0/],
    ['v0.69.5', /is refused/],
    ['0.69.6', /is refused/],
    ['latest', /latest is not a version/],
    ['0.70.0', /is not known here, so there is no checksum.*Allowed/],
    ['toString', /is not known here/],
  ])('trivy-version %s', async (version, message) => {
    await expect(installTool(await onPath('0.69.4'), TRIVY, { releases, version })).rejects.toMatchObject({
      code: 'SCANNER_REFUSED',
      message: expect.stringMatching(message),
    });
    expect(runtime.recorded.commands).toEqual([]);
  });

  test('Windows on ARM', async () => {
    await expect(
      installTool(runtime, TRIVY, { releases, platform: { os: 'win32', arch: 'arm64' } }),
    ).rejects.toMatchObject({
      code: 'SCANNER_UNAVAILABLE',
      message: expect.stringMatching(/no build of trivy 0\.76\.0 for win32\/arm64, only for linux\/x64/),
    });
  });

  test('every archive of the table has a checksum and a name of its version', () => {
    for (const [version, builds] of Object.entries(TRIVY.versions)) {
      expect(Object.keys(builds)).toHaveLength(6);
      for (const { asset, sha256 } of Object.values(builds)) {
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(asset).toContain(`trivy_${version}_`);
      }
    }
    const sums = Object.values(TRIVY.versions).flatMap((builds) => Object.values(builds).map(({ sha256 }) => sha256));
    expect(new Set(sums).size).toBe(sums.length);
  });
});

test('P8: a program on PATH is asked for its version without any credential', async () => {
  const found = await onPath('0.76.0');
  const dump = join(runtime.temp, 'dump');
  const program = `#!/bin/sh\nenv > ${dump}\necho 0.76.0\n`;
  await writeFile(join(runtime.temp, 'bin', 'trivy'), program);
  const env = {
    ...found.env,
    GITHUB_TOKEN: 'canary',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
    DOCKER_CONFIG: '/canary',
  };
  await installTool({ ...found, env }, TRIVY, { releases, sha256: sumOf(program) });
  expect(await readFile(dump, 'utf8')).not.toContain('canary');
});
