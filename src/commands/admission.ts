import { ActionError } from '../errors/action-error.ts';
import { createAttributes } from '../inputs/create-repository.ts';
import type { Inputs } from '../inputs/parse.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Destination } from './destinations.ts';

/**
 * Asks a registry, before the build, whether it will take the push: makes the repository when that is asked for, hears what
 * the vendor's own API knows (quota, lock, missing link, rights), and whether the token or a probe lets a push in.
 * @param moves tags that hold something else now
 * @param probe false: what begins an upload is left out
 * @returns sentences of doubt, for warnings
 * @throws ActionError with the reason that would stop the push
 */
export async function askAdmission(
  runtime: Runtime,
  inputs: Inputs,
  { image, repository, registry }: Destination,
  moves: readonly string[],
  { probe = true }: { readonly probe?: boolean } = {},
): Promise<readonly string[]> {
  const managed = registry.manage(repository.name);
  const wish = inputs['create-repository'];
  const create = wish === true || typeof wish === 'string';
  const missing = create && !(await managed.exists());
  if (missing && inputs['dry-run']) {
    runtime.log.info(`create   ${image}: the repository is not there yet.`);
    return [];
  }
  const unsure: string[] = [];
  if (missing) {
    const settings = typeof wish === 'string' ? createAttributes(wish).value : {};
    const made = await managed.create(settings);
    runtime.log.info(made === 'created' ? `Made the repository ${image}.` : `${image} is there by now.`);
    // Made by somebody else meanwhile, or by this run, whose answer was lost before the settings were made.
    if (made === 'exists' && typeof wish === 'string') {
      unsure.push(`the repository came to be while it was asked for: look there whether it has the settings ${wish}.`);
    }
  }
  const doubts = await managed.preflight();
  const frozen = moves.length === 0 ? [] : await managed.frozen(moves);
  if (frozen.length > 0) {
    throw new ActionError(
      'TAG_IMMUTABLE',
      `${image} does not let tags move that it holds, and this run would move ${frozen.join(', ')}. Except them in the settings of the repository (${registry.vendor.title}), or leave them out of \`tags\`.`,
      { facts: { registry: repository.host, repository: repository.name } },
    );
  }
  await repository.checkPush({ probe: probe && registry.vendor.probesPush === true && !inputs['dry-run'] });
  return [...unsure, ...doubts].map((doubt) => `${image}: ${doubt}`);
}
