import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionRun } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import { writeTrivyDb } from '../support/trivy-db.ts';
import { run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import {
  actionBuilders,
  asClient,
  authFor,
  BUILDERS,
  blobOf,
  builtLayout,
  createScene,
  PLATFORMS,
  type Scene,
} from './scene.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly artifactType?: string;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

function parse(text: string): Manifest {
  return JSON.parse(text);
}

const ATTESTATION = 'application/vnd.docker.attestation.manifest.v1+json';

describe.each(BUILDERS)('An image of two platforms, built by $builder, at two registries', ({ driver, inputs }) => {
  let scene: Scene;
  let open: Registry;
  let before: readonly string[];
  let secure: Registry;
  let ran: ActionRun;
  let layout: string;
  const registries = () => [open, secure];
  const name = (registry: Registry, reference = 'main') =>
    `${registry.host}/org/app${reference.startsWith('sha256:') ? '@' : ':'}${reference}`;

  /** The same publish each time it is called. */
  const publish = async (more: Readonly<Record<string, string>> = {}) =>
    scene.publish({
      inputs: {
        images: registries()
          .map(({ host }) => `${host}/org/app`)
          .join('\n'),
        'registry-auth': authFor(secure),
        'registry-ca': secure.ca ?? '',
        ...inputs,
        ...more,
      },
      event: await pushEvent(scene.repository),
    });

  beforeAll(async () => {
    before = await actionBuilders();
    scene = await createScene();
    [open, secure] = await Promise.all([scene.registry(), scene.registry({ secure: true })]);
    ran = await publish();
    expect(ran.exitCode, ran.log).toBe(0);
    expect(ran.log).toContain(`driver ${driver},`);
    layout = await builtLayout(ran);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  it('is published and says so', () => {
    expect(ran.outputs.outcome).toBe('published');
    expect(ran.outputs.tags?.split('\n')).toHaveLength(4);
    expect(ran.summary).toContain(ran.outputs.digest);
    for (const platform of PLATFORMS) expect(ran.summary).toContain(platform);
  });

  it('P2: has one digest: of buildx, the layout, the output, and both registries', async () => {
    const { digest = '', metadata = '' } = ran.outputs;
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(JSON.parse(metadata)['containerimage.digest']).toBe(digest);
    expect(parse(await readFile(join(layout, 'index.json'), 'utf8')).manifests?.map((each) => each.digest)).toContain(
      digest,
    );
    for (const registry of registries()) {
      expect((await asClient(scene, registry, 'crane', ['digest', name(registry)])).trim()).toBe(digest);
    }
  });

  it('P2: arrives untouched: every manifest, SBOM and provenance, byte for byte', async () => {
    for (const registry of registries()) {
      const read = async (digest: string) => {
        const text = await asClient(scene, registry, 'crane', ['manifest', name(registry, digest)]);
        expect(`sha256:${createHash('sha256').update(text).digest('hex')}`).toBe(digest);
        expect(Buffer.from(text).equals(await blobOf(layout, digest))).toBe(true);
        return parse(text);
      };
      const index = await read(ran.outputs.digest ?? '');
      const platforms = (index.manifests ?? []).filter((each) => each.platform?.architecture !== 'unknown');
      expect(platforms.map((each) => each.platform?.architecture).sort()).toEqual(['amd64', 'arm64']);
      for (const platform of platforms) {
        await read(platform.digest);
        const attestation = index.manifests?.find(
          (each) => each.annotations?.['vnd.docker.reference.digest'] === platform.digest,
        );
        const manifest = await read(attestation?.digest ?? '');
        // Today's form names its subject; that of the engine's BuildKit is an image by its looks.
        expect(manifest.artifactType).toBe(driver === 'docker' ? undefined : ATTESTATION);
        expect(manifest.subject?.digest).toBe(driver === 'docker' ? undefined : platform.digest);
        const predicates = (manifest.layers ?? []).map((each) => each.annotations?.['in-toto.io/predicate-type'] ?? '');
        expect(predicates.some((type) => type.startsWith('https://spdx.dev/'))).toBe(true);
        expect(predicates.some((type) => type.startsWith('https://slsa.dev/provenance/'))).toBe(true);
        for (const layer of manifest.layers ?? []) {
          const arrived = await asClient(scene, registry, 'crane', ['blob', name(registry, layer.digest)]);
          expect(Buffer.from(arrived).equals(await blobOf(layout, layer.digest))).toBe(true);
        }
      }
    }
  });

  it('can be pulled by docker, and runs', async () => {
    const reference = name(open, ran.outputs.digest);
    await run('docker', ['pull', '--quiet', reference]);
    expect(await run('docker', ['run', '--rm', '--network', 'none', reference])).toBe('built for amd64\n');
    await run('docker', ['image', 'rm', '--force', reference]);
  });

  it('can be read by oras, at both registries', async () => {
    for (const registry of registries()) {
      const transport = registry.ca === undefined ? ['--plain-http'] : ['--ca-file', registry.ca];
      const args = ['manifest', 'fetch', '--descriptor', ...transport, name(registry)];
      const descriptor: Descriptor = JSON.parse(await asClient(scene, registry, 'oras', args));
      expect(descriptor.digest).toBe(ran.outputs.digest);
    }
  });

  it('can be scanned by Trivy from the registry, each platform', async () => {
    const cache = await writeTrivyDb(join(scene.directory, 'cache'));
    for (const platform of PLATFORMS) {
      const args = [
        'image',
        '--quiet',
        '--image-src',
        'remote',
        '--insecure',
        '--platform',
        platform,
        '--format',
        'json',
      ];
      const more = ['--cache-dir', cache, '--skip-db-update', '--skip-version-check', name(open)];
      const report: { Metadata: { ImageConfig: { architecture: string } } } = JSON.parse(
        await asClient(scene, open, 'trivy', [...args, ...more]),
      );
      expect(`linux/${report.Metadata.ImageConfig.architecture}`).toBe(platform);
    }
  });

  it('shows no error line for layers that two platforms share', () => {
    // Debug lines are only for those who ask for them.
    const shown = ran.log.split('\n').filter((line) => !line.startsWith('::debug::'));
    expect(shown.filter((line) => /\bERROR\b/.test(line))).toEqual([]);
    expect(ran.annotations).toEqual([]);
  });

  it('P9: a second run reads the image, scans it again and changes nothing', async () => {
    await Promise.all(registries().map((registry) => registry.mark()));
    const again = await publish();
    expect(again.exitCode, again.log).toBe(0);
    expect(again.outputs).toMatchObject({ outcome: 'unchanged', digest: ran.outputs.digest, tags: ran.outputs.tags });
    expect(again.log).toContain('read from the registry, not built by this run');
    for (const registry of registries()) expect(writes(await registry.requests())).toEqual([]);
  });

  it('P9: without a scan, a second run changes nothing, with at most 6 requests to each registry', async () => {
    await Promise.all(registries().map((registry) => registry.mark()));
    const again = await publish({ scan: 'off' });
    expect(again.exitCode, again.log).toBe(0);
    expect(again.outputs).toMatchObject({ outcome: 'unchanged', digest: ran.outputs.digest, tags: ran.outputs.tags });
    for (const registry of registries()) {
      const requests = await registry.requests();
      expect(writes(requests)).toEqual([]);
      expect(requests.length, JSON.stringify(requests)).toBeLessThanOrEqual(6);
      expect(requests.length).toBeGreaterThan(0);
    }
  });

  it('leaves nothing behind: no file, no builder', async () => {
    const post = await ran.post();
    expect(post.exitCode, post.log).toBe(0);
    await expect(readFile(join(ran.state.temp ?? '', 'x'))).rejects.toThrow('ENOENT');
    expect(await actionBuilders()).toEqual(before);
  });
});
