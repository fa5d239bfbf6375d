import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWorkflow } from './act.ts';
import { run } from './programs.ts';
import type { Registry } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

/** The image of the fixture. */
const DIGEST = 'sha256:6f1fb22b305f881efa6fd6cb0c92997be24fd880fd882e2b1300e90b575bb81e';
const POLICY = `
defaults: { limits: off, min-age: 0h }
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
`;

let scene: Scene;
let registry: Registry;
let layout: string;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
  layout = join(scene.directory, 'layout');
  await mkdir(layout);
  const tar = fileURLToPath(new URL('../fixtures/layouts/buildkit-0.33.tar', import.meta.url));
  await run('tar', ['-xf', tar, '-C', layout]);
  await scene.repository.commit('A policy', { '.github/cleanup.yaml': POLICY });
});
afterAll(() => scene[Symbol.asyncDispose]());

const client = (program: string, ...args: readonly string[]) => asClient(scene, registry, program, args);
/** Without the lists of referrers, which stay with their image. */
const tagsOf = async (image: string) =>
  (await client('crane', 'ls', image)).split('\n').filter((tag) => tag !== '' && !tag.startsWith('sha256-'));

/** An image with a release, a pull request on another digest, and one on the same. */
async function published(name: string): Promise<string> {
  const image = `${registry.host}/org/${name}`;
  const source = ['--from-oci-layout', `${layout}@${DIGEST}`];
  await client('oras', 'cp', ...source, '--to-plain-http', `${image}:v1.0.0`);
  await client('crane', 'tag', `${image}:v1.0.0`, 'pr-1');
  const platform = (await client('crane', 'digest', '--platform', 'linux/arm64', `${image}:v1.0.0`)).trim();
  await client('crane', 'tag', `${image}@${platform}`, 'pr-2');
  return image;
}

const caller = (inputs: Readonly<Record<string, string | boolean>>) => `on: push
jobs:
  cleanup:
    permissions: { contents: read, packages: write, deployments: read, pull-requests: read, id-token: write }
    uses: org/registry-action/.github/workflows/cleanup.yml@v1
    with: ${JSON.stringify(inputs)}
    secrets:
      username: \${{ secrets.USERNAME }}
      password: \${{ secrets.PASSWORD }}
  after:
    needs: cleanup
    runs-on: ubuntu-latest
    steps:
      - run: echo "plan $DIGEST deleted $COUNT"
        env:
          DIGEST: \${{ needs.cleanup.outputs.plan-digest }}
          COUNT: \${{ needs.cleanup.outputs.deleted-manifests }}
`;
const SECRETS = { USERNAME: 'publisher', PASSWORD: 'correct horse battery staple' };

describe('cleanup.yml under act and a real registry', () => {
  it('plans, hands the plan over, and applies it', async () => {
    const image = await published('app');
    const workflow = caller({ images: image, registry: registry.host });
    const { exitCode, log } = await runWorkflow(scene, workflow, SECRETS);
    expect(exitCode, log).toBe(0);
    expect(await tagsOf(image)).toEqual(['v1.0.0']);
    expect(log).toMatch(/plan sha256:[0-9a-f]{64} deleted \d/);
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      await client('crane', 'manifest', '--platform', platform, `${image}:v1.0.0`);
    }
  });

  it('deletes nothing with `apply: false`', async () => {
    const image = await published('look');
    const before = (await tagsOf(image)).toSorted();
    const workflow = caller({ images: image, registry: registry.host, apply: false });
    const { exitCode, log } = await runWorkflow(scene, workflow, SECRETS);
    expect(exitCode, log).toBe(0);
    expect((await tagsOf(image)).toSorted()).toEqual(before);
  });

  it('examples/cleanup.yml runs as it is written', async () => {
    const image = await published('example');
    const text = await readFile(new URL('../../examples/cleanup.yml', import.meta.url), 'utf8');
    const login = `username: ${SECRETS.USERNAME}\n          password: \${{ secrets.PASSWORD }}\n          registry: ${registry.host}`;
    const workflow = text
      .replace(/^on:[\s\S]*?\n\n/m, 'on: push\n\n')
      .replaceAll('ubuntu-24.04', 'ubuntu-latest')
      .replaceAll('images: ghcr.io/org/app', `images: ${image}\n          ${login}`);
    const { exitCode, log } = await runWorkflow(scene, workflow, SECRETS);
    expect(exitCode, log).toBe(0);
    expect(await tagsOf(image)).toEqual(['v1.0.0']);
  });
});
