import fc from 'fast-check';
import { checkCleanup } from '../unit/domain/retention/cleanup-properties.ts';
import { randomCleanup } from '../unit/domain/retention/random-cleanup.ts';

// The promises of a clean-up on random repositories: `npm run test:property -- [cases] [seed]`. Most are small, because small
// ones have every kind of graph; some have up to 10,000 manifests.
const cases = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
console.log(`${cases} cases, seed ${seed}`);

for (const { size, share } of [
  { size: 6, share: 0.8 },
  { size: 20, share: 0.19 },
  { size: 300, share: 0.0099 },
  { size: 10_000, share: 0.0001 },
]) {
  const numRuns = Math.max(1, Math.round(cases * share));
  const started = Date.now();
  let deleted = 0;
  fc.assert(
    fc.property(randomCleanup(size), (cleanup) => {
      deleted += checkCleanup(cleanup).deleted;
    }),
    { numRuns, seed, endOnFailure: size > 100 },
  );
  console.log(`up to ${size} manifests: ${numRuns} cases, ${deleted} deletions, ${Date.now() - started} ms`);
}
