import { looksLikeVersion, strictVersion, type TagPattern } from '../patterns/tag-pattern.ts';
import { goes, type Item } from './items.ts';
import type { PlanProblem } from './plan.ts';
import type { CleanupPolicy, RepositoryPolicy } from './policy.ts';

const MAX_NAMED = 5;

/** Where strict semantic versions surprise people: tags that look like one and are none, and `rc10` that is lower than `rc9`. */
export function versionProblems(
  roots: readonly (readonly Item[])[],
  policy: CleanupPolicy,
  own: RepositoryPolicy,
): readonly PlanProblem[] {
  const items = roots.flat();
  const problems: PlanProblem[] = [];
  const isRange = ({ kind }: TagPattern) => kind === 'semver';
  const protectsRange = [...(policy.protect.tags ?? []), ...own.protect.tags].some(isRange);
  if (protectsRange) {
    const lost = items.filter((item) => item.tag !== undefined && goes(item) && looksLikeVersion(item.tag.name));
    if (lost.length > 0) {
      problems.push({
        severity: 'warning',
        code: 'looks-like-version',
        message: `${lost.length} tags look like versions and go, because \`semver\` takes only versions such as 1.2.3: ${namesOf(lost)}.`,
      });
    }
  }
  for (const { name, select, keep, remove } of own.rules) {
    if (remove?.newest?.by !== 'semver' && keep?.newest?.by !== 'semver') continue;
    const words = new Map<string, { readonly digits: Set<number>; readonly tags: string[] }>();
    for (const { tag } of select.tagged ? items : []) {
      const version = tag === undefined ? undefined : strictVersion(tag.name);
      const last = version?.prerelease.at(-1);
      const [, word, number] = /^([A-Za-z-]+)(\d+)$/.exec(String(last ?? '')) ?? [];
      if (version === undefined || tag === undefined || word === undefined || number === undefined) continue;
      const key = `${version.major}.${version.minor}.${version.patch}-${word}`;
      const before = words.get(key) ?? { digits: new Set(), tags: [] };
      before.digits.add(number.length);
      before.tags.push(tag.name);
      words.set(key, before);
    }
    const mixed = [...words.values()].find(({ digits }) => digits.size > 1);
    if (mixed === undefined) continue;
    problems.push({
      severity: 'warning',
      code: 'numeric-prerelease',
      message: `The rule "${name}" orders by semver, where ${mixed.tags.slice(0, 2).join(' and ')} compare as text, so that 10 comes before 9. \`by: pushed\` or \`by: name\` orders them by time or number.`,
    });
  }
  return problems;
}

function namesOf(items: readonly Item[]): string {
  const names = items.slice(0, MAX_NAMED).flatMap(({ tag }) => tag?.name ?? []);
  return items.length > MAX_NAMED ? `${names.join(', ')}, …` : names.join(', ');
}
