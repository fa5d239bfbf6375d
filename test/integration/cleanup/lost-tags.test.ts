import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { placeholderFor } from '../../../src/run/deletion/untag.ts';
import { lostTagsWarning } from '../../../src/run/inventory/lost-tags.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { plainScene } from '../../support/cleanup/scene.ts';

const NAME = 'team/app';
const untag = (tag: string, digest: Digest): PlanStep => ({ action: 'untag', tag, digest });
const remove = (digest: Digest, ...tags: string[]): PlanStep => ({ action: 'delete', digest, role: 'root', tags });

/** True for the first `times` deletions of an existing digest. */
function first(times: number): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return count <= times;
  };
}

describe('a deletion that fails after the manifest is gone, and leaves its tag in the list', () => {
  test.each([1, 2])('untag: the tag is removed again (%i failures)', async (failures) => {
    const { target, options, content, registry } = await plainScene({ deletes: 'digests', losesTags: first(failures) });
    const image = content.image('one', 'v1', 'pr-1');
    const { results, errors } = await applyAll(target, [untag('pr-1', image)], options);
    expect(errors).toEqual([]);
    expect(results).toMatchObject([{ outcome: 'done' }]);
    expect(registry.tags(NAME)).toEqual({ v1: image });
    expect(registry.digests(NAME)).toEqual([image]);
  });

  test('delete: the tags of the image are removed again', async () => {
    const { target, options, content, registry } = await plainScene({ deletes: 'digests', losesTags: first(1) });
    const [kept, old] = [content.image('one', 'v1'), content.image('two', 'pr-1', 'pr-2')];
    const { errors, broken } = await applyAll(target, [remove(old, 'pr-1', 'pr-2')], options);
    expect(errors).toEqual([]);
    expect(broken).toEqual([]);
    expect(registry.tags(NAME)).toEqual({ v1: kept });
  });

  test('a tag that never goes fails the run', async () => {
    const { target, options, content } = await plainScene({ deletes: 'digests', losesTags: () => true });
    const image = content.image('one', 'v1', 'pr-1');
    const { results, errors } = await applyAll(target, [untag('pr-1', image)], options);
    expect(results).toMatchObject([{ outcome: 'failed' }]);
    expect(errors).toMatchObject([{ code: 'ANSWER_INVALID', message: expect.stringMatching(/pr-1 .*still exists/) }]);
  });

  test('a tag that is written again at that moment stays', async () => {
    const { target, options, content, registry } = await plainScene({
      deletes: 'digests',
      losesTags: (digest) => {
        if (digest === old) registry.putManifest(NAME, 'pr-1', 'application/vnd.oci.image.index.v1+json', NEW);
        return digest === old;
      },
    });
    const NEW = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}');
    content.image('one', 'v1');
    const old = content.image('two', 'pr-1');
    const { errors } = await applyAll(target, [remove(old, 'pr-1')], options);
    expect(errors).toEqual([]);
    expect(Object.keys(registry.tags(NAME))).toEqual(['v1', 'pr-1']);
  });

  test('untags of one repository do not write while another one deletes', async () => {
    let writing = 0;
    const { target, options, content, registry } = await plainScene({
      deletes: 'digests',
      losesTags: () => writing > 0,
    });
    const image = content.image('one', 'v1', 'a', 'b', 'c', 'd', 'e');
    const put: typeof target.repository.put = async (reference, manifest) => {
      writing += 1;
      try {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return await target.repository.put(reference, manifest);
      } finally {
        writing -= 1;
      }
    };
    const steps = ['a', 'b', 'c', 'd', 'e'].map((tag) => untag(tag, image));
    const slow = { ...target, repository: { ...target.repository, put } };
    const { errors } = await applyAll(slow, steps, options);
    expect(errors).toEqual([]);
    expect(registry.tags(NAME)).toEqual({ v1: image });
    // A failed deletion is repeated, and so is its PUT.
    expect(registry.log.filter(({ method }) => method === 'PUT')).toHaveLength(steps.length);
  });
});

describe('a tag that an earlier run or another tool left without a manifest', () => {
  test('does not stop the cleanup, and is named', async () => {
    const { target, options, content, registry } = await plainScene({ deletes: 'digests', losesTags: () => true });
    const [kept, old] = [content.image('one', 'v1'), content.image('two', 'old')];
    await target.repository.deleteManifest(old).catch(() => undefined);
    expect(registry.tags(NAME)).toEqual({ v1: kept, old });
    const { inventory, errors, lostTags } = await readInventory(target, options);
    expect(errors).toEqual([]);
    expect(inventory.tags.map(({ name }) => name)).toEqual(['v1']);
    expect(lostTags).toEqual([{ tag: 'old', digest: old }]);
    expect(lostTagsWarning(NAME, lostTags)).toMatch(/lists a tag whose manifest does not exist \(old\)/);
  });

  test.each([
    ['the plan names it', 'pr-1'],
    ['it pointed to a placeholder', 'other'],
  ])('is removed when %s', async (_, tag) => {
    const { target, options, content, registry } = await plainScene({ deletes: 'digests', losesTags: first(1) });
    const image = content.image('one', 'v1', 'pr-1', tag);
    const placeholder = placeholderFor(tag);
    await target.repository.put(tag, placeholder);
    await target.repository.deleteManifest(placeholder.descriptor.digest).catch(() => undefined);
    const { errors } = await applyAll(target, [untag('pr-1', image)], options);
    expect(errors).toEqual([]);
    expect(registry.tags(NAME)).toEqual({ v1: image });
  });

  test('is named by the plan as a leftover when it pointed to a placeholder, and not as a fault of the registry', async () => {
    const { target, options, content } = await plainScene({ deletes: 'digests', losesTags: first(1) });
    content.image('one', 'v1', 'pr-1');
    const placeholder = placeholderFor('pr-1');
    await target.repository.put('pr-1', placeholder);
    await target.repository.put('pr-2', placeholderFor('pr-2'));
    await target.repository.deleteManifest(placeholder.descriptor.digest).catch(() => undefined);
    const { inventory, lostTags } = await readInventory(target, options);
    expect(inventory.leftovers).toEqual(['pr-1', 'pr-2']);
    expect(lostTagsWarning(NAME, lostTags)).toBeUndefined();
  });

  test('stays when neither is so', async () => {
    const { target, options, content, registry } = await plainScene({ deletes: 'digests', losesTags: first(1) });
    const image = content.image('one', 'v1', 'pr-1');
    const old = content.image('two', 'other');
    await target.repository.deleteManifest(old).catch(() => undefined);
    const { errors } = await applyAll(target, [untag('pr-1', image)], options);
    expect(errors).toEqual([]);
    expect(registry.tags(NAME)).toEqual({ v1: image, other: old });
  });
});
