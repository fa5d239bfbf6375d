import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createSetting, type Setting } from '../../integration/setting.ts';
import { type ActionRun, runAction } from '../../support/action.ts';
import { run } from '../programs.ts';
import type { Claims } from './issuer.ts';
import { createSigningScene, IDENTITY, type RegistryKind, type SigningScene } from './scene.ts';

/** A job whose workspace has what signing and verifying against the private Sigstore take. For the tests of one file. */
export function useSigningJob() {
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

  return {
    get scene() {
      return scene;
    },
    get setting() {
      return setting;
    },
    keyless: { sign: 'keyless', 'signing-config': 'signing-config.json' },
    /** A repository that nothing was published to. */
    fresh: (kind: RegistryKind) => {
      count += 1;
      const host = scene.hosts[kind];
      return { host, name: `acme/app-${count}`, image: `${host}/acme/app-${count}` };
    },
    token: (claims?: Claims) => scene.sigstore.issuer.environment(claims),
    publish: async (
      image: string,
      inputs: Readonly<Record<string, string>>,
      env: Readonly<Record<string, string>>,
    ): Promise<ActionRun> => {
      await setting.image();
      return setting.publish({ images: image, ...inputs }, { env });
    },
    verify: (
      image: string,
      inputs: Readonly<Record<string, string>> = {},
      env: Readonly<Record<string, string>> = {},
    ) =>
      runAction({
        inputs: {
          ...{ command: 'verify', images: image, 'trusted-root': 'trusted-root.json' },
          ...{ 'signer-identity': IDENTITY, 'signer-issuer': scene.sigstore.issuer.url, ...inputs },
        },
        workspace: setting.repository.directory,
        env: { PATH: process.env.PATH, ...env },
      }),
    cosign: (command: string, name: string, ...args: readonly string[]) =>
      run('cosign', [command, '--allow-insecure-registry', ...args, name], {
        env: { ...process.env, HOME: scene.directory },
      }),
    trust: () => [
      ...['--trusted-root', scene.sigstore.trustedRoot, '--certificate-identity', IDENTITY],
      ...['--certificate-oidc-issuer', scene.sigstore.issuer.url],
    ],
  };
}
