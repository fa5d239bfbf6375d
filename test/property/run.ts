import fc from 'fast-check';
import { checkCleanup } from '../unit/domain/retention/cleanup-properties.ts';
import { NATIVE_PROPERTIES } from '../unit/domain/retention/native-properties.ts';
import { randomCleanup } from '../unit/domain/retention/random-cleanup.ts';

// The promises of a cleanup on random repositories: `npm run test:property -- [cases] [seed] [words of a promise]`. Most are
// small, because small ones have every kind of graph; some have up to 10,000 manifests. As many cases again for the rules that
// registries have themselves.
const cases = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
const only = process.argv[4] ?? '';
console.log(`${cases} cases, seed ${seed}`);

const SIZES = [
  { size: 6, share: 0.8 },
  { size: 20, share: 0.19 },
  { size: 300, share: 0.0099 },
  { size: 10_000, share: 0.0001 },
];
for (const { size, share } of SIZES) {
  const name = `up to ${size} manifests`;
  if (!name.includes(only)) continue;
  const numRuns = Math.max(1, Math.round(cases * share));
  const started = Date.now();
  let deleted = 0;
  fc.assert(
    fc.property(randomCleanup(size), (cleanup) => {
      deleted += checkCleanup(cleanup).deleted;
    }),
    { numRuns, seed, endOnFailure: size > 100 },
  );
  console.log(`${name}: ${numRuns} cases, ${deleted} deletions, ${Date.now() - started} ms`);
}

for (const { name, check } of NATIVE_PROPERTIES.filter((each) => each.name.includes(only))) {
  const numRuns = Math.ceil(cases / NATIVE_PROPERTIES.length);
  const started = Date.now();
  let deleted = 0;
  const property = check((removed) => {
    deleted += removed;
  });
  fc.assert(property, { numRuns, seed });
  console.log(`${name}: ${numRuns} cases, ${deleted} deletions, ${Date.now() - started} ms`);
}
