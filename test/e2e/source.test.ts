import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, PLATFORMS, type Scene } from './scene.ts';
import { tamper } from './tampering.ts';

let scene: Scene;
let registry: Registry;
let runs = 0;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
});
beforeEach(() => registry.mark());
afterAll(() => scene[Symbol.asyncDispose]());

/** Publishes a source, as its own repository each time. */
async function publish(source: string, inputs: Readonly<Record<string, string>> = {}) {
  runs += 1;
  const image = `${registry.host}/org/source-${runs}`;
  const ran = await scene.publish({
    inputs: { images: image, source, sbom: '', ...inputs },
    event: await pushEvent(scene.repository),
    // A source needs no engine.
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
  });
  return { image, ran };
}

describe.each([
  { form: 'the old form', fixture: 'docker-28' },
  { form: "today's form", fixture: 'buildkit-0.33' },
])('A layout with attestations in $form', ({ fixture }) => {
  let layout: string;
  beforeEach(async () => {
    layout = join(scene.directory, `layout-${fixture}-${performance.now()}`);
    await mkdir(layout);
    const tar = fileURLToPath(new URL(`../fixtures/layouts/${fixture}.tar`, import.meta.url));
    await run('tar', ['-xf', tar, '-C', layout]);
  });

  it('P2: is published as it is', async () => {
    const { image, ran } = await publish(layout, { sbom: 'true', provenance: 'true' });
    expect(ran.exitCode, ran.log).toBe(0);
    expect((await asClient(scene, registry, 'crane', ['digest', `${image}:main`])).trim()).toBe(ran.outputs.digest);
  });

  it.each([
    {
      what: 'the SBOM of arm64 is missing',
      tampering: { architecture: 'arm64', drop: 'https://spdx.dev/' },
      platform: 'linux/arm64',
    },
    {
      what: 'the provenance of amd64 is missing',
      tampering: { architecture: 'amd64', drop: 'https://slsa.dev/' },
      platform: 'linux/amd64',
    },
    {
      what: 'the statements of arm64 are about another digest',
      tampering: {
        architecture: 'arm64',
        statement: (statement: Record<string, unknown>) => ({
          ...statement,
          subject: [{ name: 'pkg:docker/app', digest: { sha256: 'e'.repeat(64) } }],
        }),
      },
      platform: 'linux/arm64',
    },
  ])('stops the run and names the platform when $what', async ({ tampering, platform }) => {
    await tamper(layout, tampering);
    const { ran } = await publish(layout, { sbom: 'true', provenance: 'true' });
    expect(ran.exitCode, ran.log).toBe(1);
    expect(ran.outputs.outcome).toBe('image-rejected');
    const [error] = ran.annotations.filter(({ level }) => level === 'error');
    expect(error?.message).toContain(platform);
    const other = PLATFORMS.find((each) => each !== platform) ?? '';
    expect(error?.message).not.toContain(other);
    expect(writes(await registry.requests())).toEqual([]);
  });
});

describe('An image of another builder', () => {
  const build = (...args: readonly string[]) =>
    run('docker', ['buildx', 'build', '--quiet', '--builder', 'default', ...args, scene.repository.directory]);

  it('as `docker save` wrote it is published, and runs', async () => {
    const name = 'e2e-source-save:1';
    const tar = join(scene.directory, 'saved.tar');
    await build('--load', '--provenance=false', '--tag', name);
    await run('docker', ['save', '--output', tar, name]);
    await run('docker', ['image', 'rm', '--force', name]);
    const { image, ran } = await publish(tar, { platforms: 'linux/amd64' });
    expect(ran.exitCode, ran.log).toBe(0);
    expect(ran.outputs.outcome).toBe('published');
    const reference = `${image}@${ran.outputs.digest}`;
    expect(await run('docker', ['run', '--rm', '--network', 'none', reference])).toBe('built for amd64\n');
    await run('docker', ['image', 'rm', '--force', reference]);
  });

  it('as a tar of an OCI layout is published with both platforms', async () => {
    const tar = join(scene.directory, 'layout.tar');
    await build('--platform', PLATFORMS.join(','), '--output', `type=oci,dest=${tar}`, '--tag', 'e2e-source-oci:1');
    const { image, ran } = await publish(tar);
    expect(ran.exitCode, ran.log).toBe(0);
    for (const platform of PLATFORMS) {
      const config = JSON.parse(
        await asClient(scene, registry, 'crane', ['config', '--platform', platform, `${image}:main`]),
      );
      expect(`${config.os}/${config.architecture}`).toBe(platform);
    }
  });
});
