import { expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { hubFront } from '../../support/mirror/hub.ts';
import { mirrorScene, runMirror, TARGET_NAME } from '../../support/mirror/scene.ts';

const SUBSET = 'platforms: [linux/arm64]\ndigest: changes';

/** Two platforms with an attestation each, and signatures of the whole and of both. */
async function platformScene() {
  const scene = await mirrorScene();
  const images = { amd64: scene.image(['amd64']), arm64: scene.image(['arm64']) };
  const attestation = (of: 'amd64' | 'arm64') => {
    const { descriptor } = scene.image([`attestation of ${of}`]);
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': images[of].descriptor.digest,
    };
    return { ...descriptor, platform: { os: 'unknown', architecture: 'unknown' }, annotations };
  };
  const attestations = { amd64: attestation('amd64'), arm64: attestation('arm64') };
  const manifests = [
    { ...images.amd64.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
    { ...images.arm64.descriptor, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    attestations.amd64,
    attestations.arm64,
  ];
  const root = scene.store(MEDIA_TYPES.ociIndex, { manifests, annotations: { made: 'here' } }, 'v1');
  const signatures = {
    root: scene.referrer(root, 'of the whole'),
    amd64: scene.referrer(images.amd64, 'of amd64'),
    arm64: scene.referrer(images.arm64, 'of arm64'),
  };
  return Object.assign(scene, { images, attestations, root, signatures });
}

test('a platform with its attestation and signature, as an index of its own; the rest stays behind', async () => {
  await using scene = await platformScene();
  const { images, attestations, root, signatures } = scene;
  const config = scene.config('[v1]', SUBSET);
  const run = await runMirror({ config });
  expect(run.outputs.outcome).toBe('mirrored');
  const index = JSON.parse(scene.target.manifest(TARGET_NAME, 'v1')?.bytes.toString('utf8') ?? '{}');
  expect(index.manifests.map(({ digest }: { readonly digest: string }) => digest)).toEqual([
    images.arm64.descriptor.digest,
    attestations.arm64.digest,
  ]);
  expect(index.annotations).toEqual({ made: 'here' });
  const digests = scene.target.digests(TARGET_NAME);
  expect(digests).toContain(signatures.arm64.descriptor.digest);
  for (const left of [root, images.amd64, signatures.root, signatures.amd64])
    expect(digests).not.toContain(left.descriptor.digest);
  expect(JSON.parse(run.outputs.json ?? '').sources[0].tags[0].sourceDigest).toBe(root.descriptor.digest);
  const late = scene.referrer(images.arm64, 'late');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.target.digests(TARGET_NAME)).toContain(late.descriptor.digest);
});

test('an unchanged subset is compared without a pull, and content that somebody changed is put right', async () => {
  await using scene = await platformScene();
  await using hub = await hubFront(scene.source, 100);
  const config = scene.config('[v1]', SUBSET).replace(`from: ${scene.source.host}`, `from: ${hub.host}`);
  await runMirror({ config });
  const right = scene.target.tags(TARGET_NAME).v1 ?? '';
  const before = hub.pulls();
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
  expect(hub.pulls()).toBe(before);
  const empty = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] }));
  scene.target.putManifest(TARGET_NAME, 'v1', MEDIA_TYPES.ociIndex, empty);
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.target.tags(TARGET_NAME).v1).toBe(right);
});

test('without consent to a new digest it is an error, with line and column and before any request', async () => {
  await using scene = await platformScene();
  const run = await runMirror({ config: scene.config('[v1]', 'platforms: [linux/arm64]') });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toMatch(/config:3:5: .*`digest: changes`/);
  expect(scene.source.requests()).toBe(0);
});

test('a platform that an image does not have fails that tag', async () => {
  await using scene = await platformScene();
  const run = await runMirror({ config: scene.config('[v1]', 'platforms: [linux/s390x]\ndigest: changes') });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain('it has no linux/s390x, only linux/amd64, linux/arm64');
  expect(scene.target.tags(TARGET_NAME)).toEqual({});
});

test('all platforms of the image: nothing is left out, and the digest stays', async () => {
  await using scene = await platformScene();
  await runMirror({ config: scene.config('[v1]', 'platforms: [linux/arm64, amd64]\ndigest: changes') });
  expect(scene.target.tags(TARGET_NAME)).toEqual({ v1: scene.root.descriptor.digest });
});
