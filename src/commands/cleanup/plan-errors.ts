import type { InUse } from '../../domain/retention/in-use.ts';
import type { CleanupPlan, PlanProblem } from '../../domain/retention/plan.ts';
import { sentence } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';

/** Problems with errors of their own: what could not be read. */
const TOLD_APART: readonly PlanProblem['code'][] = ['inventory-incomplete', 'in-use-unreadable'];

/** What of a plan fails the run: each problem once, with the errors behind repositories and sources that could not be read. */
export function planErrors(
  plan: CleanupPlan,
  { unread, inUse }: { readonly unread: readonly ActionError[]; readonly inUse: InUse },
): readonly ActionError[] {
  const unknown = [
    ...new Set(inUse.unreadable.map(({ source, reason }) => `it is unknown what ${source.where} uses: ${reason}`)),
  ];
  const isTold = (problem: PlanProblem) =>
    (problem.code === 'in-use-unreadable' && unknown.length > 0) ||
    (problem.code === 'inventory-incomplete' && unread.length > 0);
  const problems = [
    ...plan.problems.map((problem) => ({ problem, where: '' })),
    ...plan.repositories.flatMap(({ repository, problems: own }) =>
      own.map((problem) => ({ problem, where: repository })),
    ),
    ...(plan.nativeRules ?? []).flatMap(({ problems: own }) => own.map((problem) => ({ problem, where: '' }))),
  ].filter(({ problem }) => problem.severity !== 'warning' && !(TOLD_APART.includes(problem.code) && isTold(problem)));
  const texts = [
    ...unknown.map((text) => `Nothing is deleted: ${sentence(text)}`),
    ...problems.map(({ problem, where }) => (where === '' ? problem.message : `${where}: ${problem.message}`)),
  ];
  if (texts.length === 0) return unread;
  const message =
    texts.length === 1
      ? (texts[0] ?? '')
      : [`${texts.length} problems stop the cleanup:`, ...texts.map((text) => `- ${text}`)].join('\n');
  return [...unread, new ActionError('CLEANUP_STOPPED', message)];
}

/** Whether nothing at all may be deleted, in no repository. */
export function stopsAll({ problems }: CleanupPlan): boolean {
  return problems.some(({ severity }) => severity === 'stop');
}
