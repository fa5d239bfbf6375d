import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Descriptor, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import { eachBounded } from '../../src/run/bounded.ts';
import { applyAll } from '../support/cleanup/apply-all.ts';
import { plainTarget } from '../support/cleanup/plain-target.ts';
import { createTestRuntime } from '../support/runtime.ts';
import { startRegistry } from './registry.ts';

const TAGS = 150;

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.length };
}

// A deletion in version 2 that meets a tag being written fails halfway: https://github.com/distribution/distribution/blob/v2.8.3/registry/storage/tagstore.go
it('many tags of an image that stays are really gone, also while a build pushes others', {
  timeout: 120_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'e2e-untag-'));
  stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
  const registry = stack.use(await startRegistry({ home, env: process.env }));
  const runtime = stack.use(await createTestRuntime({}));
  const target = await plainTarget(registry.host, 'team/app', runtime);
  const { repository } = target;
  const config = Buffer.from('{}');
  const blob = descriptorOf(MEDIA_TYPES.ociConfig, config);
  await repository.putBlob(blob, () => config);
  const mediaType = MEDIA_TYPES.ociManifest;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: blob, layers: [] }));
  const manifest = { descriptor: descriptorOf(mediaType, bytes), bytes };
  const { digest } = manifest.descriptor;
  await repository.put('v1.0.0', manifest);
  const tags = Array.from({ length: TAGS }, (_, at) => `pr-${at}`);
  await eachBounded(tags, 16, async (tag) => {
    await repository.put(tag, manifest);
  });
  let isDone = false;
  const build = (async () => {
    let pushes = 0;
    for (; !isDone; pushes += 1) await repository.put(`build-${pushes % 5}`, manifest);
    return pushes;
  })();
  const { results, errors } = await applyAll(
    target,
    tags.map((tag) => ({ action: 'untag', tag, digest })),
    runtime,
  );
  isDone = true;
  expect(await build).toBeGreaterThan(10);
  expect(errors).toEqual([]);
  expect(results.map(({ outcome }) => outcome)).toEqual(tags.map(() => 'done'));
  const left = (await repository.listTags()).filter((tag) => !tag.startsWith('build-'));
  expect(left).toEqual(['v1.0.0']);
  for (const tag of await repository.listTags()) expect((await repository.head(tag))?.digest).toBe(digest);
});
