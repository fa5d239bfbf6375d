import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { createSetting, type Setting } from '../integration/setting.ts';
import { type ActionRun, runAction } from '../support/action.ts';
import { run } from './programs.ts';
import type { Claims } from './sigstore/issuer.ts';
import { createSigningScene, IDENTITY, type RegistryKind, type SigningScene } from './sigstore/scene.ts';

let scene: SigningScene;
let setting: Setting;
let count = 0;

beforeAll(async () => {
  scene = await createSigningScene();
  setting = await createSetting();
  for (const name of ['signing-config.json', 'trusted-root.json']) {
    const from = name.startsWith('s') ? scene.sigstore.signingConfig : scene.sigstore.trustedRoot;
    await cp(from, join(setting.repository.directory, name));
  }
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

/** A repository that nothing was published to. */
const fresh = (kind: RegistryKind) => {
  count += 1;
  const host = scene.hosts[kind];
  return { host, name: `acme/app-${count}`, image: `${host}/acme/app-${count}` };
};

const token = (claims?: Claims) => scene.sigstore.issuer.environment(claims);
const keyless = { sign: 'keyless', 'signing-config': 'signing-config.json' };

async function publish(
  image: string,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<ActionRun> {
  await setting.image();
  return setting.publish({ images: image, ...inputs }, { env });
}

const verify = (image: string, inputs: Readonly<Record<string, string>> = {}) =>
  runAction({
    inputs: {
      ...{ command: 'verify', images: image, 'trusted-root': 'trusted-root.json' },
      ...{ 'signer-identity': IDENTITY, 'signer-issuer': scene.sigstore.issuer.url, ...inputs },
    },
    workspace: setting.repository.directory,
    env: { PATH: process.env.PATH },
  });

const cosign = (command: string, name: string, ...args: readonly string[]) =>
  run('cosign', [command, '--allow-insecure-registry', ...args, name], {
    env: { ...process.env, HOME: scene.directory },
  });
const trust = () => [
  ...['--trusted-root', scene.sigstore.trustedRoot, '--certificate-identity', IDENTITY],
  ...['--certificate-oidc-issuer', scene.sigstore.issuer.url],
];

it('a promotion that requires a signature takes what the right workflow signed, and nothing else', async () => {
  const { image } = fresh('fallback');
  const promote = (inputs: Readonly<Record<string, string>>) =>
    setting.publish({
      ...{ source: '', command: 'promote', images: image, from: 'main', environment: 'staging', 'db-repository': '' },
      ...{ 'trusted-root': 'trusted-root.json', 'signer-issuer': scene.sigstore.issuer.url, require: 'signature' },
      ...inputs,
    });
  await publish(image, {}, {});
  const unsigned = await promote({ 'signer-identity': IDENTITY });
  expect(unsigned.outputs.outcome, unsigned.log).toBe('refused');
  expect(unsigned.log).toContain('It is not signed.');
  await publish(image, keyless, token());
  const nobody = await promote({});
  expect(nobody.outputs.outcome).toBe('refused');
  expect(nobody.log).toContain('no signer is named');
  const other = await promote({ require: `signature,identity=${IDENTITY.replace('release', 'nightly')}` });
  expect(other.outputs.outcome).toBe('refused');
  expect(other.log).toContain('its identity is');
  const promoted = await promote({
    'signer-identity': IDENTITY,
    require: 'signature,statement=gate-result,statement=sbom',
  });
  expect(promoted.outputs.outcome, promoted.log).toBe('promoted');
  await using verified = await verify(`${image}:staging`);
  expect(verified.outputs.outcome, verified.log).toBe('verified');
});

it.each([
  ['to a registry with the API', 'fallback', 'api'],
  ['to a registry without it', 'api', 'fallback'],
  ['to another repository of one', 'fallback', 'fallback'],
] as const)('a promotion %s keeps all that was signed', async (_where, from, to) => {
  const [source, target] = [fresh(from), fresh(to)];
  const published = await publish(source.image, keyless, token());
  const promoted = await setting.publish({
    ...{
      source: '',
      'db-repository': '',
      command: 'promote',
      from: `${source.image}:main`,
      to: `${target.image}:live`,
    },
    ...{ environment: 'live', require: 'signature', 'signer-identity': IDENTITY },
    ...{ 'signer-issuer': scene.sigstore.issuer.url, 'trusted-root': 'trusted-root.json' },
  });
  expect(promoted.outputs.outcome, promoted.log).toBe('promoted');
  const reference = `${target.image}@${published.outputs.digest}`;
  expect(await cosign('verify', reference, ...trust())).toContain(published.outputs.digest);
  expect(await cosign('verify-attestation', reference, ...trust(), '--type', PREDICATES.gateResult)).toContain(
    'payload',
  );
  await using verified = await verify(`${target.image}:live`, { require: 'signature, gate-result, provenance, sbom' });
  expect(verified.outputs.outcome, verified.log).toBe('verified');
});
