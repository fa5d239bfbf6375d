import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { ListedImage } from '../../../src/registries/vendor.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { vendorScene } from '../../support/cleanup/scene.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const GONE: Digest = `sha256:${'9'.repeat(64)}`;

/** A registry whose list names a manifest that it no longer has, a number of times. */
async function listing(times: number) {
  const row = VENDOR_ROWS.find(({ id }) => id === 'ghcr');
  if (row === undefined) throw new Error('There is no row of ghcr.');
  const { content, target, options } = await vendorScene(row);
  content.index([content.image('own')], 'v1');
  let calls = 0;
  async function* list(): AsyncGenerator<ListedImage> {
    calls += 1;
    if (calls <= times) yield { digest: GONE, tags: ['pr-1'] };
    yield* target.managed.list();
  }
  return readInventory({ ...target, managed: { ...target.managed, list } }, options);
}

test('a manifest that another run deletes while the list is read is left out', async () => {
  const { inventory, errors } = await listing(1);
  expect(errors).toEqual([]);
  expect(inventory.gaps).toEqual([]);
  expect(inventory.tags.map(({ name }) => name)).toEqual(['v1']);
  expect(inventory.manifests.map(({ digest }) => digest)).not.toContain(GONE);
});

test('one that is still in the list and cannot be read may contain anything: nothing is deleted', async () => {
  const { inventory, errors } = await listing(2);
  expect(errors).toMatchObject([{ code: 'ANSWER_INVALID' }]);
  expect(inventory.gaps).toMatchObject([{ what: 'manifest', subject: GONE }]);
});
