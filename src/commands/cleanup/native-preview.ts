import { shortDigest } from '../../domain/digest.ts';
import { widerThanPlan } from '../../domain/retention/native/compare.ts';
import type { CleanupPlan, NativeRulesPlan } from '../../domain/retention/plan.ts';
import type { RetentionPreview } from '../../registries/vendor.ts';

/**
 * What the registry itself says that it would delete, and the plan keeps or does not know.
 * @param plan of the present state of the repositories
 */
export function checkPreview(
  preview: RetentionPreview,
  { scope, repositories, rules }: NativeRulesPlan,
  plan: CleanupPlan,
): readonly string[] {
  const own = plan.repositories.filter(({ repository }) => repositories.includes(repository));
  if (preview.kind === 'counts') {
    const isGiven = (name: string) => rules.some(({ repository, fit }) => repository === name && fit !== 'impossible');
    return own.flatMap((repository) => {
      const count = preview.deleted.get(repository.repository.slice(scope.length + 1));
      if (count === undefined) {
        return isGiven(repository.repository) && repository.manifests.length > 0
          ? [`an unknown number of images of ${repository.repository}: the dry run has no result for it`]
          : [];
      }
      const roots = repository.manifests.filter(({ role, action }) => role === 'root' && action === 'delete');
      return count > roots.length
        ? [`${count} images of ${repository.repository}, of which ${roots.length} go by the plan`]
        : [];
    });
  }
  return own.flatMap((repository) => {
    const known = new Set<string>(repository.manifests.map(({ digest }) => digest));
    const unknown = [...preview.digests].filter((digest) => !known.has(digest));
    return [
      ...widerThanPlan(preview, repository),
      ...unknown.map((digest) => `${shortDigest(digest)}, which is not in the plan`),
    ];
  });
}
