import { compareText } from '../../domain/compare-text.ts';
import { pie } from '../../report/pie.ts';
import { goneIn } from './counts.ts';
import type { RepositoryResult } from './result.ts';

/** More slices cannot be told apart. */
const MAX_SLICES = 8;

/**
 * A pie of the images: what each rule deletes or has deleted, and how many stay. The tables below it have the same numbers, for where diagrams
 * are not drawn. Empty when nothing goes or there is one slice only.
 */
export function renderChart(repositories: readonly RepositoryResult[]): string {
  const going = new Map<string, number>();
  let staying = 0;
  for (const each of repositories) {
    const { digests } = goneIn(each);
    for (const { role, digest, reason } of each.plan.manifests) {
      if (role !== 'root') continue;
      if (!digests.has(digest)) staying += 1;
      else {
        const name = reason.rule ?? reason.code;
        going.set(name, (going.get(name) ?? 0) + 1);
      }
    }
  }
  if (going.size === 0) return '';
  const sorted = [...going].toSorted(([a, m], [b, n]) => n - m || compareText(a, b));
  const rest = sorted.slice(MAX_SLICES - 2).reduce((sum, [, count]) => sum + count, 0);
  const slices = [
    ...(staying > 0 ? [['stay', staying] as const] : []),
    ...sorted.slice(0, MAX_SLICES - 2).map(([name, count]) => [`go: ${name}`, count] as const),
    ...(rest > 0 ? [['go: other rules', rest] as const] : []),
  ];
  if (slices.length < 2) return '';
  return pie('Images by what becomes of them', slices);
}
