import { expect, test } from 'vitest';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { fill } from '../../support/copy-source.ts';
import {
  manifestRequests,
  mirrorScene,
  rowsOf,
  runMirror,
  SOURCE_NAME,
  TARGET_NAME,
} from '../../support/mirror/scene.ts';

test('P5: what is attached later to an unchanged image, to a part of it or to a signature arrives', async () => {
  await using scene = await mirrorScene();
  const { root, children, referrers } = scene.usual();
  const config = scene.config('[v1]');
  await runMirror({ config });
  const late = [
    scene.referrer(root, 'late signature'),
    scene.referrer(children[1], 'signature of a platform'),
    scene.referrer(referrers[0] ?? root, 'signature of the SBOM'),
  ];
  scene.clear();
  const run = await runMirror({ config });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(rowsOf(run)).toEqual(['v1 attach done']);
  for (const { descriptor } of late) expect(scene.target.digests(TARGET_NAME)).toContain(descriptor.digest);
  // The image itself is not read again: only what is new.
  expect(
    manifestRequests(scene.source, 'GET').filter(
      (path) => !late.some(({ descriptor }) => path.includes(descriptor.digest)),
    ),
  ).toEqual([]);
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
});

test('a source without the API: its list under a tag becomes referrers at a target that has it', async () => {
  await using scene = await mirrorScene({ source: { referrers: false } });
  const image = scene.image(['app'], {}, 'v1');
  const signature = scene.referrer(image, 'signature');
  scene.index(
    [],
    { manifests: [{ ...signature.descriptor, artifactType: 'application/vnd.example.sbom' }] },
    fallbackTag(image.descriptor.digest),
  );
  const run = await runMirror({ config: scene.config('["*"]') });
  expect(run.outputs.outcome).toBe('mirrored');
  expect(scene.target.digests(TARGET_NAME)).toContain(signature.descriptor.digest);
  expect(Object.keys(scene.target.tags(TARGET_NAME))).toEqual(['v1']);
});

test('a target without the API: one list under a tag, merged with what is there', async () => {
  await using scene = await mirrorScene({ targets: [{ referrers: false }] });
  const image = scene.image(['app'], {}, 'v1');
  const signatures = [scene.referrer(image, 'one'), scene.referrer(image, 'two')];
  const theirs = fill(scene.target, TARGET_NAME);
  const own = theirs.referrer(image, 'of the target');
  theirs.index(
    [],
    { manifests: [{ ...own.descriptor, artifactType: 'application/vnd.example.sbom' }] },
    fallbackTag(image.descriptor.digest),
  );
  scene.clear();
  await runMirror({ config: scene.config('[v1]') });
  const list = scene.target.manifest(TARGET_NAME, fallbackTag(image.descriptor.digest));
  const { manifests } = JSON.parse(list?.bytes.toString('utf8') ?? '{}');
  expect(manifests.map(({ digest }: { readonly digest: string }) => digest).toSorted()).toEqual(
    [own, ...signatures].map(({ descriptor }) => descriptor.digest).toSorted(),
  );
  const writes = scene.target.writes().filter(({ path }) => path.endsWith(fallbackTag(image.descriptor.digest)));
  expect(writes).toHaveLength(1);
  scene.clear();
  expect((await runMirror({ config: scene.config('[v1]') })).outputs.outcome).toBe('unchanged');
});

test("cosign's tags of an index and of its parts come along, and a further signature moves them", async () => {
  await using scene = await mirrorScene();
  const { root, children } = scene.usual();
  const tagOf = (digest: string, kind: string) => `${digest.replace(':', '-')}.${kind}`;
  const [sig, att] = [tagOf(root.descriptor.digest, 'sig'), tagOf(children[0].descriptor.digest, 'att')];
  scene.cosign('first signature', sig);
  scene.cosign('attestation', att);
  const config = scene.config('["*"]');
  const first = await runMirror({ config });
  expect(rowsOf(first)).toEqual(['v1 copy done']);
  expect(Object.keys(scene.target.tags(TARGET_NAME)).toSorted()).toEqual([sig, att, 'v1'].toSorted());
  const layer = (text: string) => ({
    ...scene.blob(text),
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  });
  const both = scene.image([], { layers: [layer('first signature'), layer('second signature')] }, sig);
  const second = await runMirror({ config });
  expect(rowsOf(second)).toEqual(['v1 attach done']);
  expect(scene.target.tags(TARGET_NAME)[sig]).toBe(both.descriptor.digest);
  // A signature that only the target has is not lost.
  const own = fill(scene.target, TARGET_NAME).cosign('signature of the target', sig);
  const third = await runMirror({ config });
  expect(scene.target.tags(TARGET_NAME)[sig]).toBe(own.descriptor.digest);
  expect(third.log).toContain('it was left unchanged');
});

test('only the artifact types that are named are carried', async () => {
  await using scene = await mirrorScene();
  const image = scene.image(['app'], {}, 'v1');
  const sbom = scene.referrer(image, 'sbom');
  const other = scene.referrer(image, 'other', { artifactType: 'application/vnd.example.other' });
  const config = scene.config('[v1]', 'referrers: [application/vnd.example.sbom]');
  await runMirror({ config });
  expect(scene.target.digests(TARGET_NAME)).toContain(sbom.descriptor.digest);
  expect(scene.target.digests(TARGET_NAME)).not.toContain(other.descriptor.digest);
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
});

test('a target that refuses manifests with a subject gets the image, and the run says what was not carried', async () => {
  await using scene = await mirrorScene();
  const { root, referrers } = scene.usual();
  for (const { descriptor } of referrers) {
    scene.target.addFault({
      match: { method: 'PUT', path: new RegExp(descriptor.digest), nth: 'all' },
      action: { status: 405, body: { errors: [{ code: 'UNSUPPORTED', message: 'Invalid parameter' }] } },
    });
  }
  const run = await runMirror({ config: scene.config('[v1]') });
  expect(run.exitCode).toBe(0);
  expect(run.outputs.outcome).toBe('incomplete');
  expect(scene.target.tags(TARGET_NAME)).toEqual({ v1: root.descriptor.digest });
  expect(run.annotations.filter(({ message }) => message.includes('was not carried'))).toHaveLength(2);
});

test('a nested index with attestations arrives with the same digest', async () => {
  await using scene = await mirrorScene();
  const amd64 = scene.image(['amd64']);
  const attestation = scene.image(['attestation'], { subject: amd64.descriptor });
  const inner = scene.index([amd64, attestation]);
  const outer = scene.index([inner, scene.image(['arm64'])], {}, 'v1');
  const config = scene.config('[v1]');
  expect((await runMirror({ config })).outputs.outcome).toBe('mirrored');
  expect(scene.target.manifest(TARGET_NAME, 'v1')?.bytes).toEqual(scene.source.manifest(SOURCE_NAME, 'v1')?.bytes);
  expect(scene.target.tags(TARGET_NAME)).toEqual({ v1: outer.descriptor.digest });
  expect((await runMirror({ config })).outputs.outcome).toBe('unchanged');
});
