import { ActionError } from '../errors/action-error.ts';
import type { CreateRepository } from '../inputs/create-repository.ts';
import type { RepositoryManagement } from '../registries/management-port.ts';
import type { Support } from '../registries/vendor.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Destination } from './targets.ts';

/** Options of a preflight. */
export interface PreflightInputs {
  readonly createRepository: CreateRepository;
  readonly dryRun: boolean;
}

/**
 * Checks before the build whether a registry will accept the push: creates the repository if requested, queries the
 * vendor's API (quota, lock, missing link, rights), and checks push rights by token or probe.
 * @param moves tags that currently point elsewhere
 * @param probe false: no test upload
 * @returns doubts as sentences, for warnings
 * @throws ActionError with the reason that would stop the push
 */
export async function askAdmission(
  runtime: Runtime,
  inputs: PreflightInputs,
  { image, repository, registry }: Destination,
  moves: readonly string[],
  { probe = true }: { readonly probe?: boolean } = {},
): Promise<readonly string[]> {
  const managed = registry.manage(repository.name);
  const created = inputs.createRepository.wanted
    ? await create(runtime, inputs, { image, repository, registry }, managed)
    : [];
  if (created === 'planned') return [];
  const doubts = await managed.preflight();
  const frozen = moves.length === 0 ? [] : await managed.frozen(moves);
  if (frozen.length > 0) {
    throw new ActionError(
      'TAG_IMMUTABLE',
      `${image} has immutable tags (${registry.vendor.title}), and this run would move ${frozen.join(', ')}.`,
      { facts: { registry: repository.host, repository: repository.name, operation: 'push' } },
    );
  }
  await repository.checkPush({ probe: probe && registry.vendor.probesPush === true && !inputs.dryRun });
  return [...created, ...doubts].map((doubt) => `${image}: ${doubt}`);
}

/**
 * Creates a missing repository.
 * @returns doubts as sentences; `planned` in a dry run that would create it, which ends the checks
 */
async function create(
  runtime: Runtime,
  inputs: PreflightInputs,
  { image, repository, registry }: Destination,
  managed: RepositoryManagement,
): Promise<readonly string[] | 'planned'> {
  const { createRepository: creation } = inputs;
  const attributes = creation.wanted ? creation.attributes : {};
  const written = creation.wanted ? creation.written : undefined;
  const support: Support = registry.vendor.capabilities['create-repository'];
  // If the first push creates it, nothing has to be done, but settings would be ignored silently.
  const isByPush = typeof support === 'object' && 'lacks' in support;
  if (isByPush && Object.keys(attributes).length === 0) return [];
  if (await managed.exists()) return [];
  if (inputs.dryRun) {
    runtime.log.info(`create   ${image}: the repository does not exist yet.`);
    return 'planned';
  }
  const made = await managed.create(attributes);
  repository.renewAccess();
  runtime.log.info(made === 'created' ? `Created the repository ${image}.` : `${image} exists by now.`);
  // Created concurrently, or by this run if the response was lost before the settings were applied.
  return made === 'exists' && written !== undefined
    ? [`the repository was created by something else during this run; check whether it has the settings ${written}.`]
    : [];
}
