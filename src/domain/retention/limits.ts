import type { RegistryTraits } from './inventory.ts';
import { goes, keepItem } from './items.ts';
import type { PlanProblem, Reason } from './plan.ts';
import type { Limit, Limits } from './policy.ts';
import { byAge, type RootOutcome, rootTime } from './root-outcome.ts';

/**
 * Takes out of a plan what its limits do not allow: the newest and the last tagged image stay, too many tags stop the
 * repository, too many deletions are left for the next run.
 * @returns problems, of which one may stop the repository, and how many roots are left for the next run
 */
export function applyLimits(
  outcomes: readonly RootOutcome[],
  limits: Limits,
  traits: RegistryTraits,
): { readonly problems: readonly PlanProblem[]; readonly left: number } {
  const problems: PlanProblem[] = [...keepLastTagged(outcomes, limits, traits)];
  const items = outcomes.flatMap((outcome) => outcome.items).filter(({ tag }) => tag !== undefined);
  const tagsGoing = items.filter((item) => goes(item)).length;
  const tagsAllowed = allowed(limits.tagged, items.length);
  if (tagsGoing > tagsAllowed) {
    const needed = Math.min(100, Math.ceil((tagsGoing * 100) / Math.max(1, items.length)));
    problems.push({
      severity: 'stop',
      code: 'limit-exceeded',
      message: `${tagsGoing} of ${items.length} tags would go, and \`limits.tagged\` allows ${shownLimit(limits.tagged)}. ${allow(`tagged: ${needed}%`)}`,
    });
  }

  const deleted = () => outcomes.filter(({ action }) => action === 'delete');
  const untagged = outcomes.filter(({ node }) => node.tags.length === 0).length;
  const untaggedGoing = deleted().filter(({ node }) => node.tags.length === 0);
  const overUntagged = untaggedGoing.sort(byAge).slice(allowed(limits.untagged, untagged));
  const stops = (count: number, name: string, limit: Limit | undefined) => {
    problems.push({
      severity: 'stop',
      code: 'limit-exceeded',
      message: `${count} images would go, and \`limits.${name}\` allows ${shownLimit(limit)}. To delete the oldest first, ${place('on-exceed: batch')}.`,
    });
  };
  if (overUntagged.length > 0 && limits.onExceed === 'stop') stops(untaggedGoing.length, 'untagged', limits.untagged);
  if (limits.onExceed === 'batch') leave(overUntagged);
  const all = deleted().sort(byAge);
  const over = limits.max === undefined ? [] : all.slice(limits.max);
  if (over.length > 0 && limits.onExceed === 'stop') stops(all.length, 'max', { count: limits.max ?? 0 });
  if (limits.onExceed === 'batch') leave(over);
  const left = limits.onExceed === 'batch' ? overUntagged.length + over.length : 0;
  if (left > 0) {
    problems.push({
      severity: 'warning',
      code: 'batched',
      message: `${left} more images are due and left for the next run, because of \`limits\`.`,
    });
  }
  return { problems, left };
}

/** Where a limit is written: one of an entry for the repository counts instead of the default. */
const place = (setting: string) =>
  `write \`limits: { ${setting} }\` under \`defaults\` of the policy, or in the entry of \`repositories\` that has limits of its own`;
const allow = (setting: string) => `If the plan is right, ${place(setting)}.`;

function allowed(limit: Limit | undefined, total: number): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return 'count' in limit ? limit.count : Math.floor((total * limit.percent) / 100);
}

function shownLimit(limit: Limit | undefined): string {
  if (limit === undefined) return 'any number';
  return 'count' in limit ? `${limit.count}` : `${limit.percent}%`;
}

function leave(outcomes: readonly RootOutcome[]): void {
  for (const outcome of outcomes) stay(outcome, { code: 'limit', text: 'due, and left for the next run by `limits`' });
}

function stay(outcome: RootOutcome, reason: Reason): void {
  outcome.action = 'keep';
  for (const item of outcome.items) keepItem(item, reason);
}

/** Keeps the newest tagged image, and as many as the limits or the registry want. */
function keepLastTagged(
  outcomes: readonly RootOutcome[],
  { minTaggedLeft, keepNewestImage }: Limits,
  { lastTaggedIsUndeletable, vendor }: RegistryTraits,
): readonly PlanProblem[] {
  const tagged = outcomes.filter(({ node }) => node.tags.length > 0);
  const newestFirst = (list: readonly RootOutcome[]) =>
    list.toSorted((a, b) => (rootTime(b) ?? 0) - (rootTime(a) ?? 0) || a.node.index - b.node.index);
  const going = newestFirst(tagged.filter(({ action }) => action === 'delete'));
  const staying = tagged.filter(({ action }) => action !== 'delete');
  const problems: PlanProblem[] = [];
  const [newest] = going;
  if (newest === undefined) return problems;
  const newestTime = rootTime(newest);
  const isNewest = newestTime !== undefined && staying.every((other) => (rootTime(other) ?? 0) < newestTime);
  if (keepNewestImage && isNewest) {
    stay(newest, { code: 'newest-image', text: 'the newest tagged image always stays' });
    staying.push(newest);
    going.shift();
  }
  const missing = minTaggedLeft - staying.length;
  const last = missing > 0 ? going.splice(0, missing) : [];
  for (const outcome of last) {
    stay(outcome, { code: 'last-tagged', text: `\`min-tagged-left\` is ${minTaggedLeft}` });
    staying.push(outcome);
  }
  if (staying.length === 0 && lastTaggedIsUndeletable && going[0] !== undefined) {
    stay(going[0], { code: 'blocked', text: 'the last tagged version of a package cannot be deleted' });
    problems.push({
      severity: 'warning',
      code: 'blocked',
      message: `${vendor} does not delete the last tagged version of a package, so ${going[0].items[0]?.tag?.name} stays.`,
    });
  }
  return problems;
}
