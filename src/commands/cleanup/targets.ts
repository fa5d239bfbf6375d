import type { ReadTarget } from '../../run/in-use/read-in-use.ts';
import { type OpenTarget, withExistence } from '../../run/inventory/open-targets.ts';
import { type InventoryReading, readInventory } from '../../run/inventory/read-inventory.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** What to do when a repository has nothing. */
const CHECK_NAME = 'Check the name in `images` or in the policy, and remove a repository that has nothing to clean up.';

/**
 * Reads what the repositories have, one after the other, so that a rate limit is met by one of them. What cannot be read is a gap in
 * the inventory.
 * @param known what an earlier reading of them found
 */
export async function readTargets(
  { clock, log }: Runtime,
  targets: readonly OpenTarget[],
  known: ReadonlyMap<string, InventoryReading> = new Map(),
): Promise<readonly ReadTarget[]> {
  const read: ReadTarget[] = [];
  for (const each of targets) {
    const facts = known.get(each.name.name)?.facts;
    const reading = await readInventory(each.target, { clock, log, ...(facts === undefined ? {} : { known: facts }) });
    read.push({ ...each, reading: await withExistence(each, reading, CHECK_NAME) });
  }
  return read;
}
