import { setFlagsFromString } from 'node:v8';

/** Node of action.yml. With another one the flags were never tried. */
const MEASURED_NODE = 'v24.';

/**
 * Keeps the heap close to what is in use: without this, ten thousand small responses make the space for new objects grow to
 * its maximum, which promotes garbage, and the process takes 110 MiB more than it uses. For commands that read many
 * manifests. Costs no measurable time for 10,000 tags, and 6 % for 100,000 (`npm run bench -- cleanup`).
 *
 * These are internals of V8, set after its start, and V8 would not accept a factor of 1 there: so they are set only in the Node
 * whose behaviour a test checks. A version that does not know a flag says so on stderr, and goes on.
 * https://nodejs.org/api/v8.html#v8setflagsfromstringflags
 * @returns whether they are set
 */
export function keepHeapSmall(version = process.version): boolean {
  if (!version.startsWith(MEASURED_NODE)) return false;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=40');
  return true;
}
