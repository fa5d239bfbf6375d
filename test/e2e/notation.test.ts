import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSignatures } from '../../src/evidence/signatures.ts';
import { createBundleChecker } from '../../src/sigstore/verify-bundle.ts';
import { installTool, type Tool } from '../../src/tools/installer.ts';
import { NOTATION } from '../../src/tools/notation/release.ts';
import { type NotationImage, signWithNotation, verifyWithNotation } from '../../src/tools/notation/run.ts';
import { createTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { find, run } from './programs.ts';
import { createSigningScene, type SignedImage, type SigningScene } from './sigstore/scene.ts';

let scene: SigningScene;
let runtime: TestRuntime;
let tool: Tool;
const at = (name: string) => join(runtime.workspace, name);

beforeAll(async () => {
  scene = await createSigningScene();
  runtime = await createTestRuntime({ env: { PATH: process.env.PATH, HOME: scene.directory } });
  const program = await readFile(find('notation', process.env.PATH ?? '') ?? '');
  tool = await installTool(runtime, NOTATION, { sha256: createHash('sha256').update(program).digest('hex') });
  const env = { ...process.env, HOME: scene.directory, XDG_CONFIG_HOME: join(scene.directory, 'notation-home') };
  for (const name of ['acme', 'foreign']) {
    await run('notation', ['cert', 'generate-test', `${name}.example`], { env });
    const made = join(scene.directory, 'notation-home', 'notation', 'localkeys');
    expect(await readdir(made)).toContain(`${name}.example.key`);
    await copyFile(join(made, `${name}.example.key`), at(`${name}.key`));
    await copyFile(join(made, `${name}.example.crt`), at(`${name}.crt`));
  }
  await mkdir(at('stores/ca/acme'), { recursive: true });
  await copyFile(at('acme.crt'), at('stores/ca/acme/acme.crt'));
});
afterAll(async () => {
  await runtime.dispose();
  await scene[Symbol.asyncDispose]();
});

const imageOf = ({ repository, subject }: SignedImage): NotationImage => ({
  repository: `${repository.host}/${repository.name}`,
  digest: subject.digest,
  plainHttp: true,
});

/** A policy for one repository. */
async function policyFor(scope: string, changes: object = {}): Promise<{ policy: string; stores: string }> {
  const entry = {
    name: 'app',
    registryScopes: [scope],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:acme'],
    trustedIdentities: ['x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=acme.example'],
    ...changes,
  };
  await writeFile(at('trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [entry] }));
  return { policy: 'trustpolicy.json', stores: 'stores' };
}

const files = (name: string) => ({ kind: 'files', key: `${name}.key`, certificate: `${name}.crt` }) as const;

describe.each(['api', 'fallback'] as const)('an image signed with notation, referrers by %s', (kind) => {
  it('is verified with a strict policy for its repository, and is found as a Notary signature', async () => {
    const image = await scene.image(kind);
    const target = imageOf(image);
    await signWithNotation(runtime, tool, files('acme'), target);
    expect(await verifyWithNotation(runtime, tool, await policyFor(target.repository), target)).toEqual({
      verified: true,
      identities: ['x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=acme.example'],
    });
    const check = await createBundleChecker({ roots: [], keys: [] });
    const { notary, signed } = await openSignatures(image.repository, image.subject.digest, check).all();
    expect(notary).toHaveLength(1);
    expect(signed).toEqual([]);
  });

  it('is refused when a foreign key signed, and when nothing did', async () => {
    const target = imageOf(await scene.image(kind));
    const policy = await policyFor(target.repository);
    expect(await verifyWithNotation(runtime, tool, policy, target)).toMatchObject({ verified: false });
    await signWithNotation(runtime, tool, files('foreign'), target);
    const foreign = await verifyWithNotation(runtime, tool, policy, target);
    expect(foreign).toMatchObject({ verified: false, reason: expect.stringMatching(/signature verification failed/i) });
  });
});

it.each([
  ['that only audits', { signatureVerification: { level: 'audit' } }, 'its level'],
  ['that skips everything', { signatureVerification: { level: 'skip' } }, 'its level'],
  ['with exceptions', { signatureVerification: { level: 'strict', override: { expiry: 'log' } } }, 'override'],
  ['that trusts everybody', { trustedIdentities: ['*'] }, 'trusts every identity'],
  ['for another repository', { registryScopes: ['registry.example/other'] }, 'has no entry for'],
])('a policy %s does not count, whatever notation says', async (_what, changes, reason) => {
  const target = imageOf(await scene.image('api'));
  await signWithNotation(runtime, tool, files('acme'), target);
  const result = await verifyWithNotation(runtime, tool, await policyFor(target.repository, changes), target);
  expect(result).toMatchObject({ verified: false, reason: expect.stringContaining(reason) });
});

it('a certificate that is missing is said to be', async () => {
  const target = imageOf(await scene.image('api'));
  const signing = signWithNotation(runtime, tool, { ...files('acme'), certificate: 'none.crt' }, target);
  await expect(signing).rejects.toMatchObject({ code: 'SIGNING_KEY_UNUSABLE' });
});
