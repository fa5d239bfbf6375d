import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { writeRecord } from '../../../src/evidence/promotion-records.ts';
import { runCleanup } from '../../support/cleanup/command.ts';
import { NAME } from '../../support/cleanup/command-scene.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import { recordWith } from '../../support/promotion-record.ts';

const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

/** Promoted to production one after the other: v1, v2, v3. */
async function promoted(referrers: boolean) {
  const scene = await plainScene({ referrers });
  const { content, registry, target } = scene;
  await target.repository.putBlob({ mediaType: MEDIA_TYPES.ociEmpty, digest: EMPTY, size: 2 }, () => Buffer.from('{}'));
  const images = ['1', '2', '3'].map((text) => content.index([content.image(text)], `v${text}`));
  let before: { readonly digest: Digest; readonly record: Digest } | undefined;
  for (const [at, digest] of images.entries()) {
    const record = recordWith({
      digest,
      repository: target.image.name,
      environment: 'production',
      to: [`${target.image.name}:production`],
      time: `2026-01-0${at + 1}T00:00:00.000Z`,
      ...(before === undefined ? {} : { previousDigest: before.digest, previousRecord: before.record }),
    });
    const size = registry.manifest(NAME, digest)?.bytes.length ?? 0;
    const subject = { mediaType: MEDIA_TYPES.ociIndex, digest, size };
    before = { digest, record: await writeRecord(target.repository, record, subject) };
  }
  const now = registry.manifest(NAME, images[2] ?? '');
  registry.putManifest(NAME, 'production', now?.mediaType ?? '', now?.bytes ?? Buffer.alloc(0));
  return { ...scene, images, image: target.image.name };
}

/** The greediest policy that there is. */
const EVERYTHING = `
protect: { tags: [] }
defaults: { limits: off, multi-tag: any }
rules:
  - { name: everything, select: { tags: ["**"] }, remove: { older-than: 0d } }
  - { name: untagged, select: { tagged: false }, remove: { older-than: 0d } }
`;

test.each([true, false])(
  'what production points to and could roll back to survives every policy (referrers API: %s)',
  async (referrers) => {
    const { registry, images, image } = await promoted(referrers);
    const run = await runCleanup({ images: image, policy: EVERYTHING, 'dry-run': 'false' });
    expect(run.exitCode).toBe(0);
    expect(run.outputs.outcome).toBe('cleaned');
    expect(run.summary).toContain('in use: environment production');
    const tags = registry.tags(NAME);
    expect(tags.production).toBe(images[2]);
    expect(tags.v2).toBe(images[1]);
    expect(tags).not.toHaveProperty('v1');
    expect(registry.digests(NAME)).not.toContain(images[0]);
  },
);

test('records that cannot be read stop the cleanup', async () => {
  const { registry, image } = await promoted(true);
  registry.addFault({ match: { path: /\/referrers\//, nth: 'all' }, action: { status: 500 } });
  const run = await runCleanup({ images: image, policy: EVERYTHING, 'dry-run': 'false' });
  expect(run.exitCode).toBe(1);
  expect(registry.tags(NAME)).toHaveProperty('v1');
});
