import type { ImageName } from '../../domain/reference.ts';
import { findReferences } from '../../domain/retention/image-references.ts';
import type { InUse, InUseImage } from '../../domain/retention/in-use.ts';
import { readInUseList } from '../../domain/retention/in-use-list.ts';
import type { InUseRequest } from '../../domain/retention/policy.ts';
import type { RecordVerifier } from '../../evidence/signed-records.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import type { InventoryReading } from '../inventory/read-inventory.ts';
import { readGitHubDeployments } from './deployments.ts';
import { readPromotions } from './promotions.ts';
import { readWorkspaceFiles } from './workspace-files.ts';

/** A repository with its content. */
export interface ReadTarget {
  readonly name: ImageName;
  readonly target: CleanupTarget;
  readonly reading: InventoryReading;
}

/**
 * All images that a policy's sources report as in use. Sources that cannot be read are listed in `unreadable`, which
 * prevents deletions.
 * @param verify checks the signatures of promotion records
 * @throws ActionError CANCELLED
 */
export async function readInUse(
  requests: readonly InUseRequest[],
  targets: readonly ReadTarget[],
  { clock, workspace }: Pick<Runtime, 'clock' | 'workspace'>,
  api: GitHubApi | undefined,
  verify?: RecordVerifier,
): Promise<InUse> {
  const found: InUse[] = [];
  for (const request of requests) {
    if (request.kind === 'promotions') {
      // Unreadable repositories are not cleaned up anyway.
      const readable = targets.filter(({ reading }) => reading.inventory.gaps.length === 0);
      const read = readable.map(({ target, reading }) => readPromotions(target, reading, request, clock.now(), verify));
      found.push(...(await Promise.all(read)));
    } else if (request.kind === 'github-deployments') {
      const inventories = targets.map(({ reading }) => reading.inventory);
      found.push(await readGitHubDeployments(api, request.environments, inventories));
    } else found.push(await readFiles(request, targets, workspace));
  }
  return {
    images: found.flatMap(({ images }) => images),
    unreadable: found.flatMap(({ unreadable }) => unreadable),
  };
}

async function readFiles(
  request: Extract<InUseRequest, { readonly kind: 'files' | 'list' }>,
  targets: readonly ReadTarget[],
  workspace: string,
): Promise<InUse> {
  const { files, unreadable } = await readWorkspaceFiles(workspace, request);
  const names = targets.map(({ name }) => name);
  const images: InUseImage[] = [];
  const unclear: InUse['unreadable'][number][] = [...unreadable];
  const kind = request.kind === 'list' ? 'list' : 'other';
  for (const file of files) {
    const found =
      request.kind === 'list'
        ? readInUseList(
            file,
            names.map(({ name }) => name),
          )
        : findReferences(file, names);
    images.push(...found.images);
    unclear.push(...found.unclear.map(({ where, reason }) => ({ source: { kind, where } as const, reason })));
  }
  return { images, unreadable: unclear };
}
