/**
 * The seed of tests with random cases: another one in each run, so that a fault shows some day. It is printed; to run the same
 * cases again, set `PROPERTY_SEED`.
 */
export function propertySeed(): number {
  return SEED;
}

const given = Number(process.env.PROPERTY_SEED);
const SEED = Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 1_000_000_000;
console.info(`Random cases: PROPERTY_SEED=${SEED}`);
