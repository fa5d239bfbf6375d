import { describe, expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { createScene, expectError, expectPromoted, PROD, recordsAt, tagWrites, UNCONFIRMED } from './scene.ts';

/** `production` holds an image, and somebody else has a third one. */
async function contested() {
  const scene = await createScene();
  const { registry, source } = scene;
  const next = source.image(['next'], {}, 'v1').descriptor.digest;
  const [old, theirs] = ['old', 'theirs'].map((text) => {
    const { descriptor, bytes } = source.image([text]);
    registry.putManifest(PROD, descriptor.digest, descriptor.mediaType, bytes);
    return { descriptor, bytes };
  });
  if (old === undefined || theirs === undefined) throw new Error('no images');
  registry.putManifest(PROD, 'production', old.descriptor.mediaType, old.bytes);
  return { scene, next, old: old.descriptor.digest, theirs: theirs.descriptor.digest };
}

const moves = (to: string) => ({ repository: PROD, tag: 'production', to });

describe('somebody else moves the tag of the environment', () => {
  test('during the copy: nothing is written over it, and both digests are told', async () => {
    const { scene, old, theirs } = await contested();
    await using _ = scene;
    scene.registry.addFault({
      match: { method: 'POST', path: /mount=/ },
      action: { moves: moves(theirs), when: 'before' },
    });
    const message = expectError(await scene.promote(), 'tag-conflict', 'ENVIRONMENT_MOVED');
    expect(message).toContain(old);
    expect(message).toContain(theirs);
    expect(scene.held()).toBe(theirs);
    expect(tagWrites(scene.registry)).toEqual([]);
    expect(recordsAt(scene.registry)).toBe(0);
  });

  test('while the records are read, in one repository: nothing is written over it', async () => {
    const { scene, theirs } = await contested();
    await using _ = scene;
    const { registry } = scene;
    fill(registry, PROD).image(['next'], {}, 'v1');
    registry.addFault({
      match: { method: 'GET', path: /\/referrers\// },
      action: { moves: moves(theirs), when: 'after' },
    });
    const run = await scene.promote('v1', { from: `${registry.host}/${PROD}:v1` });
    expect(expectError(run, 'tag-conflict', 'ENVIRONMENT_MOVED')).toContain(theirs);
    expect(scene.held()).toBe(theirs);
    expect(registry.writes()).toEqual([]);
  });

  test('during the copy, to the same image: that is what was wanted', async () => {
    const { scene, next } = await contested();
    await using _ = scene;
    scene.registry.addFault({
      match: { method: 'PUT', path: /manifests\/sha256:/ },
      action: { moves: moves(next), when: 'after' },
    });
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(next);
    expect(recordsAt(scene.registry)).toBe(1);
  });

  test('right after this run wrote it: both digests are told, and there is no record', async () => {
    const { scene, next, theirs } = await contested();
    await using _ = scene;
    scene.registry.addFault({
      match: { method: 'PUT', path: /manifests\/production$/ },
      action: { moves: moves(theirs), when: 'after' },
    });
    scene.registry.addFault(UNCONFIRMED);
    const message = expectError(await scene.promote(), 'tag-conflict', 'ENVIRONMENT_MOVED');
    expect(message).toContain(next);
    expect(message).toContain(theirs);
    expect(scene.held()).toBe(theirs);
    expect(tagWrites(scene.registry)).toEqual(['production']);
    expect(recordsAt(scene.registry)).toBe(0);
  });

  test('a registry that says 201 and keeps the old image lost no race', async () => {
    const { scene, old } = await contested();
    await using _ = scene;
    scene.registry.addFault({
      match: { method: 'PUT', path: /manifests\/production$/ },
      action: { moves: moves(old), when: 'after' },
    });
    scene.registry.addFault(UNCONFIRMED);
    expect(expectError(await scene.promote(), 'registry-failed', 'TAG_NOT_MOVED')).toContain(old);
  });
});
