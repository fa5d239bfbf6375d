import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeLayers } from '../support/layers.ts';
import type { TarEntry } from '../support/tar.ts';
import { createSetting } from './setting.ts';

/** What dpkg of this machine has, as a container of a whole system would: its database, and what it says of files. */
function systemFiles(): readonly TarEntry[] {
  const files = ['/etc/os-release', '/etc/debian_version', '/var/lib/dpkg/status'].filter((path) => existsSync(path));
  const info = readdirSync('/var/lib/dpkg/info').filter((name) => /\.(?:list|md5sums)$/.test(name));
  return [...files, ...info.map((name) => `/var/lib/dpkg/info/${name}`)].map((path) => ({
    header: { name: path.slice(1), mode: 0o644 },
    content: readFileSync(path),
  }));
}

test.skipIf(!existsSync('/var/lib/dpkg/status'))(
  'P12: of a whole system, every package that dpkg has installed is scanned',
  async () => {
    const format = '${db:Status-Status} ${Package}@${Version}\n';
    const listed = execFileSync('dpkg-query', ['--show', '--showformat', format], { encoding: 'utf8' });
    const installed = listed.split('\n').filter((line) => line.startsWith('installed '));
    expect(installed.length).toBeGreaterThan(50);
    await using setting = await createSetting();
    await writeLayers(join(setting.repository.directory, 'image'), [systemFiles()]);
    // What there is to find in it depends on the machine.
    const run = await setting.publish({ push: 'false', scan: 'report', 'accept-unscanned': 'unknown-release=*' });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
    const [, packages] = /^linux\/amd64: .*, packages: (\d+),/m.exec(run.log) ?? [];
    // A package of two architectures may be listed once or twice.
    expect(Number(packages)).toBeGreaterThanOrEqual(new Set(installed).size);
    expect(Number(packages)).toBeLessThanOrEqual(installed.length);
    expect(run.log).not.toMatch(/package-database|unknown-os|analysis-error/);
  },
);
