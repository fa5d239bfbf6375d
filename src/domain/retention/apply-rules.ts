import { tagMatcher } from '../patterns/tag-pattern.ts';
import { inWords } from './duration.ts';
import type { GraphNode } from './graph.ts';
import { type Item, keepItem } from './items.ts';
import type { PlanProblem, Reason } from './plan.ts';
import type { Remove, RepositoryPolicy, Rule } from './policy.ts';
import { type NewestResult, newestOf, type Selected } from './ranking.ts';
import { type RuleContext, type Selection, selectItems } from './select-items.ts';
import { baseTime, pullTime, untaggedTime } from './times.ts';

/**
 * Marks what the rules of a repository keep and remove. Every rule sees the same items, so that their order decides only which
 * reason is shown.
 */
export function applyRules(
  roots: readonly (readonly Item[])[],
  policy: RepositoryPolicy,
  context: RuleContext,
): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  const selections = policy.rules.map((rule) => ({ rule, selection: selectItems(rule, roots, context, problems) }));
  for (const { rule, selection } of selections) {
    if (rule.keep !== undefined) applyKeep(rule, selection, context, problems);
    if (rule.remove !== undefined) applyRemove(rule, rule.remove, selection, context, problems);
  }
  for (const { rule, selection } of selections) {
    if (rule.remove !== undefined || selection.size === 0) continue;
    const shields = [...selection.values()].some((items) => items.some(({ removal }) => removal !== undefined));
    const isRemovable = selections.some(
      (other) => other.rule.remove !== undefined && [...selection.keys()].some((node) => other.selection.has(node)),
    );
    if (!shields && !isRemovable) {
      problems.push({
        severity: 'warning',
        code: 'keeps-without-remove',
        message: `The rule "${rule.name}" keeps, but no rule removes what it selects, so it changes nothing. To remove the rest, write \`remove: {keep-newest: …}\`.`,
      });
    }
  }
  return problems;
}

function newestIn(
  rule: Rule,
  selection: Iterable<readonly [GraphNode, readonly Item[]]>,
  context: RuleContext,
  newest: NonNullable<Remove['newest']>,
): NewestResult {
  const selected = [...selection].map(
    ([node, items]): Selected => ({ node, tags: items.flatMap(({ tag }) => tag ?? []) }),
  );
  return newestOf(selected, newest, { ...context, matcher: tagMatcher(rule.select.tags) });
}

function applyKeep(rule: Rule, selection: Selection, context: RuleContext, problems: PlanProblem[]): void {
  const { newest, youngerThan, pulledWithin } = rule.keep ?? {};
  const result = newest === undefined ? undefined : newestIn(rule, selection, context, newest);
  for (const [node, items] of selection) {
    for (const item of items) {
      const keep = (text: string) => keepItem(item, { code: 'kept-by-rule', rule: rule.name, text });
      if (result?.kept.has(node) === true) keep(`among the newest ${newest?.count}`);
      if (result?.unranked.has(node) === true) keep(`cannot be ordered by ${newest?.by}`);
      const age = ageOf(item, 'pushed', context);
      if (youngerThan !== undefined && (age === undefined || age <= youngerThan)) {
        keep(age === undefined ? 'of unknown age' : `${inWords(age)} old`);
      }
      const pulled = pulledWithin === undefined ? undefined : pullTime(node, item.tag, context.times);
      if (pulledWithin !== undefined && (pulled === undefined || context.now - pulled <= pulledWithin)) {
        keep(pulled === undefined ? 'last pull unknown' : `pulled ${inWords(context.now - pulled)} ago`);
      }
    }
  }
  if (result !== undefined) reportUnranked(rule, result.unranked.size, newest?.by, context, problems);
}

function ageOf({ node, tag }: Item, since: Remove['since'], { times, now }: RuleContext): number | undefined {
  const time = tag === undefined ? untaggedTime(node, since, times) : baseTime(node, tag, times);
  return time === undefined ? undefined : now - time;
}

function applyRemove(
  rule: Rule,
  remove: Remove,
  selection: Selection,
  context: RuleContext,
  problems: PlanProblem[],
): void {
  const unknown = { age: 0, pull: 0 };
  const due = new Map<GraphNode, { item: Item; text: string }[]>();
  for (const [node, items] of selection) {
    for (const item of items) {
      const text = dueText(item, rule, remove, context, unknown);
      if (text === undefined) continue;
      const before = due.get(node);
      if (before === undefined) due.set(node, [{ item, text }]);
      else before.push({ item, text });
    }
  }
  const { newest } = remove;
  const scope =
    remove.keepScope === 'matched'
      ? selection
      : [...due].map(([node, list]) => [node, list.map(({ item }) => item)] as const);
  const result = newest === undefined ? undefined : newestIn(rule, scope, context, newest);
  // One for all items with the same text: a plan of a hundred thousand tags has few of them.
  const reasons = new Map<string, Reason>();
  const removal = (text: string): Reason => {
    const reason = reasons.get(text) ?? { code: 'removed-by-rule', rule: rule.name, text };
    reasons.set(text, reason);
    return reason;
  };
  for (const [node, list] of due) {
    for (const { item, text } of list) {
      if (result?.kept.has(node) === true || result?.unranked.has(node) === true) {
        const why = result.unranked.has(node)
          ? `cannot be ordered by ${newest?.by}`
          : `among the newest ${newest?.count}`;
        item.note = { code: result.unranked.has(node) ? 'unknown' : 'newest', rule: rule.name, text: why };
      } else item.removal ??= removal(text === '' ? beyondText(newest) : text);
    }
  }
  if (result !== undefined) reportUnranked(rule, result.unranked.size, newest?.by, context, problems);
  reportUnknown(rule, unknown, context, problems);
}

function beyondText(newest: Remove['newest']): string {
  return newest === undefined ? 'selected' : `not among the newest ${newest.count}`;
}

/** Why the ages of a rule let an item go; undefined when they do not; empty when the rule has none. */
function dueText(
  item: Item,
  rule: Rule,
  { olderThan, notPulledFor, since }: Remove,
  context: RuleContext,
  unknown: { age: number; pull: number },
): string | undefined {
  const parts: string[] = [];
  if (rule.select.gone !== undefined) parts.push(`its ${rule.select.gone.what.replace('-', ' ')} is gone`);
  if (olderThan !== undefined) {
    const age = ageOf(item, since, context);
    // `0d` means any age, an unknown one included.
    const isAny = age === undefined && olderThan === 0;
    if (age === undefined && !isAny) unknown.age += 1;
    if (!isAny && (age === undefined || age <= olderThan)) {
      item.note ??= {
        code: age === undefined ? 'unknown' : 'not-selected-by-age',
        rule: rule.name,
        text: age === undefined ? 'its age is unknown' : `${inWords(age)} old, not older than ${inWords(olderThan)}`,
      };
      return undefined;
    }
    parts.push(age === undefined ? 'of any age' : `${inWords(age)} old, older than ${inWords(olderThan)}`);
  }
  if (notPulledFor !== undefined) {
    const pulled = pullTime(item.node, item.tag, context.times);
    if (pulled === undefined) unknown.pull += 1;
    if (pulled === undefined || context.now - pulled <= notPulledFor) {
      const text = pulled === undefined ? 'its last pull is unknown' : `pulled ${inWords(context.now - pulled)} ago`;
      item.note ??= { code: pulled === undefined ? 'unknown' : 'not-selected-by-age', rule: rule.name, text };
      return undefined;
    }
    parts.push(`not pulled for ${inWords(notPulledFor)}`);
  }
  return parts.join(', ');
}

/** What to write instead, where the registry does not record pushes. */
function withoutPushTimes({ times }: RuleContext): string {
  return times.basis === 'pushed' && times.traits.pushed === 'unknown'
    ? ' This registry does not record pushes: `basis: created` counts from the build, and `keep-newest` with `by: semver` or `by: name` needs no times.'
    : '';
}

function reportUnranked(
  rule: Rule,
  count: number,
  by: string | undefined,
  context: RuleContext,
  problems: PlanProblem[],
): void {
  if (count === 0) return;
  problems.push({
    severity: 'warning',
    code: by === 'pushed' ? 'push-time-unknown' : 'looks-like-version',
    message: `The rule "${rule.name}" cannot order ${count} images by ${by}; they stay and do not count.${by === 'pushed' ? withoutPushTimes(context) : ''}`,
  });
}

function reportUnknown(
  rule: Rule,
  unknown: { readonly age: number; readonly pull: number },
  context: RuleContext,
  problems: PlanProblem[],
): void {
  if (unknown.age > 0) {
    problems.push({
      severity: 'warning',
      code: 'push-time-unknown',
      message: `The rule "${rule.name}" cannot determine the age of ${unknown.age} images; they stay.${withoutPushTimes(context)}`,
    });
  }
  if (unknown.pull > 0) {
    problems.push({
      severity: 'warning',
      code: 'pulls-unknown',
      message: `The rule "${rule.name}" cannot determine when ${unknown.pull} images were last pulled; they stay.`,
    });
  }
}
