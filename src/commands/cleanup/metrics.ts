import { sample } from '../../report/metrics/catalogue.ts';
import { imageTitle, withoutHost } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import { countsOf } from './counts.ts';
import type { CleanupResult, RepositoryResult } from './result.ts';

/** The metrics of a cleanup. A dry run deletes nothing, and its numbers are zero. */
export function cleanupMetrics({ repositories, isDryRun }: CleanupResult): CommandMetrics {
  const image = imageTitle(repositories.map(({ plan }) => plan.repository));
  const samples = repositories.flatMap((each) => {
    const { repository: name } = each.plan;
    const repository = withoutHost(name);
    const labels = { command: 'cleanup', image, registry: hostOf(name, repository), repository };
    const isDone = !isDryRun && each.report !== undefined;
    const { deletedManifests, deletedTags, freedBytes } = countsOf(each);
    return [
      sample('registry_action_target_success', labels, isFailed(each) ? 0 : 1),
      sample('registry_action_deleted_manifests', labels, isDone ? deletedManifests : 0),
      sample('registry_action_deleted_tags', labels, isDone ? deletedTags : 0),
      sample('registry_action_freed_bytes', labels, isDone ? freedBytes : 0),
    ];
  });
  return { image, samples };
}

const hostOf = (name: string, repository: string) => name.slice(0, Math.max(0, name.length - repository.length - 1));

function isFailed({ plan, report }: RepositoryResult): boolean {
  const isStopped = plan.problems.some(({ severity }) => severity !== 'warning') || report?.stopped !== undefined;
  return isStopped || (report !== undefined && report.errors.length + report.broken.length > 0);
}
