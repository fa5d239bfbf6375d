import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import type { ListedImage } from '../../../src/registries/vendor.ts';
import { VENDORS } from '../../../src/registries/vendors.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { plainTarget } from '../../support/cleanup/plain-target.ts';
import { createTestClock, createTestRuntime } from '../../support/runtime.ts';

const ROOTS = 25_000;
const digestOf = (number: number): Digest => `sha256:${number.toString(16).padStart(64, '0')}`;

/** Indexes of two platforms with a signature each: what a vendor's list says of a hundred thousand manifests. */
function* listed(): Generator<ListedImage> {
  for (let at = 0; at < ROOTS; at += 1) {
    const [index, amd64, arm64, signature] = [0, 1, 2, 3].map((part) => digestOf(at * 4 + part));
    if (index === undefined || amd64 === undefined || arm64 === undefined || signature === undefined) return;
    const platform = { tags: [], mediaType: MEDIA_TYPES.ociManifest, size: 10, children: [] };
    yield { digest: index, tags: [`v${at}`], mediaType: MEDIA_TYPES.ociIndex, children: [amd64, arm64] };
    yield { digest: amd64, ...platform };
    yield { digest: arm64, ...platform };
    yield { digest: signature, ...platform, subject: index, artifactType: 'application/vnd.test.signature' };
  }
}

test('a hundred thousand listed manifests are read and planned against in seconds, without a request for any', async () => {
  const clock = createTestClock();
  const runtime = await createTestRuntime({ clock });
  const plain = await plainTarget('127.0.0.1:9', 'team/app', runtime);
  let deleted = 0;
  const target = {
    ...plain,
    vendor: VENDORS.harbor,
    repository: { ...plain.repository, head: async () => undefined, listTags: async () => [] },
    managed: {
      ...plain.managed,
      list: async function* () {
        yield* listed();
      },
      deleteDigest: async () => {
        deleted += 1;
        return 'deleted' as const;
      },
      currentTags: async (digest: Digest) =>
        digest.endsWith('0') ? [`v${Number.parseInt(digest.slice(7), 16) / 4}`] : [],
    },
  };
  const start = performance.now();
  const reading = await readInventory(target, runtime);
  expect(reading.inventory.gaps).toEqual([]);
  expect(reading.inventory.manifests).toHaveLength(ROOTS * 4);
  expect(reading.requests).toBe(0);
  const half = Array.from({ length: ROOTS / 2 }, (_, at) => at * 8);
  const steps: PlanStep[] = half.flatMap((at): PlanStep[] => [
    { action: 'delete', digest: digestOf(at), role: 'root', tags: [`v${at / 4}`] },
    ...[1, 2, 3].map((part): PlanStep => ({ action: 'delete', digest: digestOf(at + part), role: 'child', tags: [] })),
  ]);
  const report = await applyAll(target, steps, runtime);
  expect(report.errors).toEqual([]);
  expect(deleted).toBe(steps.length);
  // It takes about two seconds on one processor: quadratic work would take minutes.
  expect(performance.now() - start).toBeLessThan(60_000);
  await runtime.dispose();
}, 120_000);
