import { ActionError } from '../errors/action-error.ts';
import type { CreateRepository } from '../inputs/create-repository.ts';
import type { RepositoryManagement } from '../registries/management-port.ts';
import type { Support } from '../registries/vendor.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Destination } from './targets.ts';

/** What a pre-flight goes by. */
export interface PreflightInputs {
  readonly createRepository: CreateRepository;
  readonly dryRun: boolean;
}

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
 * Creates the repository where it is missing.
 * @returns sentences of doubt; `planned` in a dry run that would create it, after which there is nothing more to ask
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
  // Where the first push creates it, there is nothing to do; settings would be dropped without a word.
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
  // Created by something else in between, or by this run, whose response was lost before the settings were made.
  return made === 'exists' && written !== undefined
    ? [`the repository was created by something else during this run; check whether it has the settings ${written}.`]
    : [];
}
