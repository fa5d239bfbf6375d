import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Digest, isDigest } from '../../src/domain/digest.ts';
import { type Descriptor, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { eachBounded } from '../../src/run/bounded.ts';
import { readInventory } from '../../src/run/inventory/read-inventory.ts';
import { plainTarget } from '../support/cleanup/plain-target.ts';
import { createTestRuntime } from '../support/runtime.ts';
import { startRegistry } from './registry.ts';

const TAGS = 10_000;
const TWO_MINUTES = 120_000;
/** Of the process's memory, above what it had before. */
const MAX_BYTES = 200 * 1024 * 1024;

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  const digest: string = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (!isDigest(digest)) throw new Error(digest);
  return { mediaType, digest, size: bytes.length };
}

it('ten thousand tags are read within two minutes, with one request for each and little memory', async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'e2e-large-'));
  stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
  const registry = stack.use(await startRegistry({ home, env: process.env }));
  const runtime = stack.use(await createTestRuntime({}));
  const target = await plainTarget(registry.host, 'team/app', runtime);
  const config = Buffer.from('{}');
  const blob = descriptorOf(MEDIA_TYPES.ociConfig, config);
  await target.repository.putBlob(blob, () => config);
  const digests = new Map<string, Digest>();
  await eachBounded(
    Array.from({ length: TAGS }, (_, at) => `tag-${at}`),
    32,
    async (tag) => {
      const mediaType = MEDIA_TYPES.ociManifest;
      const manifest = { schemaVersion: 2, mediaType, config: blob, layers: [], annotations: { tag } };
      const bytes = Buffer.from(JSON.stringify(manifest));
      const descriptor = descriptorOf(mediaType, bytes);
      digests.set(tag, descriptor.digest);
      await target.repository.put(tag, { descriptor, bytes });
    },
  );
  await registry.mark();
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const start = performance.now();
  const { inventory, errors, requests } = await readInventory(target, runtime);
  const milliseconds = performance.now() - start;
  const grown = process.memoryUsage.rss() - before;
  expect(errors).toEqual([]);
  expect(inventory.tags).toHaveLength(TAGS);
  for (const { name, digest } of inventory.tags) expect(digest).toBe(digests.get(name));
  expect(requests).toBe(TAGS);
  const manifests = (await registry.requests()).filter(({ path }) => path.includes('/manifests/'));
  expect(manifests).toHaveLength(TAGS);
  console.log(
    `${TAGS} tags in ${(milliseconds / 1000).toFixed(1)} s, ${(grown / 1024 / 1024).toFixed(0)} MiB more memory`,
  );
  expect(milliseconds).toBeLessThan(TWO_MINUTES);
  expect(grown).toBeLessThan(MAX_BYTES);
});
