import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databaseDirectory, prepareDatabase } from '../../../../src/tools/trivy/database.ts';
import { createTestRuntime, holdsText, type TestRuntime } from '../../../support/runtime.ts';
import {
  type DatabaseFacts,
  type Mirrors,
  openAnonymously,
  packTrivyDb,
  serveMirrors,
  writeTrivyDb,
} from '../../../support/trivy-db.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ago = (milliseconds: number) => new Date(Date.now() - milliseconds);
const NO_HOST = 'no-such-host.invalid/trivy-db:2';
const NO_LISTENER = 'localhost:1/trivy-db:2';

let runtime: TestRuntime;
let cacheDir: string;
let mirrors: Mirrors;
beforeAll(async () => {
  const layer = await packTrivyDb();
  const fails = (status: number, code: string) => ({ layer, fault: { status, code } });
  mirrors = await serveMirrors({
    good: { layer },
    limited: fails(429, 'TOOMANYREQUESTS'),
    denied: fails(403, 'DENIED'),
    anonymous: fails(401, 'UNAUTHORIZED'),
    missing: fails(404, 'MANIFEST_UNKNOWN'),
    broken: fails(503, 'UNAVAILABLE'),
    media: { layer, fault: 'wrong-media-type' },
    layers: { layer, fault: 'two-layers' },
    untitled: { layer, fault: 'no-title' },
    garbage: { layer, fault: 'not-a-database' },
    schema: { layer: await packTrivyDb({ version: 3 }) },
    old: { layer: await packTrivyDb({ updatedAt: ago(5 * DAY) }) },
    future: { layer: await packTrivyDb({ updatedAt: ago(-400 * DAY) }) },
    fake: { layer: await packTrivyDb({}, 'not bbolt, but long enough to look like a file of some kind') },
  });
});
afterAll(() => mirrors[Symbol.asyncDispose]());
beforeEach(async () => {
  runtime = await createTestRuntime();
  cacheDir = join(runtime.temp, 'cache');
});
afterEach(() => runtime.dispose());

/** Names are repositories of the loopback server; what has a slash is taken as it is. */
const prepare = (names: readonly string[], maxAge = 3 * DAY) =>
  prepareDatabase(runtime, {
    open: openAnonymously,
    repositories: names.map((name) => (name.includes('/') ? name : mirrors.repository(name))),
    maxAge,
    cacheDir,
  });
const freshCache = () => ({ open: openAnonymously, maxAge: DAY, cacheDir: join(runtime.temp, crypto.randomUUID()) });
const cached = (facts: DatabaseFacts) => writeTrivyDb(cacheDir, facts);

describe('mirrors are tried in order, whatever is wrong with the one before', () => {
  test.each([
    ['case 18: a host without an address', NO_HOST],
    ['a host that nobody listens on', NO_LISTENER],
    ['access denied', 'denied'],
    ['a login wanted', 'anonymous'],
    ['not found', 'missing'],
    ['another media type', 'media'],
    ['schema 3', 'schema'],
    ['too old', 'old'],
    ['a name that is a flag', '--config=/etc/passwd'],
  ])('%s, then a good one', async (_, first) => {
    const database = await prepare([first, 'good']);
    expect(database).toMatchObject({ origin: 'download', repository: mirrors.repository('good'), cacheDir });
    expect(database.age).toBeLessThan(HOUR);
    expect((await readdir(join(cacheDir, 'db'))).sort()).toEqual(['metadata.json', 'trivy.db']);
  });
});

test('a layer without a title is as good as one with it', async () => {
  expect(await prepare(['untitled'])).toMatchObject({ origin: 'download' });
});

describe('a database that cannot be used has its own error, and never speaks of findings', () => {
  test.each([
    [
      'case 17: DNS',
      [NO_HOST],
      'DATABASE_UNREACHABLE',
      /no-such-host\.invalid\/trivy-db:2: the name of the host has no address \(DNS\)/,
    ],
    ['no connection', [NO_LISTENER], 'DATABASE_UNREACHABLE', /no connection/],
    ['case 17: 404', ['missing'], 'DATABASE_UNREACHABLE', /missing:2: not found/],
    ['unknown repository', ['nosuch'], 'DATABASE_UNREACHABLE', /nosuch:2: not found/],
    ['denied', ['denied', 'anonymous'], 'DATABASE_DENIED', /denied:2: refused.*\n.*anonymous:2: refused/],
    ['case 17: two layers', ['layers'], 'DATABASE_INVALID', /several layers/],
    ['case 17: wrong media type', ['media'], 'DATABASE_INVALID', /another media type/],
    ['not an archive', ['garbage'], 'DATABASE_INVALID', /cannot be unpacked/],
    ['not a database', ['fake'], 'DATABASE_INVALID', /trivy\.db is not a database/],
    ['case 20: schema 3', ['schema'], 'DATABASE_INVALID', /schema version 3, expected 2; update Trivy/],
    ['made in the future', ['future'], 'DATABASE_INVALID', /which is in the future/],
    ['too old', ['old'], 'DATABASE_TOO_OLD', /old:2: it is 5d old \(of .*\), and at most 3d is allowed/],
    [
      'several reasons: the one that can be mended decides, all are listed',
      [NO_HOST, 'missing', 'media'],
      'DATABASE_INVALID',
      /DNS.*not found.*media type/s,
    ],
    ['no mirror at all', [], 'DATABASE_UNREACHABLE', /none is named/],
  ])('%s', async (_, names, code, message) => {
    const thrown = prepare(names);
    await expect(thrown).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await expect(thrown).rejects.not.toMatchObject({ message: expect.stringMatching(/finding|vulnerabilities found/) });
  });

  test('case 17: rate limits and faults are told apart, and another mirror serves', async () => {
    const [served, limited, broken] = await Promise.allSettled([
      prepare(['limited', 'good']),
      prepareDatabase(runtime, { ...freshCache(), repositories: [mirrors.repository('limited')] }),
      prepareDatabase(runtime, { ...freshCache(), repositories: [mirrors.repository('broken')] }),
    ]);
    expect(served).toMatchObject({ status: 'fulfilled', value: { origin: 'download' } });
    expect(limited).toMatchObject({ reason: { message: expect.stringMatching(/limited:2: rate limited/) } });
    expect(broken).toMatchObject({ reason: { message: expect.stringMatching(/broken:2: the registry has a fault/) } });
  });
});

describe('the cache', () => {
  test('a current database is used without asking anybody', async () => {
    await cached({ updatedAt: ago(5 * HOUR) });
    const before = mirrors.requests.length;
    expect(await prepare(['good'])).toMatchObject({ origin: 'cache' });
    expect(mirrors.requests.length).toBe(before);
    expect(runtime.recorded.commands).toEqual([]);
  });

  test('two runs of one job download once', async () => {
    expect((await prepare(['good'])).origin).toBe('download');
    expect((await prepare(['good'])).origin).toBe('cache');
  });

  test('the age is asserted even when Trivy takes the database for current', async () => {
    await cached({ updatedAt: ago(10 * HOUR) });
    expect(await prepare(['good'], 6 * HOUR)).toMatchObject({ origin: 'download' });
  });

  test('case 19: an older one within the limit serves with a warning when no mirror does', async () => {
    await cached({ updatedAt: ago(2 * DAY) });
    const database = await prepare([NO_LISTENER]);
    expect(database.origin).toBe('stale');
    expect(runtime.recorded.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/the one in the cache is 2d old and is used\.\n- localhost:1\/trivy-db:2: no connection/),
    ]);
  });

  test('case 19: an older one beyond the limit does not', async () => {
    await cached({ updatedAt: ago(4 * DAY) });
    await expect(prepare([NO_LISTENER])).rejects.toMatchObject({
      code: 'DATABASE_TOO_OLD',
      message: expect.stringMatching(/4d old .* at most 3d is allowed\. No mirror gave a newer one:\n- localhost:1/),
    });
  });

  test.each([
    ['metadata is cut off', async () => writeFile(join(cacheDir, 'db', 'metadata.json'), '{"Version":2,')],
    ['the database file is gone', async () => rm(join(cacheDir, 'db', 'trivy.db'))],
  ])('a damaged one is replaced: %s', async (_, damage) => {
    await cached({});
    await damage();
    expect(await prepare(['good'])).toMatchObject({ origin: 'download' });
  });

  test('a failed refresh leaves the old database whole', async () => {
    await cached({ updatedAt: ago(2 * DAY) });
    await prepare(['schema']);
    expect((await prepare([NO_LISTENER])).origin).toBe('stale');
  });

  test('it lies where other steps of the job find it, outside of what the post step removes', () => {
    const inJob = { ...runtime, env: { RUNNER_TEMP: '/runner/_temp' }, temp: '/runner/_temp/registry-action-x' };
    expect(databaseDirectory(inJob)).toBe('/runner/_temp/registry-action-trivy');
    expect(databaseDirectory({ ...inJob, env: {} })).toBe('/runner/_temp/registry-action-x/trivy');
  });
});

test('P8: mirrors are asked without any login, and nothing is left in the temp directory', async () => {
  const env = {
    PATH: process.env.PATH,
    HOME: runtime.workspace,
    GITHUB_TOKEN: 'canary',
    TRIVY_USERNAME: 'u',
    TRIVY_PASSWORD: 'canary',
  };
  await using other = await createTestRuntime({ env, temp: runtime.temp, workspace: runtime.workspace });
  await prepareDatabase(other, {
    open: openAnonymously,
    repositories: [mirrors.repository('good')],
    maxAge: DAY,
    cacheDir,
  });
  expect(mirrors.authorizations).toEqual([]);
  expect(await readdir(runtime.temp)).toEqual(['cache']);
  expect(await holdsText(runtime.temp, 'canary')).toBe(false);
});

test('a cancelled run ends as cancelled', async () => {
  runtime.cancel();
  await expect(prepare(['good'])).rejects.toMatchObject({ code: 'CANCELLED' });
});
