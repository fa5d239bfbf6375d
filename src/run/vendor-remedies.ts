import type { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import { type Situation, stepsFor } from '../errors/remedy.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import { vendorOf } from '../registries/vendors.ts';

/**
 * Codes that the action also raises itself, based on the content of a registry, for which no registry setting helps.
 * Errors from the registry include their operation.
 */
const OWN_DECISIONS: ReadonlySet<ErrorCode> = new Set(['TAG_IMMUTABLE']);

/**
 * Adds remedies for the kind of registry and operation of an error (P10). Errors without a registry, or without vendor
 * remedies, keep those of the catalogue.
 */
export function withVendorRemedy(
  error: ActionError,
  command: Situation,
  types: RegistrySettings['types'],
): ActionError {
  const { registry, operation } = error.facts;
  const promotes = command === 'promote' && (operation === 'push' || operation === undefined);
  // Neither a pull nor a push: the rights to read and to change settings.
  const setsUp = command === 'setup' && operation !== 'login';
  const situation = promotes ? 'promote' : setsUp ? 'setup' : (operation ?? command);
  const general = error.stepsFor(situation);
  // Remedies attached to the error fit better than any table.
  if (general === undefined) return error;
  const isOwn = operation === undefined && OWN_DECISIONS.has(error.code);
  if (registry === undefined || isOwn) return error.withRemedy(general);
  const { remedies } = vendorOf(registry, types);
  return error.withRemedy(stepsFor(remedies[error.code], situation) ?? general);
}
