import { counted } from '../../../domain/amount.ts';
import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { denied } from '../../setup/change.ts';
import type { DesiredProject } from './desired.ts';
import { type LiveProject, projectPath } from './read.ts';
import { immutableRule, isOwn, ruleKey, ruleWords } from './rules.ts';
import type { HarborChange } from './step.ts';

/** Of both kinds of rules. */
const MAX_RULES = 15;

/**
 * Rules have no name, so those whose repositories are all in the file are ours. Others stay: any rule that matches makes a tag
 * immutable.
 */
export function planImmutability(wanted: DesiredProject, live: LiveProject['immutable']): readonly HarborChange[] {
  const { name, repositories, immutable } = wanted;
  if (immutable === undefined) return [];
  if (!live.ok) return [denied('immutable', live.error)];
  const own = live.value.filter((rule) => isOwn(rule, repositories));
  const kept = live.value.filter((rule) => !own.includes(rule)).map(keptRule);
  const path = projectPath(name, '/immutabletagrules');
  const what = `the immutability rule of ${name}`;
  const remove = (rule: Fields): HarborChange => ({
    name: immutable === 'none' && own.length === 1 ? 'immutable' : `immutable rule ${Number(rule.id)}`,
    action: 'remove',
    is: ruleWords(rule),
    should: 'none',
    request: { method: 'DELETE', path: `${path}/${Number(rule.id)}`, what },
  });
  if (immutable === 'none') {
    const rest = own.filter(({ disabled }) => disabled !== true);
    const none: HarborChange = { name: 'immutable', action: 'equal', is: 'none', should: 'none' };
    return [...(rest.length === 0 ? [none] : rest.map(remove)), ...kept];
  }
  const body = immutableRule(repositories, immutable);
  const should = ruleWords(body);
  const [found] = own.filter((rule) => ruleKey(rule) === ruleKey(body));
  if (found !== undefined && found.disabled !== true) {
    const others = own.filter((rule) => rule !== found && rule.disabled !== true);
    return [{ name: 'immutable', action: 'equal', is: ruleWords(found), should }, ...others.map(remove), ...kept];
  }
  // Harbor's PUT either switches a rule on or off, or changes it: never both at once.
  const [before, ...others] =
    found === undefined
      ? own.filter(({ disabled }) => disabled !== true)
      : [found, ...own.filter((rule) => rule !== found && rule.disabled !== true)];
  if (before === undefined && live.value.length >= MAX_RULES) return [tooMany('immutable', should), ...kept];
  const change: HarborChange =
    before === undefined
      ? { name: 'immutable', action: 'create', should, request: { method: 'POST', path, json: body, what } }
      : {
          name: 'immutable',
          action: 'change',
          is: ruleWords(before),
          should,
          request: {
            method: 'PUT',
            path: `${path}/${Number(before.id)}`,
            json: { ...body, id: Number(before.id) },
            what,
          },
        };
  return [change, ...others.map(remove), ...kept];
}

function keptRule(rule: Fields): HarborChange {
  return {
    name: `immutable rule ${Number(rule.id)}`,
    action: 'kept-foreign',
    is: ruleWords(rule),
    reason: 'The rule is about other repositories as well, or selects in another way.',
  };
}

function tooMany(name: string, should: string): HarborChange {
  return {
    name,
    action: 'unsupported',
    should,
    reason: `Harbor takes ${MAX_RULES} rules a project, and they are all used. Remove one in Harbor.`,
  };
}

/**
 * A project has one policy for all its repositories. Rules only retain, so those of others can stay beside ours: together they
 * never delete more than either alone.
 */
export function planRetention(wanted: DesiredProject, live: LiveProject['retention']): readonly HarborChange[] {
  const { name, repositories, retention } = wanted;
  if (retention === undefined) return [];
  if (!live.ok) return [denied('retention', live.error)];
  const policy = live.value;
  const all = Array.isArray(policy?.rules) ? policy.rules.filter(isFields) : [];
  const own = all.filter((rule) => isOwn(rule, repositories));
  const foreign = all.filter((rule) => !own.includes(rule));
  const kept = foreign.map(
    (rule): HarborChange => ({
      name: `retention rule ${Number(rule.id)}`,
      action: 'kept-foreign',
      is: `${templateWords(rule)}: ${ruleWords(rule)}`,
      reason: 'The rule is about other repositories as well.',
    }),
  );
  const rules = retention === 'none' ? [] : fitting(retention, foreign.length);
  const cron = fieldsOf(fieldsOf(policy?.trigger).settings).cron;
  // With rules of others, the time of day is theirs.
  const isTheirs = foreign.length > 0 && typeof cron === 'string' && cron !== '';
  const isDue = retention !== 'none' && !isTheirs && cron !== retention.cron;
  const shown = {
    name: 'retention',
    is: own.length === 0 ? 'none' : amount(own.length, cron),
    should: retention === 'none' ? 'none' : amount(rules.length, isTheirs ? cron : retention.cron),
  };
  const keys = (list: readonly Fields[]) =>
    list
      .filter(({ disabled }) => disabled !== true)
      .map(ruleKey)
      .toSorted();
  const isSame = keys(own).join() === keys(rules.map((rule) => ({ ...rule }))).join() && !isDue;
  if (isSame) return [{ ...shown, action: 'equal' }, ...kept];
  if (foreign.length + rules.length > MAX_RULES) return [tooMany('retention', shown.should), ...kept];
  const json = {
    algorithm: 'or',
    scope: { level: 'project' },
    trigger:
      retention === 'none'
        ? (policy?.trigger ?? { kind: 'Schedule', settings: { cron: '' } })
        : { kind: 'Schedule', settings: { cron: isTheirs ? cron : retention.cron } },
    rules: [...foreign, ...rules],
  };
  const what = `the retention policy of ${name}`;
  if (policy === undefined) {
    return [
      {
        ...shown,
        action: 'create',
        request: { method: 'POST', path: '/retentions', json, what, ofProject: name },
      },
    ];
  }
  const id = Number(policy.id);
  return [
    {
      ...shown,
      action: retention === 'none' ? 'remove' : own.length === 0 ? 'create' : 'change',
      request: {
        method: 'PUT',
        path: `/retentions/${id}`,
        json: { ...json, id, scope: policy.scope ?? json.scope },
        what,
        ...(policy.scope === undefined ? { ofProject: name } : {}),
      },
    },
    ...kept,
  ];
}

function fitting({ rules, fewer }: Exclude<DesiredProject['retention'], 'none' | undefined>, used: number) {
  return used + rules.length > MAX_RULES ? fewer : rules;
}

function amount(count: number, cron: unknown): string {
  const when = typeof cron === 'string' && cron !== '' ? `at ${cron}` : 'never run';
  return `${counted(count, 'rule')}, ${when}`;
}

function templateWords({ template }: Fields): string {
  return typeof template === 'string' ? template : 'a rule';
}
