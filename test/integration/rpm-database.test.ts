import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeLayers } from '../support/layers.ts';
import type { TarEntry } from '../support/tar.ts';
import { createSetting, type Setting } from './setting.ts';

const DATABASE = gunzipSync(await readFile(new URL('../fixtures/rpm/rpmdb.sqlite.gz', import.meta.url)));
const PATH = 'var/lib/rpm/rpmdb.sqlite';

let setting: Setting;
let root: string;
beforeAll(async () => {
  setting = await createSetting();
  root = await mkdtemp(join(tmpdir(), 'rpm-'));
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** The database after some statements, and what they left in the write-ahead log. */
async function changed(statements: string) {
  const path = join(await mkdtemp(join(root, 'db-')), 'rpmdb.sqlite');
  await writeFile(path, DATABASE);
  const database = new DatabaseSync(path);
  database.exec(statements);
  const log = existsSync(`${path}-wal`) ? await readFile(`${path}-wal`) : new Uint8Array();
  const bytes = await readFile(path);
  database.close();
  return { bytes, log };
}

const file = (name: string, content: string | Uint8Array): TarEntry => ({ header: { name, mode: 0o644 }, content });

/** Gates an image of Rocky Linux, of which the small vulnerability database knows nothing. */
async function gate(...files: readonly TarEntry[]) {
  const release = [
    file('etc/os-release', 'ID="rocky"\nVERSION_ID="9.4"\n'),
    file('etc/rocky-release', 'Rocky Linux release 9.4 (Blue Onyx)\n'),
  ];
  await writeLayers(join(setting.repository.directory, 'image'), [[...release, ...files]]);
  const run = await setting.publish({ push: 'false', 'accept-unscanned': 'unknown-release=rocky *' });
  return { run, failing: [...run.log.matchAll(/^linux\/amd64: HIGH (.*)$/gm)].map(([, text]) => text) };
}

test.each([
  ['as rpm writes it', '', PATH],
  [
    'with larger pages',
    'PRAGMA journal_mode=DELETE; PRAGMA page_size=8192; VACUUM',
    'usr/lib/sysimage/rpm/rpmdb.sqlite',
  ],
  [
    'with removed packages',
    'PRAGMA journal_mode=DELETE; PRAGMA foreign_keys=OFF; DELETE FROM Packages WHERE hnum > 30',
    PATH,
  ],
])('P12: a database %s passes, with all of its packages in the report', async (_, statements, path) => {
  const { bytes } = await changed(statements);
  const { run, failing } = await gate(file(path, bytes), file(`${path}-wal`, ''));
  expect(failing).toEqual([]);
  expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  expect(run.log).toMatch(/packages: (?:40|30),/);
});

test('P12: a package that is not in the report fails the gate', async () => {
  const { bytes } = await changed('PRAGMA journal_mode=DELETE; INSERT INTO Packages(blob) SELECT blob FROM Packages');
  const { run, failing } = await gate(file(PATH, bytes));
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
  expect(failing).toEqual([
    'package-database in var/lib/rpm/rpmdb.sqlite: 40 of its 80 packages are not in the scan report',
  ]);
});

test('P12: packages in the write-ahead log, which rpm reads and Trivy does not, fail the gate', async () => {
  const { bytes, log } = await changed(
    'PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; INSERT INTO Packages(blob) SELECT blob FROM Packages LIMIT 5',
  );
  expect(log.length).toBeGreaterThan(0);
  const { run, failing } = await gate(file(PATH, bytes), file(`${PATH}-wal`, log));
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
  expect(failing).toEqual([expect.stringMatching(/^package-database in var\/lib\/rpm\/rpmdb\.sqlite-wal: /)]);
});
