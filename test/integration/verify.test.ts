import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ActionRun, runAction } from '../support/action.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../support/registry.ts';
import { manifestOf } from '../support/registry-client.ts';

const IMAGE = manifestOf();
const IDENTITY = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';

let registry: TestRegistry;
let workspace: string;
const runs: ActionRun[] = [];

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'verify-'));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(workspace, 'key.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
});
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.dispose()));
  await registry?.close();
  await rm(workspace, { recursive: true, force: true });
});

async function verify(
  inputs: Readonly<Record<string, string>>,
  { env = {}, ...options }: RegistryOptions & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ActionRun> {
  registry = await startRegistry(options);
  registry.putBlob('acme/app', Buffer.from('{}'));
  registry.putManifest('acme/app', 'main', IMAGE.descriptor.mediaType, IMAGE.bytes);
  const images = `${registry.host}/acme/app:main`;
  const run = await runAction({ inputs: { command: 'verify', images, ...inputs }, workspace, env });
  runs.push(run);
  return run;
}

describe('`command: verify`', () => {
  test('refuses an image that nobody signed, and writes nothing', async () => {
    const run = await verify({ 'signer-key': 'key.pub' });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ outcome: 'unverified', digest: IMAGE.descriptor.digest, verified: '' });
    expect(run.log).toContain('It is not signed.');
    expect(run.summary).toContain('## ❌ Not verified: acme/app');
    expect(registry.writes()).toEqual([]);
  });

  test('names each image that fails, whatever became of the others', async () => {
    const run = await verify({
      'signer-key': 'key.pub',
      images: '',
      registry: '',
    });
    expect(run.outputs.outcome).toBe('invalid-input');
    const { host } = registry;
    const both = await runAction({
      inputs: { command: 'verify', images: `${host}/acme/app:main\n${host}/acme/app:gone`, 'signer-key': 'key.pub' },
      workspace,
    });
    runs.push(both);
    expect(both.exitCode).toBe(1);
    expect(both.log).toContain('acme/app:gone does not exist');
    expect(both.log).toContain('acme/app:main');
  });

  test.each([
    ['429', 'registry-failed'],
    ['503', 'registry-failed'],
    ['403', 'unverified'],
  ])('says that the registry answered %s to the list, and not that nothing is there', async (status, outcome) => {
    const run = await verify(
      { 'signer-key': 'key.pub' },
      {
        faults: [
          {
            match: { path: /\/referrers\//, nth: 'all' },
            action: { status: Number(status), headers: { 'retry-after': '600' } },
          },
        ],
      },
    );
    expect(run.outputs.outcome, run.log).toBe(outcome);
    if (status === '403') expect(run.log).toContain('refuses to list what refers to');
  });

  test('without trust material has an outcome of its own', async () => {
    const run = await verify({ 'signer-identity': IDENTITY }, { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } });
    expect(run.outputs.outcome, run.log).toBe('trust-unavailable');
    expect(run.log).toContain('TRUSTED_ROOT_UNAVAILABLE');
  });
});

describe('inputs that would prove less than they seem to', () => {
  test.each([
    ['nobody', {}, 'no signer is named'],
    ['a pattern without anchors', { 'signer-identity': 'https://github.com/acme/*' }, 'pattern without anchors'],
    ['everybody', { 'signer-identity': '^.*$' }, 'accepts everybody'],
    ['an empty claim', { 'signer-identity': IDENTITY, 'signer-claims': 'commit=' }, 'a full commit id'],
    [
      'claims without an identity',
      { 'signer-key': 'key.pub', 'signer-claims': 'runner=github-hosted' },
      'has no effect without `signer-identity`',
    ],
    ['an unknown statement', { 'signer-key': 'key.pub', require: 'gate-reslt' }, 'Did you mean `gate-result`?'],
    ['a key that is none', { 'signer-key': 'none.pub' }, 'is no public key in PEM'],
    ['a root that is none', { 'signer-identity': IDENTITY, 'trusted-root': 'key.pub' }, 'is no trusted root'],
    ['an age that is none', { 'signer-key': 'key.pub', 'max-age': '7' }, 'a length of time such as 7d'],
    ['a tag rule', { 'signer-key': 'key.pub', tags: 'type=sha' }, 'belongs to'],
  ])('%s', async (_what, inputs, problem) => {
    const run = await verify(inputs);
    expect(run.outputs.outcome, run.log).toBe('invalid-input');
    expect(run.log).toContain(problem);
  });

  test('an image without tag or digest is refused', async () => {
    const run = await verify({ images: 'ghcr.io/acme/app', 'signer-key': 'key.pub' });
    expect(run.log).toContain('has neither a tag nor a digest');
  });
});
