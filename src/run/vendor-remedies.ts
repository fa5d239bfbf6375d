import type { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import { type Situation, stepsFor } from '../errors/remedy.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import { vendorOf } from '../registries/vendors.ts';

/**
 * Codes that the action also raises by itself, from what a registry holds: then no setting of the registry helps. Where the
 * registry refused, the error has its operation.
 */
const OWN_DECISIONS: ReadonlySet<ErrorCode> = new Set(['TAG_IMMUTABLE']);

/**
 * The error with the steps for the kind of registry that it is about and for what was being done there (P10). An error that
 * is about no registry, or that the vendor has no steps of its own for, keeps those of the catalogue.
 */
export function withVendorRemedy(
  error: ActionError,
  command: Situation,
  types: RegistrySettings['types'],
): ActionError {
  const { registry, operation } = error.facts;
  const promotes = command === 'promote' && (operation === 'push' || operation === undefined);
  const situation = promotes ? 'promote' : (operation ?? command);
  const general = error.stepsFor(situation);
  // Steps of its own fit the error better than any table.
  if (general === undefined) return error;
  const isOwn = operation === undefined && OWN_DECISIONS.has(error.code);
  if (registry === undefined || isOwn) return error.withRemedy(general);
  const { remedies } = vendorOf(registry, types);
  return error.withRemedy(stepsFor(remedies[error.code], situation) ?? general);
}
