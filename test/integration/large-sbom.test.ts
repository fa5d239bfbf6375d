import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LayoutSpec } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import { CLEAN, createSetting, type Setting } from './setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
});
afterAll(() => setting[Symbol.asyncDispose]());

const MIB = 1024 ** 2;

/** Each of two platforms has an SBOM of this size, made of packages as an SBOM generator lists them. */
function withSboms(mebibytes: number): LayoutSpec {
  const packages: object[] = [];
  for (let size = 0; size < mebibytes * MIB; ) {
    const name = `package-${packages.length}-${'x'.repeat(60)}`;
    const one = { SPDXID: `SPDXRef-${name}`, name, versionInfo: '1.0.0', downloadLocation: 'NOASSERTION' };
    size += JSON.stringify(one).length + 1;
    packages.push(one);
  }
  return {
    platforms: [
      { platform: 'linux/amd64', files: CLEAN },
      { platform: 'linux/arm64', files: CLEAN },
    ],
    change: {
      statement: (statement, _platform, kind) =>
        kind === 'sbom' ? { ...statement, predicate: { SPDXID: 'SPDXRef-DOCUMENT', packages } } : statement,
    },
  };
}

/** The most memory that a process had so far, in MiB. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

test('an image whose SBOMs have 44 MiB each is published, byte for byte and in bounded memory', async () => {
  await using registry = await startRegistry();
  const layout = await setting.image(withSboms(44));
  const size = (await readFile(layout.path(layout.platforms[0]?.statements.sbom ?? layout.digest))).length;
  expect(size).toBeGreaterThan(44 * MIB);
  let pid: number | undefined;
  let peak = 0;
  const run = await setting.publish(
    { images: `${registry.host}/org/app`, tags: 'type=raw,value=big', sbom: 'true' },
    {
      onSpawn: (child) => {
        pid = child.pid;
        const timer = setInterval(() => {
          peakOf(pid).then((now) => {
            peak = Math.max(peak, now);
          }, String);
        }, 50);
        child.once('exit', () => clearInterval(timer));
      },
    },
  );
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest: layout.digest } });
  expect(registry.tags('org/app')).toEqual({ big: layout.digest });
  if (process.platform === 'linux') expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(700);
});

test('an SBOM over 80 MiB is rejected with its size and what to do', async () => {
  const layout = await setting.image({ ...withSboms(81), attestations: 'image' });
  const run = await setting.publish({ push: 'false' });
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
  const [error] = run.annotations.filter(({ level }) => level === 'error');
  expect(error?.title).toBe('An attestation is too large');
  expect(error?.message).toContain(`The SBOM ${layout.platforms[0]?.statements.sbom} has `);
  expect(error?.message).toMatch(/ has \d+\.\d MiB, more than the 80 MiB.*ATTESTATION_TOO_LARGE.*`sbom: false`/s);
  expect(run.log).not.toMatch(/check the disk|another image/);
});
