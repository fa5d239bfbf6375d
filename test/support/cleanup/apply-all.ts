import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { applySteps } from '../../../src/run/deletion/apply-steps.ts';
import type { CleanupTarget } from '../../../src/run/inventory/collected.ts';
import type { InventoryOptions } from '../../../src/run/inventory/read-inventory.ts';

/** Applies steps where nothing is in use. */
export function applyAll(target: CleanupTarget, steps: readonly PlanStep[], options: InventoryOptions) {
  return applySteps(target, { repository: target.image.name, steps }, { images: [], unreadable: [] }, options);
}
