import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertySeed } from '../../../support/property-seed.ts';
import { checkCleanup } from './cleanup-properties.ts';
import { randomCleanup } from './random-cleanup.ts';

// 100,000 cases: `npm run test:property`.
test.each([
  { size: 6, runs: 9000 },
  { size: 20, runs: 1000 },
  { size: 300, runs: 100 },
  { size: 10_000, runs: 2 },
])('$runs random repositories of up to $size manifests keep all promises', { timeout: 300_000 }, ({ size, runs }) => {
  let deletions = 0;
  let untags = 0;
  fc.assert(
    fc.property(randomCleanup(size), (cleanup) => {
      const { deleted, untagged } = checkCleanup(cleanup);
      deletions += deleted;
      untags += untagged;
    }),
    { numRuns: runs, seed: propertySeed() },
  );
  // A planner that never deletes would pass as well. Two repositories may have nothing to delete.
  if (runs < 100) return;
  expect(deletions).toBeGreaterThan(runs / 10);
  expect(untags).toBeGreaterThan(runs / 100);
});
