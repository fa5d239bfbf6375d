import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTransport } from '../../../src/http/transport.ts';
import { createSigstoreService } from '../../../src/sigstore/service.ts';
import { GITHUB_REPOSITORY, openTrustFiles, PUBLIC_REPOSITORY } from '../../../src/sigstore/tuf.ts';
import { createTestClock, createTestRuntime, type TestRuntime } from '../../support/runtime.ts';
import { startTrustRepository, type TrustRepositoryDouble } from '../../support/trust-repository.ts';

const PAST = '2020-01-01T00:00:00Z';
const ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}';

let runtime: TestRuntime;
let repository: TrustRepositoryDouble;
let folder: string;
beforeEach(async () => {
  runtime = await createTestRuntime();
  repository = await startTrustRepository({ 'trusted_root.json': ROOT });
  folder = join(runtime.temp, 'trust');
});
afterEach(async () => {
  await repository[Symbol.asyncDispose]();
  await runtime.dispose();
});

const read = async (root = repository.root, mirror = repository.url) => {
  const { signal } = new AbortController();
  const service = createSigstoreService({
    transport: createTransport({ signal, insecureHosts: [], env: {}, userAgent: 'test' }),
    clock: createTestClock(),
    signal,
    log: runtime.log,
    mask: runtime.secret,
  });
  return (await openTrustFiles(service, { mirror, root: async () => root }, folder)).read('trusted_root.json');
};

describe('trust material', () => {
  test('is fetched, and checked against the root that is shipped', async () => {
    expect(await read()).toEqual(JSON.parse(ROOT));
    expect(repository.requests).toContain('/targets/trusted_root.json');
  });

  test('that did not change is not fetched again', async () => {
    await read();
    repository.requests.length = 0;
    expect(await read()).toEqual(JSON.parse(ROOT));
    expect(repository.requests).toEqual([]);
  });

  test('that was fetched counts while the repository is unreachable', async () => {
    await read();
    const { url, root } = repository;
    await repository[Symbol.asyncDispose]();
    expect(await read(root, url)).toEqual(JSON.parse(ROOT));
    repository = await startTrustRepository({});
  });

  test.each<[string, string, (path: string) => Promise<void>]>([
    ['expired', 'timestamp.json', (path) => writeFile(path, repository.metadata('timestamp', { expires: PAST }))],
    ['expired in part', 'targets.json', (path) => writeFile(path, repository.metadata('targets', { expires: PAST }))],
    ['changed', 'targets/trusted_root.json', (path) => writeFile(path, '{"evil":true}')],
    ['cut off', 'snapshot.json', (path) => truncate(path, 20)],
    ['removed', 'timestamp.json', (path) => rm(path)],
    ['of another key', 'timestamp.json', (path) => writeFile(path, repository.foreign('timestamp'))],
    ['a root of somebody else', 'root.json', (path) => writeFile(path, '{"signed":{}}')],
  ])('that is kept and %s is fetched again', async (what, name, spoil) => {
    await read();
    const [host = ''] = await readdir(folder);
    await spoil(join(folder, host, name));
    repository.serve('/timestamp.json', repository.metadata('timestamp', { version: 2 }));
    repository.requests.length = 0;
    expect(await read()).toEqual(JSON.parse(ROOT));
    expect(repository.requests.length > 0).toBe(!what.startsWith('a root'));
    const { url, root } = repository;
    await repository[Symbol.asyncDispose]();
    if (!what.startsWith('a root')) await spoil(join(folder, host, name));
    const later = read(root, url);
    if (what.startsWith('a root')) expect(await later).toEqual(JSON.parse(ROOT));
    else await expect(later).rejects.toMatchObject({ code: 'TRUSTED_ROOT_UNAVAILABLE' });
    repository = await startTrustRepository({});
  });

  test('in a folder that somebody else wrote to is not believed', async () => {
    await using other = await startTrustRepository({ 'trusted_root.json': '{"evil":true}' });
    await mkdir(folder, { recursive: true });
    await read();
    const [name = ''] = await readdir(folder);
    await writeFile(join(folder, name, 'root.json'), other.root);
    await writeFile(join(folder, name, 'targets.json'), other.metadata('targets'));
    await writeFile(join(folder, name, 'targets', 'trusted_root.json'), '{"evil":true}');
    expect(await read()).toEqual(JSON.parse(ROOT));
  });
});

describe('trust material that cannot be used has an outcome of its own', () => {
  const failure = (message: RegExp) => ({ code: 'TRUSTED_ROOT_UNAVAILABLE', message: expect.stringMatching(message) });

  test('unreachable', async () => {
    const { url, root } = repository;
    await repository[Symbol.asyncDispose]();
    await expect(read(root, url)).rejects.toMatchObject(failure(/No trust material from 127.*ECONNREFUSED/));
    repository = await startTrustRepository({});
  });

  test.each<[string, () => void]>([
    ['a changed file', () => repository.serve('/targets/trusted_root.json', ROOT.replace('0.1', '0.2'))],
    ['a file that is missing', () => repository.serve('/targets/trusted_root.json', undefined)],
    ['metadata of another key', () => repository.serve('/timestamp.json', repository.foreign('timestamp'))],
    [
      'metadata that has expired',
      () => repository.serve('/timestamp.json', repository.metadata('timestamp', { expires: '2020-01-01T00:00:00Z' })),
    ],
    [
      'a list without the file',
      () => repository.serve('/targets.json', repository.metadata('targets', { targets: {} })),
    ],
    ['an answer that is no metadata', () => repository.serve('/timestamp.json', '<html>login</html>')],
  ])('%s', async (_what, spoil) => {
    spoil();
    await expect(read()).rejects.toMatchObject(failure(/No trust material from 127/));
  });
});

test.each([
  ['public', PUBLIC_REPOSITORY],
  ['GitHub', GITHUB_REPOSITORY],
])('the root of the %s instance is shipped', async (_name, { root }) => {
  const { signed } = JSON.parse((await root()).toString()) as { signed: { _type: string; roles: object } };
  expect(signed._type).toBe('root');
  expect(Object.keys(signed.roles)).toEqual(expect.arrayContaining(['root', 'timestamp', 'snapshot', 'targets']));
});
