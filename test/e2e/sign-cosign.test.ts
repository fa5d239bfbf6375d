import { createHash, createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { statementBytes } from '../../src/domain/trust/statement.ts';
import type { VerificationResult } from '../../src/domain/trust/verification.ts';
import { attachBundles } from '../../src/evidence/attach-bundle.ts';
import { keyFingerprint } from '../../src/sigstore/verify-bundle.ts';
import { COSIGN } from '../../src/tools/cosign/release.ts';
import { publicKeyOf, signWithCosign } from '../../src/tools/cosign/sign.ts';
import { installTool } from '../../src/tools/installer.ts';
import { createTestRuntime, holdsText } from '../support/runtime.ts';
import { find, run } from './programs.ts';
import { createSigningScene, type SignedImage, type SigningScene } from './sigstore/scene.ts';

let scene: SigningScene;
beforeAll(async () => {
  scene = await createSigningScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const reasons = ({ requirements }: VerificationResult) => requirements.flatMap((each) => each.reasons).join('\n');

describe('what cosign signs is read', () => {
  const config = () => ['--signing-config', scene.sigstore.signingConfig, '--yes', '--allow-insecure-registry'];
  const token = () => ['--identity-token', scene.sigstore.issuer.token()];

  it.each(['api', 'fallback'] as const)('cosign 3 without a key, referrers by %s', async (kind) => {
    const image = await scene.image(kind);
    await image.cosign('sign', ...config(), ...token(), image.name);
    const predicate = join(scene.directory, 'predicate.json');
    await writeFile(predicate, '{"a":1}');
    const type = ['--type', 'https://example.org/p/v1', '--predicate', predicate];
    await image.cosign('attest', ...config(), ...token(), ...type, image.name);
    const result = await image.verify({ predicateTypes: [PREDICATES.signature, 'https://example.org/p/v1'] });
    expect(reasons(result)).toBe('');
    expect(result.verified).toBe(true);
  });

  describe('with a key', () => {
    const env = () => ({ ...process.env, HOME: scene.directory, COSIGN_PASSWORD: 'secret' });
    const keys = new Map<string, string>();
    const file = (name: string) => join(scene.directory, `${name}.key`);
    const fingerprint = (name: string) => keyFingerprint(createPublicKey(keys.get(name) ?? ''));
    beforeAll(async () => {
      for (const name of ['ours', 'foreign']) {
        await run('cosign', ['generate-key-pair', '--output-key-prefix', join(scene.directory, name)], { env: env() });
        keys.set(name, await readFile(join(scene.directory, `${name}.pub`), 'utf8'));
      }
    });
    const OLD = ['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false'];
    const NEW = ['--use-signing-config=false', '--tlog-upload=false'];
    const sign = (
      command: string,
      name: string,
      flags: readonly string[],
      image: SignedImage,
      more: readonly string[] = [],
    ) =>
      run(
        'cosign',
        [command, '--yes', '--allow-insecure-registry', '--key', file(name), ...flags, ...more, image.name],
        {
          env: env(),
        },
      );

    it.each([
      ['cosign 3', NEW, 'sigstore bundle'],
      ['cosign 2', OLD, 'cosign 2 signature'],
    ] as const)('as %s does, with and without a referrers API', async (_version, flags, format) => {
      for (const kind of ['api', 'fallback'] as const) {
        const image = await scene.image(kind);
        await sign('sign', 'ours', flags, image);
        const signers = [{ kind: 'key', key: fingerprint('ours') }] as const;
        const good = await image.verify({ signers }, { roots: '', keys: [keys.get('ours') ?? ''] });
        expect(reasons(good)).toBe('');
        expect(good.requirements[0]?.met?.format).toBe(format);
        const bad = await image.verify({ signers }, { roots: '', keys: [keys.get('foreign') ?? ''] });
        expect(bad.verified).toBe(false);
        expect(reasons(bad)).toMatch(/its signature does not fit its content or the key|signature/);
      }
    });

    it('an attestation of cosign 2 is not a signature', async () => {
      const image = await scene.image('fallback');
      const predicate = join(scene.directory, 'old-predicate.json');
      await writeFile(predicate, '{"a":1}');
      await sign('attest', 'ours', OLD, image, ['--type', 'https://example.org/p/v1', '--predicate', predicate]);
      const signers = [{ kind: 'key', key: fingerprint('ours') }] as const;
      const keyed = { roots: '', keys: [keys.get('ours') ?? ''] };
      expect((await image.verify({ signers, predicateTypes: ['https://example.org/p/v1'] }, keyed)).verified).toBe(
        true,
      );
      expect(reasons(await image.verify({ signers }, keyed))).toContain('It is not signed.');
    });

    it('an old signature is found beside a bundle of another key, which hides it from cosign', async () => {
      const image = await scene.image('api');
      await sign('sign', 'ours', OLD, image);
      await sign('sign', 'foreign', NEW, image);
      const signers = [{ kind: 'key', key: fingerprint('ours') }] as const;
      const result = await image.verify({ signers }, { roots: '', keys: [keys.get('ours') ?? ''] });
      expect(result.verified).toBe(true);
    });

    it('an identity that is wanted is not shown by a key', async () => {
      const image = await scene.image('api');
      await sign('sign', 'ours', NEW, image);
      expect(reasons(await image.verify({}, { keys: [keys.get('ours') ?? ''] }))).toContain('not by an identity');
    });
  });
});

describe('a key of cosign', () => {
  it('signs through cosign, which gets neither a registry nor a password by argument', async () => {
    const password = 'a password with spaces';
    const prefix = join(scene.directory, 'through-cosign');
    const env = { ...process.env, HOME: scene.directory, COSIGN_PASSWORD: password };
    await run('cosign', ['generate-key-pair', '--output-key-prefix', prefix], { env });
    const cosign = find('cosign', process.env.PATH ?? '') ?? '';
    const sha256 = createHash('sha256')
      .update(await readFile(cosign))
      .digest('hex');
    const image = await scene.image('fallback');
    await using runtime = await createTestRuntime({
      env: { PATH: process.env.PATH, HOME: scene.directory, GITHUB_TOKEN: 'not for cosign' },
    });
    const tool = await installTool(runtime, COSIGN, { sha256 });
    const statement = (predicateType: string) =>
      statementBytes({ predicateType, subjects: [image.subject.digest], predicate: {} });
    const review = 'https://example.com/review/v1';
    const types = [PREDICATES.signature, review];
    const key = { reference: `${prefix}.key`, password };
    const bundles = await signWithCosign(runtime, tool, key, types.map(statement));
    await attachBundles(
      image.repository,
      bundles.map((bytes, at) => ({
        bytes,
        predicateType: types[at] ?? '',
        subject: image.subject,
        created: new Date(),
      })),
    );
    const byKey = ['--key', `${prefix}.pub`, '--insecure-ignore-tlog', '--allow-insecure-registry', image.name];
    expect(await image.cosign('verify', ...byKey)).toContain(image.subject.digest);
    expect(await image.cosign('verify-attestation', '--type', review, ...byKey)).toContain('payload');
    const pem = await publicKeyOf(runtime, tool, key);
    const signers = [{ kind: 'key', key: keyFingerprint(createPublicKey(pem)) }] as const;
    const result = await image.verify({ signers, predicateTypes: types }, { roots: '', keys: [pem] });
    expect(reasons(result)).toBe('');

    for (const { args, options } of runtime.recorded.commands) {
      expect(args.join(' ')).not.toContain(password);
      expect(Object.keys(options.env)).not.toContain('GITHUB_TOKEN');
    }
    expect(await holdsText(runtime.temp, password)).toBe(false);

    const wrong = signWithCosign(runtime, tool, { ...key, password: 'wrong one' }, [statement(types[0] ?? '')]);
    await expect(wrong).rejects.toMatchObject({ code: 'SIGNING_KEY_UNUSABLE' });
    await expect(wrong).rejects.toThrow(/decrypt/);
  });
});
