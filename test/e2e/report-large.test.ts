import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isDigest } from '../../src/domain/digest.ts';
import { fieldsOf } from '../../src/domain/fields.ts';
import { type Descriptor, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { eachBounded } from '../../src/run/bounded.ts';
import { runAction } from '../support/action.ts';
import { plainTarget } from '../support/cleanup/plain-target.ts';
import { createTestRuntime } from '../support/runtime.ts';
import { startRegistry } from './registry.ts';

const INDEXES = 1000;
const SINGLE = 7000;
/** Indexes with two platforms each, and images of one. */
const MANIFESTS = INDEXES * 3 + SINGLE;
const LAYERS = 200;
const CONFIGS = 50;
const MAX_MEMORY_KB = 700 * 1024;

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  const digest: string = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (!isDigest(digest)) throw new Error(digest);
  return { mediaType, digest, size: bytes.length };
}

/** Bytes of all blobs in the storage folder of docker-registry, which keeps manifests as blobs as well. */
async function storedBytes(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name === 'data' && entry.parentPath.includes('/v2/blobs/'))
      sum += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}

it('ten thousand manifests: sizes as in the storage folder, at most two requests for each, little memory', async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'e2e-report-'));
  stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
  const registry = stack.use(await startRegistry({ home, env: process.env }));
  const runtime = stack.use(await createTestRuntime({}));
  const { repository } = await plainTarget(registry.host, 'team/app', runtime);
  const blob = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const descriptor = descriptorOf(mediaType, bytes);
    await repository.putBlob(descriptor, () => bytes);
    return descriptor;
  };
  const layers = await Promise.all(
    Array.from({ length: LAYERS }, (_, at) =>
      blob('application/vnd.oci.image.layer.v1.tar+gzip', Buffer.alloc(1000 + at * 37, `layer ${at} `)),
    ),
  );
  const configs = await Promise.all(
    Array.from({ length: CONFIGS }, (_, at) =>
      blob(
        MEDIA_TYPES.ociConfig,
        Buffer.from(JSON.stringify({ os: 'linux', created: new Date(1.7e12 + at * 8.64e7).toISOString() })),
      ),
    ),
  );
  const put = async (reference: string, body: object, mediaType: string): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
    const descriptor = descriptorOf(mediaType, bytes);
    await repository.put(reference === '' ? descriptor.digest : reference, { descriptor, bytes });
    return descriptor;
  };
  const image = (name: string, at: number) =>
    put(
      name,
      {
        config: configs[at % CONFIGS],
        // Some images list a layer twice.
        layers: [layers[at % LAYERS], layers[(at * 7) % LAYERS], layers[at % LAYERS]],
        annotations: { at: String(at) },
      },
      MEDIA_TYPES.ociManifest,
    );
  await eachBounded(
    Array.from({ length: SINGLE }, (_, at) => at),
    16,
    async (at) => void (await image(`single-${at}`, at)),
  );
  await eachBounded(
    Array.from({ length: INDEXES }, (_, at) => at),
    16,
    async (at) => {
      const children = [await image('', SINGLE + at * 2), await image('', SINGLE + at * 2 + 1)];
      const manifests = children.map((child, index) => ({
        ...child,
        platform: { os: 'linux', architecture: index === 0 ? 'amd64' : 'arm64' },
      }));
      await put(`index-${at}`, { manifests }, MEDIA_TYPES.ociIndex);
    },
  );
  await registry.mark();

  let memory = 0;
  const run = await runAction({
    inputs: {
      command: 'report',
      images: `${registry.host}/team/app`,
      watch: 'single-1,index-1',
      'metrics-file': 'm.prom',
    },
    timeout: 600_000,
    onSpawn: ({ pid }) => {
      const watch = async () => {
        for (let status = ''; ; await sleep(100)) {
          status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
          if (status === '') return;
          memory = Math.max(memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
        }
      };
      void watch();
    },
  });
  stack.defer(run.dispose);
  expect(run.exitCode, run.log.slice(-2000)).toBe(0);
  const whole = fieldsOf(JSON.parse(await readFile(run.outputs['json-file'] ?? '', 'utf8')));
  const { counts, sizes } = fieldsOf(Array.isArray(whole.repositories) ? whole.repositories[0] : undefined);
  expect(counts).toMatchObject({ images: INDEXES + SINGLE, tags: INDEXES + SINGLE, manifests: MANIFESTS, broken: 0 });
  expect(sizes).toMatchObject({ isExact: true, distinct: await storedBytes(home) });
  const requests = await registry.requests();
  console.log(`${requests.length} requests, ${Math.round(memory / 1024)} MiB`);
  expect(requests.length).toBeLessThanOrEqual(2 * MANIFESTS);
  expect(memory).toBeLessThan(MAX_MEMORY_KB);
  // Metrics of watched images only: their number does not grow with the registry.
  const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
  expect(metrics.split('\n').length).toBeLessThan(150);
  expect(Buffer.byteLength(run.summary)).toBeLessThan(100_000);
}, 900_000);
