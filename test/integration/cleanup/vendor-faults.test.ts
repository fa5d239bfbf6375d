import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { placeholderFor } from '../../../src/run/deletion/untag.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { vendorScene } from '../../support/cleanup/scene.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { CloudReply, CloudRequest } from '../../support/cloud.ts';

const remove = (digest: Digest, role: 'root' | 'child' | 'referrer', ...tags: string[]): PlanStep => ({
  action: 'delete',
  digest,
  role,
  tags,
});
const rowOf = (id: string) => {
  const row = VENDOR_ROWS.find((each) => each.id === id);
  if (row === undefined) throw new Error(id);
  return row;
};
const outcomes = (report: { readonly results: readonly { readonly outcome: string }[] }) =>
  report.results.map(({ outcome }) => outcome);

describe.each(VENDOR_ROWS)('$id', (row) => {
  test('a page of the list that fails is a gap, and nothing is deleted', async () => {
    let isArmed = false;
    let asked = 0;
    const scene = await vendorScene(row, ({ method, url, headers }) => {
      const isList =
        /tags|versions|dockerImages|_manifests|artifacts|search/.test(url.pathname) ||
        String(headers['x-amz-target']).endsWith('DescribeImages');
      if (!isArmed || !isList || method === 'DELETE') return undefined;
      asked += 1;
      // The first page comes, the second does not.
      return asked === 1 ? undefined : { status: 500, body: { message: 'internal error' } };
    });
    const images = ['1', '2', '3', '4', '5'].map((text) => scene.content.image(text, `v${text}`));
    isArmed = true;
    const before = scene.stored();
    const { inventory, errors } = await readInventory(scene.target, scene.options);
    expect(inventory.gaps).toMatchObject([{ what: 'manifests' }]);
    expect(errors).toHaveLength(1);
    asked = 0;
    const [first] = images;
    if (first === undefined) throw new Error('no image');
    const report = await applyAll(scene.target, [remove(first, 'root', 'v1')], scene.options);
    expect(report.stopped).toContain('could not be read');
    expect(outcomes(report)).toEqual(['skipped']);
    expect(scene.stored()).toEqual(before);
  });

  test('a vendor that refuses every deletion is asked once, and the repository stops', async () => {
    let deletions = 0;
    const refuse = ({ method, headers }: CloudRequest): CloudReply | undefined => {
      const target = String(headers['x-amz-target']);
      if (method !== 'DELETE' && !target.endsWith('BatchDeleteImage')) return undefined;
      deletions += 1;
      return target.includes('Batch')
        ? { status: 400, body: { __type: 'AccessDeniedException', message: 'User is not authorized' } }
        : {
            status: 403,
            body: {
              message: 'Must have admin rights to Repository.',
              errors: [{ code: 'FORBIDDEN', message: 'forbidden' }],
            },
          };
    };
    const scene = await vendorScene(row, refuse);
    // ACR deletes digests by its registry API.
    const isApi = row.id !== 'acr';
    const images = ['1', '2', '3', '4', '5', '6', '7', '8'].map((text) => scene.content.image(text, `v${text}`));
    const before = scene.stored();
    const steps: PlanStep[] = isApi
      ? images.map((digest, at) => remove(digest, 'root', `v${at + 1}`))
      : images.map((digest, at) => ({ action: 'untag', tag: `v${at + 1}`, digest }));
    const report = await applyAll(scene.target, steps, scene.options);
    expect(report.errors.length).toBeGreaterThan(0);
    expect(report.errors[0]).toMatchObject({ code: 'DENIED' });
    // At most as many as were under way.
    expect(deletions).toBeLessThanOrEqual(4);
    expect(outcomes(report).filter((each) => each === 'skipped').length).toBeGreaterThanOrEqual(4);
    expect(scene.stored()).toEqual(before);
  });
});

describe('GHCR', () => {
  const row = rowOf('ghcr');
  test('what GitHub keeps is blocked, and the rest is done', async () => {
    const { target, options, content, stored } = await vendorScene(row);
    const first = content.image('1', 'v1');
    const last = content.image('2', 'v2');
    const report = await applyAll(target, [remove(first, 'root', 'v1'), remove(last, 'root', 'v2')], options);
    expect(report.errors).toEqual([]);
    expect(report.results).toMatchObject([
      { outcome: 'done' },
      { outcome: 'blocked', reason: expect.stringContaining('last tagged') },
    ]);
    expect(stored().map(({ digest }) => digest)).toEqual([last]);
  });

  test('the last tag is not removed, because its placeholder could not be deleted', async () => {
    const { target, options, content, registry } = await vendorScene(row);
    const image = content.image('1', 'v1');
    const report = await applyAll(target, [{ action: 'untag', tag: 'v1', digest: image }], options);
    expect(report.results).toMatchObject([{ outcome: 'blocked', reason: expect.stringContaining('last tag') }]);
    expect(registry.writes()).toEqual([]);
  });

  test('an untag that was interrupted after its first half is finished by the next run', async () => {
    let isDown = true;
    const { target, options, content, stored, registry } = await vendorScene(row, ({ method }) =>
      isDown && method === 'DELETE' ? { status: 502 } : undefined,
    );
    const image = content.image('1', 'v1', 'pr-1');
    const steps: PlanStep[] = [{ action: 'untag', tag: 'pr-1', digest: image }];
    expect((await applyAll(target, steps, options)).errors).toMatchObject([{ code: 'REGISTRY_UNAVAILABLE' }]);
    expect(registry.tags(row.repository)['pr-1']).toBe(placeholderFor('pr-1').descriptor.digest);
    isDown = false;
    const report = await applyAll(target, steps, options);
    expect(report.errors).toEqual([]);
    expect(outcomes(report)).toEqual(['absent']);
    expect(stored().map(({ digest, tags }) => [digest, tags])).toEqual([[image, ['v1']]]);
  });

  test('a secondary rate limit is waited for, and is no missing right', async () => {
    let limited = 2;
    const { target, options, content, clock } = await vendorScene(row, ({ method }) => {
      if (method !== 'DELETE' || limited === 0) return undefined;
      limited -= 1;
      const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
      return { status: 403, headers: { 'retry-after': '17' }, body: { message } };
    });
    content.image('0', 'v0');
    const image = content.image('1', 'v1');
    const report = await applyAll(target, [remove(image, 'root', 'v1')], options);
    expect(outcomes(report)).toEqual(['done']);
    expect(clock.sleeps.filter((each) => each >= 17_000)).toHaveLength(2);
  });
});

describe('locks and guards', () => {
  test.each(['ecr', 'ecr-public', 'nexus', 'artifactory'])(
    'the last tag of what stays is not removed where the image would go with it (%s)',
    async (id) => {
      const { target, options, content, stored } = await vendorScene(rowOf(id));
      const platform = content.image('arm64', 'v1-arm64');
      content.index([platform], 'v1');
      const before = stored();
      const report = await applyAll(target, [{ action: 'untag', tag: 'v1-arm64', digest: platform }], options);
      expect(report.results).toMatchObject([{ outcome: 'blocked', reason: expect.stringContaining('last tag') }]);
      expect(stored()).toEqual(before);
    },
  );

  test('Harbor keeps what an index lists, whoever asks', async () => {
    const { target, content } = await vendorScene(rowOf('harbor'));
    const platform = content.image('arm64');
    content.index([platform], 'v1');
    await expect(target.managed.deleteDigest(platform)).rejects.toMatchObject({ code: 'IMAGE_IN_USE' });
  });

  test('Docker Hub deletes a digest after its tags, and a part after all that list it', async () => {
    const { target, options, content, cloud, registry } = await vendorScene(rowOf('docker-hub'));
    const platform = content.image('arm64');
    const index = content.index([platform, content.image('amd64')], 'v1', 'v2');
    const steps = [remove(index, 'root', 'v1', 'v2'), remove(platform, 'child')];
    const report = await applyAll(target, steps, options);
    expect(outcomes(report)).toEqual(['done', 'done']);
    const hub = cloud.requests
      .filter(({ method }) => method === 'DELETE')
      .map(({ url }) => url.pathname.split('/').at(-1));
    expect(hub).toEqual(['v1', 'v2']);
    const digests = registry.log.filter(({ method }) => method === 'DELETE').map(({ path }) => path.split('/').at(-1));
    expect(digests).toEqual([index, platform]);
  });

  test('ECR deletes images of one level with one request', async () => {
    const { target, options, content, cloud } = await vendorScene(rowOf('ecr'));
    const images = Array.from({ length: 120 }, (_, at) => content.image(`${at}`, `v${at}`));
    const report = await applyAll(
      target,
      images.map((digest, at) => remove(digest, 'root', `v${at}`)),
      options,
    );
    expect(new Set(outcomes(report))).toEqual(new Set(['done']));
    const batches = cloud.requests.filter(({ headers }) =>
      String(headers['x-amz-target']).endsWith('BatchDeleteImage'),
    );
    expect(batches).toHaveLength(2);
  });
});
