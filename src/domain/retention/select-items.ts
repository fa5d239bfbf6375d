import { isCatchAll, tagMatcher } from '../patterns/tag-pattern.ts';
import { type GoneTest, goneTest, type SourceRefs } from './gone.ts';
import type { GraphNode, ImageGraph } from './graph.ts';
import type { Instant } from './inventory.ts';
import type { Item } from './items.ts';
import type { PlanProblem, Reason } from './plan.ts';
import { DEFAULT_PROTECTION, type Rule } from './policy.ts';
import { pushTime, type TimeRules } from './times.ts';

/** What rules are evaluated against. */
export interface RuleContext {
  readonly graph: ImageGraph;
  readonly now: Instant;
  readonly times: TimeRules;
  readonly refs: SourceRefs;
  /** Whether the policy says itself which tags it protects. */
  readonly namesProtection: boolean;
}

/** Items that a rule selects, by root. */
export type Selection = ReadonlyMap<GraphNode, readonly Item[]>;

/** The items that a rule is about, by root. Reports a rule that selects nothing, or that cannot be evaluated. */
export function selectItems(
  rule: Rule,
  roots: readonly (readonly Item[])[],
  context: RuleContext,
  problems: PlanProblem[],
): Selection {
  const { tags, tagged, kinds, gone } = rule.select;
  const matcher = tagMatcher(tags);
  const sparesDefaults = tagged && !context.namesProtection && (tags.length === 0 || tags.some(isCatchAll));
  const spared = sparesDefaults ? tagMatcher(DEFAULT_PROTECTION) : undefined;
  const named = tagMatcher(tags.filter((pattern) => !isCatchAll(pattern)));
  const isNamed = tags.some((pattern) => !isCatchAll(pattern) && !pattern.negated) ? named.matches : () => false;
  const test = gone === undefined ? undefined : goneTest(gone, matcher, context.refs, context.now);
  if (test !== undefined && typeof test === 'object') {
    problems.push({
      severity: 'error',
      code: 'refs-unreadable',
      message: `The rule "${rule.name}" is off: ${test.off}.`,
    });
    return new Map();
  }
  const found = new Map<GraphNode, Item[]>();
  const otherKinds = new Map<string, number>();
  let unknown = 0;
  let seen = 0;
  for (const items of roots) {
    for (const item of items) {
      if (tagged !== (item.tag !== undefined)) continue;
      seen += 1;
      if (item.tag !== undefined && !matcher.matches(item.tag.name)) continue;
      const { kind } = item.node.manifest;
      if (!kinds.some((each) => each === kind)) {
        otherKinds.set(kind, (otherKinds.get(kind) ?? 0) + 1);
        item.note ??= {
          code: 'other-kind',
          rule: rule.name,
          text: `${kind}, which the rule does not name in \`kind\``,
        };
        continue;
      }
      if (item.tag !== undefined && spared?.matches(item.tag.name) === true && !isNamed(item.tag.name)) {
        item.note = { code: 'protected', text: '`*` leaves `latest` and releases alone unless `protect.tags` is set' };
        continue;
      }
      const state = stateOf(item, test);
      if (state === 'unknown') unknown += 1;
      if (state !== 'gone') {
        item.note ??= goneNote(rule, state);
        continue;
      }
      const before = found.get(item.node);
      if (before === undefined) found.set(item.node, [item]);
      else before.push(item);
    }
  }
  if (found.size === 0) problems.push(nothingMatched(rule, seen, otherKinds));
  if (unknown > 0) {
    problems.push({
      severity: 'error',
      code: 'refs-unreadable',
      message: `The rule "${rule.name}" cannot determine what ${unknown} tags belong to; they stay.`,
    });
  }
  return found;
}

function stateOf(item: Item, test: GoneTest | undefined): 'gone' | 'alive' | 'unknown' {
  if (test === undefined || item.tag === undefined) return 'gone';
  return test(item.tag, pushTime(item.node, item.tag));
}

function goneNote(rule: Rule, state: 'alive' | 'unknown'): Reason {
  const what = rule.select.gone?.what.replace('-', ' ') ?? '';
  return state === 'alive'
    ? { code: 'not-selected-by-age', rule: rule.name, text: `its ${what} still exists, or ended too recently` }
    : { code: 'unknown', rule: rule.name, text: `no ${what} could be found for it` };
}

function nothingMatched(rule: Rule, seen: number, otherKinds: ReadonlyMap<string, number>): PlanProblem {
  const kinds = [...otherKinds].map(([kind, count]) => `${count} of kind ${kind}`).join(', ');
  const what = rule.select.tagged ? 'tags' : 'untagged images';
  return {
    severity: 'warning',
    code: kinds === '' ? 'rule-matched-nothing' : 'other-kind',
    message: `The rule "${rule.name}" matched 0 of ${seen} ${what}${kinds === '' ? '' : `; ${kinds} matched, but the rule does not name that kind`}.`,
  };
}
