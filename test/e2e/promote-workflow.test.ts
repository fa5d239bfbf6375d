import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldsOf } from '../../src/domain/fields.ts';
import { runWorkflow } from './act.ts';
import { run } from './programs.ts';
import { type Address, startReferrersRegistry } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

/** The image of the fixture. */
const DIGEST = 'sha256:6f1fb22b305f881efa6fd6cb0c92997be24fd880fd882e2b1300e90b575bb81e';
const STAGE = 'io.github.registry-action.promotion.environment';

/** A caller, as in docs/promote.md. */
const caller = (inputs: Readonly<Record<string, string | boolean>>) => `on: push
jobs:
  promote:
    permissions: { contents: read, packages: write, deployments: write, id-token: write }
    uses: org/registry-action/.github/workflows/promote.yml@v1
    with: ${JSON.stringify(inputs)}
  after:
    needs: promote
    runs-on: ubuntu-latest
    steps:
      - run: echo "production has $DIGEST"
        env:
          DIGEST: \${{ needs.promote.outputs.production-digest }}
`;

let scene: Scene;
/** Without the referrers API, and with it. */
let plain: Address;
let full: Address;
let layout: string;
let images = 0;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  scene = stack.use(await createScene());
  plain = await scene.registry();
  const home = join(process.env.E2E_RUN ?? '', `referrers-${process.pid}-${Date.now()}`);
  full = stack.use(await startReferrersRegistry({ home, env: process.env }));
  layout = join(scene.directory, 'layout');
  await mkdir(layout);
  const tar = fileURLToPath(new URL('../fixtures/layouts/buildkit-0.33.tar', import.meta.url));
  await run('tar', ['-xf', tar, '-C', layout]);
});
afterAll(() => stack.disposeAsync());

const client = (registry: Address, program: string, ...args: readonly string[]) =>
  asClient(scene, registry, program, args);
const digestOf = async (registry: Address, name: string) => (await client(registry, 'crane', 'digest', name)).trim();

/** Publishes the fixture under a name of its own. */
async function published(registry: Address): Promise<string> {
  images += 1;
  const image = `${registry.host}/org/app-${images}`;
  const source = ['--from-oci-layout', `${layout}@${DIGEST}`];
  await client(registry, 'oras', 'cp', ...source, '--to-plain-http', `${image}:candidate`);
  return image;
}

/** The environments that the records of an image name, as another client lists them. */
async function recorded(registry: Address, image: string): Promise<readonly unknown[]> {
  const listed = await client(registry, 'oras', 'discover', '--plain-http', '--format', 'json', `${image}@${DIGEST}`);
  const { referrers } = fieldsOf(JSON.parse(listed));
  if (!Array.isArray(referrers)) throw new Error(listed);
  return referrers.map((each: unknown) => fieldsOf(fieldsOf(each).annotations)[STAGE]).toSorted();
}

describe.each([
  { api: 'without', at: () => plain },
  { api: 'with', at: () => full },
])('promote.yml and a registry $api the referrers API', ({ at }) => {
  it('carries one digest from dev to production, each environment after the record of the one before', async () => {
    const image = await published(at());
    const { exitCode, log } = await runWorkflow(scene, caller({ image, from: 'candidate', require: 'sbom' }));
    expect(exitCode, log).toBe(0);
    for (const environment of ['dev', 'staging', 'production'])
      expect(await digestOf(at(), `${image}:${environment}`)).toBe(DIGEST);
    expect(await recorded(at(), image)).toEqual(['dev', 'production', 'staging']);
    expect(log).toMatch(/met +deployed=dev/);
    expect(log).toMatch(/met +deployed=staging/);
    expect(log).toContain(`production has ${DIGEST}`);
  });

  it('goes back in the one environment that is named', async () => {
    const image = await published(at());
    const before = await runWorkflow(scene, caller({ image, from: 'candidate' }));
    expect(before.exitCode, before.log).toBe(0);
    // Another image of the repository: that of one platform.
    const newer = (await client(at(), 'crane', 'digest', '--platform', 'linux/arm64', `${image}@${DIGEST}`)).trim();
    expect(newer).not.toBe(DIGEST);
    const moved = await runWorkflow(scene, caller({ image, from: newer }));
    expect(moved.exitCode, moved.log).toBe(0);
    expect(await digestOf(at(), `${image}:production`)).toBe(newer);

    const back = await runWorkflow(scene, caller({ image, rollback: true, environment: 'production' }));
    expect(back.exitCode, back.log).toBe(0);
    expect(await digestOf(at(), `${image}:production`)).toBe(DIGEST);
    expect(await digestOf(at(), `${image}:staging`)).toBe(newer);
  });
});

describe('promote.yml', () => {
  it('leaves an environment out, and goes on to another repository', async () => {
    const image = await published(plain);
    const target = `${image}/production`;
    const inputs = { image, from: 'candidate', 'staging-environment': '', 'production-image': target };
    const { exitCode, log } = await runWorkflow(scene, caller(inputs));
    expect(exitCode, log).toBe(0);
    expect(log).toMatch(/met +deployed=dev/);
    expect(await digestOf(plain, `${target}:production`)).toBe(DIGEST);
    expect((await client(plain, 'crane', 'ls', image)).split('\n')).not.toContain('staging');
    expect(await recorded(plain, target)).toContain('production');
  });

  it('stops at the environment whose requirements in the repository are not met', async () => {
    const image = await published(plain);
    const policy = JSON.stringify({ environments: { staging: ['platforms=linux/s390x'] } });
    await scene.repository.commit('A policy', { '.github/promotion.yaml': policy });
    const { exitCode, log } = await runWorkflow(scene, caller({ image, from: 'candidate' }));
    await scene.repository.git('rm', '--quiet', '.github/promotion.yaml');
    expect(exitCode, log).toBe(1);
    expect(log).toMatch(/NOT MET +platforms=linux\/s390x/);
    const tags = (await client(plain, 'crane', 'ls', image)).split('\n');
    expect(tags).toContain('dev');
    expect(tags).not.toContain('staging');
    expect(tags).not.toContain('production');
    expect(log).not.toContain('production has');
  });

  it('does not skip an environment: production is refused what staging never had', async () => {
    const image = await published(plain);
    const { exitCode, log } = await runWorkflow(scene, caller({ image, from: DIGEST, environment: 'production' }));
    expect(exitCode, log).toBe(1);
    expect(log).toMatch(/NOT MET +deployed=staging/);
    expect((await client(plain, 'crane', 'ls', image)).split('\n')).not.toContain('production');
  });

  it('runs no environment when none is named to go back', async () => {
    const image = `${plain.host}/org/app`;
    const { exitCode, log } = await runWorkflow(scene, caller({ image, rollback: true }));
    expect(exitCode, log).toBe(1);
    expect(log).toContain('No environment was promoted to');
  });
});
