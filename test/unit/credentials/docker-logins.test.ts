import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { fileLogins, withdrawLogins } from '../../../src/credentials/docker-logins.ts';
import { createTestRuntime } from '../../support/runtime.ts';

/** What a file that is mounted by itself answers: a fault of the system, which takes the rights of root to make. */
function busy() {
  return Promise.reject(Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' }));
}

const rename = vi.hoisted(() => vi.fn());
vi.mock(import('node:fs/promises'), async (original) => ({ ...(await original()), rename }));
beforeEach(async () => {
  const { rename: real } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
  rename.mockImplementation(real);
});

test('the file of the user is as it was after the job, its mode and owner too', async () => {
  const runtime = await createTestRuntime();
  onTestFinished(runtime.dispose);
  const directory = join(runtime.workspace, 'docker');
  await mkdir(directory);
  const file = join(directory, 'config.json');
  await writeFile(file, JSON.stringify({ auths: {}, experimental: 'enabled' }));
  await chmod(file, 0o640);
  if (process.getuid?.() === 0) await chown(file, 1234, 1235);
  const before = await stat(file);
  const placed = { ...runtime, env: { ...runtime.env, DOCKER_CONFIG: directory } };
  await fileLogins(placed, [{ host: 'r.example', username: 'me', password: 'canary' }]);
  const during = await stat(file);
  expect([during.mode & 0o777, during.uid, during.gid]).toEqual([0o600, before.uid, before.gid]);
  expect(await withdrawLogins(placed)).toBe(1);
  const after = await stat(file);
  expect([after.mode & 0o777, after.uid, after.gid]).toEqual([0o640, before.uid, before.gid]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ auths: {}, experimental: 'enabled' });
});

test('logins that cannot be filed leave no copy of all the others behind', async () => {
  rename.mockImplementation(busy);
  const runtime = await createTestRuntime();
  onTestFinished(runtime.dispose);
  const directory = join(runtime.workspace, 'docker');
  await mkdir(directory);
  const before = JSON.stringify({ auths: { 'other.example': { auth: 'c2VjcmV0' } } });
  await writeFile(join(directory, 'config.json'), before);
  const filed = fileLogins({ ...runtime, env: { ...runtime.env, DOCKER_CONFIG: directory } }, [
    { host: 'r.example', username: 'me', password: 'canary' },
  ]);
  await expect(filed).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  expect(await readdir(directory)).toEqual(['config.json']);
  expect(await readFile(join(directory, 'config.json'), 'utf8')).toBe(before);
});
