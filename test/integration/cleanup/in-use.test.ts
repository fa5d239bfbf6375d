import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import type { PromotionRecord } from '../../../src/domain/promotion/record.ts';
import { ActionError } from '../../../src/errors/action-error.ts';
import { writeRecord } from '../../../src/evidence/promotion-records.ts';
import type { RecordVerifier } from '../../../src/evidence/signed-records.ts';
import { readPromotions } from '../../../src/run/in-use/promotions.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import { recordWith } from '../../support/promotion-record.ts';

const NOW = new Date('2026-06-01T00:00:00Z');

async function promoted(referrers: boolean | 'config types', signed = false) {
  const scene = await plainScene({ referrers });
  const { content, registry, target, options } = scene;
  await target.repository.putBlob({ mediaType: MEDIA_TYPES.ociEmpty, digest: EMPTY, size: 2 }, () => Buffer.from('{}'));
  const images = ['1', '2', '3'].map((text) => content.image(text, `v${text}`));
  const image = target.image.name;
  const write = (record: PromotionRecord, bundle?: Uint8Array) => {
    const size = registry.manifest('team/app', record.digest)?.bytes.length ?? 0;
    const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: record.digest, size };
    return writeRecord(target.repository, record, subject, undefined, bundle);
  };
  let previous: { readonly digest: Digest; readonly record: Digest } | undefined;
  for (const [at, digest] of images.entries()) {
    const more: Partial<PromotionRecord> = {
      repository: image,
      environment: 'production',
      to: [`${image}:production`],
      time: `2026-01-0${at + 1}T00:00:00.000Z`,
      ...(previous === undefined ? {} : { previousDigest: previous.digest, previousRecord: previous.record }),
    };
    const bundle = signed ? Buffer.from(`signature ${at}`) : undefined;
    previous = { digest, record: await write(recordWith({ digest, ...more }), bundle) };
  }
  const last = registry.manifest('team/app', images[2] ?? '');
  registry.putManifest('team/app', 'production', last?.mediaType ?? '', last?.bytes ?? Buffer.alloc(0));
  const reading = await readInventory(target, options);
  return { ...scene, images, reading, write };
}
const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

test.each([true, false, 'config types'] as const)(
  'an environment uses what it points to and could roll back to (API: %s)',
  async (referrers) => {
    const { target, images, reading } = await promoted(referrers);
    const read = (history: number, environments: readonly string[] = []) =>
      readPromotions(target, reading, { kind: 'promotions', history, environments }, NOW);
    const { images: used, unreadable } = await read(2);
    expect(unreadable).toEqual([]);
    expect(used.flatMap(({ tag }) => tag ?? [])).toEqual(['production']);
    expect(used.flatMap(({ digest }) => digest ?? [])).toEqual([images[2], images[1]]);
    expect(used[0]?.source).toEqual({ kind: 'promotions', where: 'environment production' });
    expect((await read(9)).images.flatMap(({ digest }) => digest ?? [])).toEqual([images[2], images[1], images[0]]);
    expect((await read(2, ['staging'])).images).toEqual([]);
  },
);

test('an environment without records is what its tag says', async () => {
  const { target, options, content } = await plainScene();
  const digest = content.image('one', 'production');
  const reading = await readInventory(target, options);
  const request = { kind: 'promotions', history: 2, environments: ['production'] } as const;
  const { images } = await readPromotions(target, reading, request, NOW);
  expect(images).toMatchObject([{ tag: 'production' }, { digest }]);
});

test('records that cannot be read are unknown, and not none', async () => {
  const { target, reading, registry } = await promoted(true);
  registry.addFault({ match: { path: /\/referrers\//, nth: 'all' }, action: { status: 500 } });
  const request = { kind: 'promotions', history: 2, environments: [] } as const;
  const { images, unreadable } = await readPromotions(target, reading, request, NOW);
  expect(images).toEqual([]);
  expect(unreadable).toMatchObject([{ source: { kind: 'promotions' }, reason: expect.stringContaining('500') }]);
});

describe('P13: an unsigned record protects more, and never less', () => {
  /** What a verifier says that accepts whatever has a signature. */
  const verify: RecordVerifier = async (_repository, records) => ({
    verified: records.map((record) => ({ ...record, signature: { identity: 'release', time: record.time } })),
    uncounted: [],
  });
  const request = { kind: 'promotions', history: 2, environments: ['production'] } as const;
  const digestsOf = ({ images }: Awaited<ReturnType<typeof readPromotions>>) =>
    images.flatMap(({ digest }) => digest ?? []);

  async function forged(more: (images: readonly Digest[]) => Partial<PromotionRecord> & { readonly digest: Digest }) {
    const { target, images, write, options } = await promoted(true, true);
    const changes = more(images);
    const name = target.image.name;
    await write(
      recordWith({
        ...{
          repository: name,
          environment: 'production',
          to: [`${name}:production`],
          time: '2026-02-01T00:00:00.000Z',
        },
        ...changes,
      }),
    );
    const reading = await readInventory(target, options);
    return { target, images, reading };
  }

  test('a forged rollback does not take the protection of the real rollback target', async () => {
    const { target, images, reading } = await forged(([first, second]) => ({
      ...{ kind: 'rollback', digest: first ?? EMPTY, held: [second ?? EMPTY], previousDigest: second ?? EMPTY },
    }));
    expect(digestsOf(await readPromotions(target, reading, request, NOW))).not.toContain(images[1]);
    expect(digestsOf(await readPromotions(target, reading, request, NOW, verify))).toEqual(
      expect.arrayContaining([images[2], images[1]]),
    );
  });

  test('forged promotions do not push real ones out of the history', async () => {
    const { target, images, reading } = await forged(([first]) => ({ digest: first ?? EMPTY }));
    const used = digestsOf(await readPromotions(target, reading, request, NOW, verify));
    expect(used).toEqual(expect.arrayContaining([images[2], images[1]]));
  });

  test('signatures that cannot be checked are unknown, so that nothing is deleted', async () => {
    const { target, reading } = await promoted(true, true);
    const fail: RecordVerifier = () =>
      Promise.reject(new ActionError('TRUSTED_ROOT_UNAVAILABLE', 'No trust material.'));
    expect(await readPromotions(target, reading, request, NOW, fail)).toMatchObject({
      images: [],
      unreadable: [{ reason: 'No trust material.' }],
    });
  });
});
