import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Registry, startRegistry } from '../e2e/registry.ts';
import { claimsOfJob } from '../e2e/sigstore/issuer.ts';
import { type PrivateSigstore, startSigstore } from '../e2e/sigstore/start.ts';
import { writeLayout } from '../support/layout.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { measureAction } from './action.ts';
import { type Contestant, compare, isThere, printGoal, printResults, type Result, type Run } from './compare.ts';
import { startDistance } from './distance.ts';
import { startLogWait } from './log-wait.ts';
import { type Measured, measureCommand } from './measure.ts';
import type { Place } from './push.ts';

/** What a step takes with it, less what it takes without: a workflow pays for the step either way. */
const SIGNING = 'what `sign: keyless` adds (signature and provenance)';
const VERIFYING = 'what `require: signature` adds';
const VERIFY = '`command: verify`, the whole step';
const COSIGN_SIGN = 'cosign sign (signature alone)';
const COSIGN_BOTH = 'cosign sign, and cosign attest (the same two statements)';
const COSIGN_VERIFY = 'cosign verify';
const IDENTITY = `https://github.com/${claimsOfJob().job_workflow_ref}`;
/** Signing and verifying add at most half of what cosign takes. */
const MOST = 0.5;
/** As far as a registry in the same part of the world is from a runner. */
const ROUND_TRIP_MS = 20;

interface Scene {
  readonly registry: Registry;
  readonly sigstore: PrivateSigstore;
  readonly env: NodeJS.ProcessEnv;
  readonly step: (inputs: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>) => Promise<Run>;
  /** A name that nothing was published under, and the inputs to do so. */
  readonly fresh: (host: string) => {
    readonly image: string;
    readonly path: string;
    readonly common: Readonly<Record<string, string>>;
  };
  /** An image that nothing has signed. @returns its path in the registry */
  readonly unsigned: () => Promise<{ readonly path: string }>;
}

/** Signing a published image without a key, and verifying it, beside cosign against the same private Sigstore. */
export async function benchSign(place: Place): Promise<void> {
  const { home, large, env, rounds } = place;
  if (!isThere('cosign', [], env)) return;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(large, 'sign-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const sigstore = stack.use(await startSigstore({ home: join(home, `sigstore-bench-${Date.now()}`), env }));
  const log = stack.use(await startLogWait(sigstore.urls.rekor, sigstore.signingConfig));
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
  const predicate = join(folder, 'predicate.json');
  await writeFile(predicate, JSON.stringify(PREDICATE));
  const event = await pushEvent(repository);
  let count = 0;
  const fresh = (host: string) => {
    count += 1;
    const path = `acme/bench-${count}`;
    return { path, image: `${host}/${path}`, common: { source: layout, scan: 'off', tags: 'type=raw,value=1' } };
  };
  const counted = async (task: () => Promise<Measured>): Promise<Run> => {
    await registry.mark();
    log.mark();
    const { seconds, peak } = await task();
    return { seconds: seconds - log.seconds(), peak, requests: (await registry.requests()).length };
  };
  const scene: Scene = {
    ...{ registry, sigstore, env: { ...env, HOME: folder } },
    step: (inputs, more = {}) =>
      counted(() =>
        measureAction({ inputs, env: { PATH: env.PATH, ...more }, workspace: repository.directory, event }),
      ),
    fresh,
    unsigned: async () => {
      const { image, path, common } = fresh(registry.host);
      await scene.step({ ...common, images: image, sign: 'off' });
      return { path };
    },
  };
  await using distance = await startDistance(registry.host, ROUND_TRIP_MS);
  const places = [
    { where: 'a registry on this machine', host: registry.host },
    { where: `a registry ${ROUND_TRIP_MS} ms away`, host: distance.host },
  ];
  for (const { where, host } of places) {
    const signers: readonly Contestant[] = [
      { name: SIGNING, run: () => addedBySigning(scene, host) },
      {
        name: COSIGN_SIGN,
        run: async () => {
          const { path } = await scene.unsigned();
          return counted(await cosignSign(scene, `${host}/${path}`));
        },
      },
      {
        name: COSIGN_BOTH,
        run: async () => {
          const { path } = await scene.unsigned();
          const sign = await cosignSign(scene, `${host}/${path}`);
          const attest = await cosignAttest(scene, `${host}/${path}`, predicate);
          return counted(async () => sum(await sign(), await attest()));
        },
      },
    ];
    const signing = await compare(signers, rounds);
    printResults(`Sign a published image without a key, in ${where}`, signing, SIGNING);
    console.log('  Times are without the wait for the next checkpoint of the log: up to a second, whoever signs.');
    printRatios('signing adds', signing, SIGNING, COSIGN_SIGN);
    printRatios('signing adds', signing, SIGNING, COSIGN_BOTH);
  }
  const { path } = await scene.unsigned();
  await (await cosignSign(scene, `${registry.host}/${path}`))();
  for (const { where, host } of places) {
    const verifiers: readonly Contestant[] = [
      { name: VERIFYING, run: () => addedByVerifying(scene, `${host}/${path}`) },
      { name: VERIFY, run: () => scene.step({ command: 'verify', images: `${host}/${path}:1`, ...trusted(scene) }) },
      { name: COSIGN_VERIFY, run: () => counted(() => cosignVerify(scene, `${host}/${path}`)) },
    ];
    const verifying = await compare(verifiers, rounds);
    printResults(`Verify the signature of an image, in ${where}`, verifying, VERIFYING);
    printRatios('verifying adds', verifying, VERIFYING, COSIGN_VERIFY);
    printRatios('the whole step takes', verifying, VERIFY, COSIGN_VERIFY, 1);
  }
}

/** What `sign: keyless` adds to a publish of an image that is new. */
async function addedBySigning(scene: Scene, host: string): Promise<Run> {
  const { image, common } = scene.fresh(host);
  const without = await scene.step({ ...common, images: `${image}-unsigned`, sign: 'off' });
  const inputs = { ...common, images: image, sign: 'keyless', 'signing-config': 'signing-config.json' };
  return difference(await scene.step(inputs, scene.sigstore.issuer.environment()), without);
}

/** What `require: signature` adds to a promotion. */
async function addedByVerifying(scene: Scene, image: string): Promise<Run> {
  const promotion = { command: 'promote', images: image, from: '1', environment: 'bench', 'dry-run': 'true' };
  const without = await scene.step(promotion);
  return difference(await scene.step({ ...promotion, require: 'signature', ...trusted(scene) }), without);
}

function trusted({ sigstore }: Scene): Readonly<Record<string, string>> {
  return {
    ...{ 'signer-identity': IDENTITY, 'signer-issuer': sigstore.issuer.url },
    'trusted-root': 'trusted-root.json',
  };
}

function difference(withIt: Run, without: Run): Run {
  return {
    seconds: Math.max(withIt.seconds - without.seconds, 0),
    peak: Math.max(withIt.peak - without.peak, 0),
    requests: withIt.requests - without.requests,
  };
}

function sum(one: Measured, other: Measured): Measured {
  return { seconds: one.seconds + other.seconds, peak: Math.max(one.peak, other.peak) };
}

/** A provenance without content. https://slsa.dev/spec/v1.0/provenance */
const PREDICATE = {
  buildDefinition: { buildType: 'https://actions.github.io/buildtypes/workflow/v1', externalParameters: {} },
  runDetails: { builder: { id: IDENTITY } },
};

async function cosignAttest(
  { sigstore, env }: Scene,
  image: string,
  predicate: string,
): Promise<() => Promise<Measured>> {
  const token = sigstore.issuer.token();
  const config = ['--signing-config', sigstore.signingConfig, '--trusted-root', sigstore.trustedRoot];
  const options = ['--yes', '--allow-insecure-registry', '--identity-token', token];
  const what = ['--type', 'slsaprovenance1', '--predicate', predicate];
  return () => measureCommand(['cosign', 'attest', ...config, ...options, ...what, `${image}:1`], { env });
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

function printRatios(what: string, results: readonly Result[], own: string, other: string, most = MOST): void {
  const measureOf = (name: string, measure: 'seconds' | 'requests') =>
    results.find((each) => each.name === name)?.[measure] ?? Number.NaN;
  for (const [measure, unit] of [
    ['seconds', 'the time'],
    ['requests', 'the requests'],
  ] as const) {
    const ratio = measureOf(own, measure) / measureOf(other, measure);
    printGoal(`${what} at most ${most} × ${unit} of ${other}`, `${ratio.toFixed(2)} ×`, ratio <= most);
  }
}
