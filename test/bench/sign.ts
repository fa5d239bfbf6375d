import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Registry, startRegistry } from '../e2e/registry.ts';
import { claimsOfJob } from '../e2e/sigstore/issuer.ts';
import { type PrivateSigstore, startSigstore } from '../e2e/sigstore/start.ts';
import { writeLayout } from '../support/layout.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { measureAction } from './action.ts';
import { type Contestant, compare, isThere, printGoal, printResults, type Result, type Run } from './compare.ts';
import { type Measured, measureCommand } from './measure.ts';
import type { Place } from './push.ts';

/** What a step takes with it, less what it takes without: a workflow pays for the step either way. */
const SIGNING = 'what `sign: keyless` adds';
const VERIFYING = 'what `require: signature` adds';
const COSIGN_SIGN = 'cosign sign';
const COSIGN_VERIFY = 'cosign verify';
const IDENTITY = `https://github.com/${claimsOfJob().job_workflow_ref}`;
/** Signing and verifying add at most half of what cosign takes. */
const MOST = 0.5;

interface Scene {
  readonly registry: Registry;
  readonly sigstore: PrivateSigstore;
  readonly env: NodeJS.ProcessEnv;
  readonly step: (inputs: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>) => Promise<Run>;
  /** An image that nothing has signed. @returns its name without a tag */
  readonly unsigned: () => Promise<string>;
}

/** Signing a published image without a key, and verifying it, beside cosign against the same private Sigstore. */
export async function benchSign(place: Place): Promise<void> {
  const { home, large, env, rounds } = place;
  if (!isThere('cosign', [], env)) return;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(large, 'sign-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const sigstore = stack.use(await startSigstore({ home: join(home, `sigstore-bench-${Date.now()}`), env }));
  const registry = stack.use(await startRegistry({ home: join(home, `signed-bench-${Date.now()}`), env }));
  const repository = await createRepository();
  stack.defer(() => repository.dispose());
  await repository.commit('empty');
  await cp(sigstore.signingConfig, join(repository.directory, 'signing-config.json'));
  await cp(sigstore.trustedRoot, join(repository.directory, 'trusted-root.json'));
  const layout = join(folder, 'layout');
  await writeLayout(layout, {
    platforms: [{ platform: 'linux/amd64', layers: [{ file: randomBytes(1024) }] }],
    attestations: 'none',
    shape: 'manifest',
  });
  const event = await pushEvent(repository);
  let count = 0;
  const counted = async (task: () => Promise<Measured>): Promise<Run> => {
    await registry.mark();
    const { seconds, peak } = await task();
    return { seconds, peak, requests: (await registry.requests()).length };
  };
  const scene: Scene = {
    ...{ registry, sigstore, env: { ...env, HOME: folder } },
    step: (inputs, more = {}) =>
      counted(() =>
        measureAction({ inputs, env: { PATH: env.PATH, ...more }, workspace: repository.directory, event }),
      ),
    unsigned: async () => {
      count += 1;
      const image = `${registry.host}/acme/bench-${count}`;
      await scene.step({ images: image, source: layout, scan: 'off', sign: 'off', tags: 'type=raw,value=1' });
      return image;
    },
  };
  const signers: readonly Contestant[] = [
    {
      name: SIGNING,
      run: async () => {
        count += 1;
        const images = `${registry.host}/acme/bench-own-${count}`;
        const common = { source: layout, scan: 'off', tags: 'type=raw,value=1' };
        const without = await scene.step({ ...common, images: `${images}-unsigned`, sign: 'off' });
        const inputs = { ...common, images, sign: 'keyless', 'signing-config': 'signing-config.json' };
        return difference(await scene.step(inputs, sigstore.issuer.environment()), without);
      },
    },
    { name: COSIGN_SIGN, run: async () => counted(await cosignSign(scene, await scene.unsigned())) },
  ];
  const signing = await compare(signers, rounds);
  printResults('Sign a published image without a key', signing, SIGNING);
  printRatio('signing adds', signing, SIGNING, COSIGN_SIGN);

  const image = await scene.unsigned();
  await (await cosignSign(scene, image))();
  const verifiers: readonly Contestant[] = [
    {
      name: VERIFYING,
      run: async () => {
        const promotion = { command: 'promote', images: image, from: '1', environment: 'bench', 'dry-run': 'true' };
        const without = await scene.step(promotion);
        const trust = { 'signer-identity': IDENTITY, 'signer-issuer': sigstore.issuer.url };
        const wanted = { require: 'signature', ...trust, 'trusted-root': 'trusted-root.json' };
        return difference(await scene.step({ ...promotion, ...wanted }), without);
      },
    },
    { name: COSIGN_VERIFY, run: () => counted(() => cosignVerify(scene, image)) },
  ];
  const verifying = await compare(verifiers, rounds);
  printResults('Verify the signature of an image', verifying, VERIFYING);
  printRatio('verifying adds', verifying, VERIFYING, COSIGN_VERIFY);
}

function difference(withIt: Run, without: Run): Run {
  return {
    seconds: Math.max(withIt.seconds - without.seconds, 0),
    peak: Math.max(withIt.peak - without.peak, 0),
    requests: withIt.requests - without.requests,
  };
}

async function cosignSign({ sigstore, env }: Scene, image: string): Promise<() => Promise<Measured>> {
  const token = sigstore.issuer.token();
  const config = ['--signing-config', sigstore.signingConfig, '--trusted-root', sigstore.trustedRoot];
  const options = ['--yes', '--allow-insecure-registry', '--identity-token', token];
  return () => measureCommand(['cosign', 'sign', ...config, ...options, `${image}:1`], { env });
}

function cosignVerify({ sigstore, env }: Scene, image: string): Promise<Measured> {
  const who = ['--certificate-identity', IDENTITY, '--certificate-oidc-issuer', sigstore.issuer.url];
  const options = ['--trusted-root', sigstore.trustedRoot, '--allow-insecure-registry'];
  return measureCommand(['cosign', 'verify', ...options, ...who, `${image}:1`], { env });
}

function printRatio(what: string, results: readonly Result[], own: string, other: string): void {
  const secondsOf = (name: string) => results.find((each) => each.name === name)?.seconds ?? Number.NaN;
  const ratio = secondsOf(own) / secondsOf(other);
  printGoal(`${what} at most ${MOST} × of ${other}`, `${ratio.toFixed(2)} ×`, ratio <= MOST);
}
