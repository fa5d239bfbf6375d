import { byText } from '../../compare-text.ts';
import { strictVersion, type TagPattern, tagMatcher } from '../../patterns/tag-pattern.ts';
import { DAY } from '../duration.ts';
import type { InUse } from '../in-use.ts';
import type { Instant, RepositoryInventory } from '../inventory.ts';
import type { NativeRulesPlan, PlanProblem, RepositoryPlan } from '../plan.ts';
import { planRepository } from '../plan-repository.ts';
import type { CleanupPolicy, RepositoryPolicy, Rule } from '../policy.ts';
import { nativeImages, widerThanPlan } from './compare.ts';
import { type CompiledRules, type Dialect, isSame } from './dialect.ts';
import { impossible, type NativeImage, type NativeRule } from './native.ts';

/** One repository of a scope, as the cleanup itself sees it. */
export interface NativeMember {
  /** In full. */
  readonly repository: string;
  /** In its scope. */
  readonly name: string;
  /** The entry of the policy, with `engine: native` or `auto`. */
  readonly own: RepositoryPolicy;
  readonly inventory: RepositoryInventory;
  readonly plan: RepositoryPlan;
}

/** What the rules of one scope are decided from. */
export interface NativeInput {
  readonly scope: string;
  readonly vendor: string;
  readonly dialect: Dialect;
  /** What the registry has; null for nothing. */
  readonly live: unknown;
  readonly members: readonly NativeMember[];
  /** Repositories of the scope, by their names, that the policy does not give to the registry. */
  readonly others: readonly string[];
  readonly policy: CleanupPolicy;
  readonly inUse: InUse;
  readonly now: Instant;
}

/** Longer than any age that a policy can name: by then all that the rules may ever remove is due. */
const LONG = 37_000 * DAY;

/**
 * What the registry itself is to delete by, which is never more than the cleanup deletes: neither today nor later, when nothing is
 * pushed any more and an environment has moved on. A rule that would is left to this action. Pure.
 */
export function decideNativeRules(input: NativeInput): NativeRulesPlan {
  const { scope, vendor, dialect, live } = input;
  const members = input.members.toSorted(byText(({ name }) => name));
  const decided = members.map((member) => decideMember(member, input));
  const documents = new Map(
    decided.flatMap(({ member, compiled }) =>
      compiled.document === undefined ? [] : [[member.name, compiled.document] as const],
    ),
  );
  const problems: PlanProblem[] = decided.flatMap((each) => each.problems);
  const blockers = dialect.isForWholeScope ? wholeScopeBlockers(input, documents) : [];
  const usable = blockers.length > 0 ? new Map<string, unknown>() : documents;
  const names = members.map(({ name }) => name);
  const combined = dialect.combine(live, usable, names);
  const blocked = [...blockers, ...(combined.ok ? [] : combined.problems)];
  const after = combined.ok ? combined.value : live;
  const rules = decided.flatMap(({ member, compiled }) =>
    compiled.rules.map((rule) => ({
      repository: member.repository,
      ...rule,
      ...(blocked.length > 0 && rule.fit !== 'impossible'
        ? ({ fit: 'impossible', reason: blocked.join('; ') } as const)
        : {}),
    })),
  );
  const isDemanded = decided.some(({ member, isPostponed }) => member.own.engine === 'native' && !isPostponed);
  if (isDemanded && rules.every(({ fit }) => fit === 'impossible')) {
    const why = [...new Set(rules.map(({ reason }) => reason))].slice(0, 3).join('; ');
    problems.push({
      severity: 'error',
      code: 'native-rule',
      message: `${scope} gets no ${dialect.title}, because none of the rules can be one: ${why}. Write \`engine: auto\` to run such rules by this action, or change them.`,
    });
  }
  const inert = usable.size > 0 ? dialect.inert?.(after) : undefined;
  if (inert !== undefined)
    problems.push({
      severity: 'warning',
      code: 'native-rule',
      message: `The ${dialect.title} of ${scope} has no effect: ${inert}.`,
    });
  const isExported = dialect.install !== 'registry';
  const action = isExported ? (after === null ? 'none' : 'export') : actionFor(live, after);
  return {
    scope,
    vendor,
    title: dialect.title,
    repositories: members.map(({ repository }) => repository),
    rules,
    action,
    before: live,
    after,
    replaced: action === 'install' || action === 'remove' ? dialect.lost(live, after) : [],
    problems,
  };
}

function actionFor(live: unknown, after: unknown): NativeRulesPlan['action'] {
  if (isSame(live, after)) return live === null ? 'none' : 'unchanged';
  return after === null ? 'remove' : 'install';
}

/** One set of rules for several repositories: they have to agree, and to be all there are. */
function wholeScopeBlockers(
  { others, scope, members }: NativeInput,
  documents: ReadonlyMap<string, unknown>,
): readonly string[] {
  const [first, ...more] = documents.values();
  const isMissing = documents.size > 0 && documents.size < members.length;
  const isCovered = members.every(({ own }) => own.match.some(({ source, text }) => coversScope(source, text, scope)));
  return [
    ...(isCovered
      ? []
      : [
          `the rules are for all images of ${scope}, so an entry of \`repositories\` has to match them all, as \`${scope}/**\` does`,
        ]),
    ...(others.length > 0
      ? [`the rules are for all images of ${scope}, and ${others.slice(0, 3).join(', ')} is not in \`images\``]
      : []),
    ...(isMissing || more.some((each) => !isSame(each, first))
      ? [`the rules are for all images of ${scope}, and what fits one of them does not fit the others`]
      : []),
  ];
}

/** Whether a pattern is for whatever may be pushed into a scope. */
function coversScope(source: string, text: string, scope: string): boolean {
  const path = scope.slice(scope.indexOf('/') + 1);
  return source === '.*' || [`${scope}/**`, `${path}/**`].includes(text);
}

interface Decided {
  readonly member: NativeMember;
  readonly compiled: CompiledRules;
  readonly problems: readonly PlanProblem[];
  /** Whether this run cannot tell yet. */
  readonly isPostponed: boolean;
}

function decideMember(member: NativeMember, input: NativeInput): Decided {
  const { dialect, policy } = input;
  const { plan, name } = member;
  const own = withEnvironmentTags(member, input);
  const compile = (rules: readonly Rule[]) => dialect.compile(policy, { ...own, rules }, name);
  const refused = (rule: Rule, reason: string) => impossible(rule, [reason]);
  const none = (reason: string, problems: readonly PlanProblem[], isPostponed: boolean): Decided => ({
    member,
    compiled: { ...compile([]), rules: own.rules.map((rule) => refused(rule, reason)) },
    problems,
    isPostponed,
  });
  // Told by the plan of the repository.
  if (plan.problems.some(({ severity }) => severity === 'stop')) return none('the repository was stopped', [], true);
  if (plan.totals.left > 0) {
    const reason = `the registry would delete at once the ${plan.totals.left} images that \`limits\` leave for the next runs: they go first`;
    const message = `No ${dialect.title} is set for ${member.repository} yet: ${reason}.`;
    return none(reason, [{ severity: 'warning', code: 'native-rule', message }], true);
  }
  const views = viewsOf(member, input);
  const whole = compile(own.rules);
  if (whole.document === undefined || widths(whole, views).length === 0)
    return { member, compiled: whole, problems: [], isPostponed: false };

  const wider = new Map<Rule, string>();
  for (const rule of own.rules) {
    const [found] = widths(compile([rule]), views);
    if (found !== undefined) wider.set(rule, `the registry would delete ${found}`);
  }
  const left = own.rules.filter((rule) => !wider.has(rule));
  const rest = compile(left);
  const [found] = widths(rest, views);
  const problems = [...wider].map(
    ([rule, reason]): PlanProblem => ({
      severity: own.engine === 'native' ? 'error' : 'warning',
      code: 'native-rule',
      message: `The rule "${rule.name}" is not for the ${dialect.title} of ${member.repository}: ${reason}.`,
    }),
  );
  if (found !== undefined) return none(`the registry would delete ${found}`, problems, false);
  const byName = new Map(rest.rules.map((rule) => [rule.rule, rule]));
  const rules = own.rules.flatMap((rule): readonly NativeRule[] => {
    const reason = wider.get(rule);
    const fitting = byName.get(rule.name);
    if (reason !== undefined) return [refused(rule, reason)];
    return fitting === undefined ? [] : [fitting];
  });
  return { member, compiled: { ...rest, rules }, problems, isPostponed: false };
}

/** The tags of environments move from image to image: no rule of the registry may ever take one for a reason to delete. */
function withEnvironmentTags({ own, repository }: NativeMember, { policy, inUse }: NativeInput): RepositoryPolicy {
  const protects = tagMatcher([...(policy.protect.tags ?? []), ...own.protect.tags]);
  const isNamed = policy.protect.tags !== undefined || own.protect.tags.length > 0;
  // A version that was promoted does not move, and the rules would be others after each promotion.
  const tags = environmentTags(repository, inUse).filter(
    (tag) => strictVersion(tag) === undefined && !(isNamed && protects.matches(tag)),
  );
  const patterns = tags.map(
    (tag): TagPattern => ({ kind: 'glob', text: tag, source: tag.replaceAll('.', String.raw`\.`), negated: false }),
  );
  return { ...own, protect: { ...own.protect, tags: [...own.protect.tags, ...patterns] } };
}

function environmentTags(repository: string, { images }: InUse): readonly string[] {
  const found = images.flatMap(({ repository: of, tag, source }) =>
    of === repository && tag !== undefined && source.kind === 'promotions' ? [tag] : [],
  );
  return [...new Set(found)].sort();
}

/** A state of the repository, what the cleanup decides in it, and the words before what differs. */
interface View {
  readonly images: readonly NativeImage[];
  readonly now: Instant;
  readonly plan: RepositoryPlan;
  readonly words: string;
}

/** Now; when all ages have passed; and when the environments have moved on to other images besides. */
function viewsOf({ inventory, plan, own, repository }: NativeMember, input: NativeInput): readonly View[] {
  const { policy, inUse, now } = input;
  const images = nativeImages(inventory, own.basis);
  const later = now + LONG;
  // What limits how much goes in one run has no meaning then; what always stays does.
  const { minTaggedLeft, keepNewestImage } = own.limits;
  const limits = { onExceed: 'batch', minTaggedLeft, keepNewestImage } as const;
  const planned = { inventory, policy, own: { ...own, limits }, inUse, refs: {}, now: later };
  const then = planRepository(planned, new Set());
  const moving = new Set(environmentTags(repository, inUse));
  const used = new Set<string>(
    [...then.manifests, ...then.tags].flatMap(({ digest, reason }) => (reason.code === 'in-use' ? [digest] : [])),
  );
  const movedOn = images.map((image) =>
    used.has(image.digest) ? { ...image, tags: image.tags.filter((tag) => !moving.has(tag)) } : image,
  );
  return [
    { images, now, plan, words: '' },
    { images, now: later, plan: then, words: 'in time ' },
    { images: movedOn, now: later, plan: then, words: 'once the environment points to another image, ' },
  ];
}

/** What the registry would delete and the cleanup keeps. */
function widths({ document, evaluate }: CompiledRules, views: readonly View[]): readonly string[] {
  if (document === undefined) return [];
  return views.flatMap(({ images, now, plan, words }) =>
    widerThanPlan(evaluate(images, now), plan).map((text) => `${words}${text}`),
  );
}
