import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fileLogins } from '../../../src/registries/docker-logins.ts';
import { createTestRuntime } from '../../support/runtime.ts';

/** What a file that is mounted by itself answers. */
function busy() {
  return Promise.reject(Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' }));
}

vi.mock(import('node:fs/promises'), async (original) => ({ ...(await original()), rename: busy }));

test('logins that cannot be filed leave no copy of all the others behind', async () => {
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
