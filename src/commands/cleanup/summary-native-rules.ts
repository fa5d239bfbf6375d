import { counted } from '../../domain/amount.ts';
import { dialectOf } from '../../domain/retention/native/dialects.ts';
import { code, codeBlock, details, prose, table } from '../../report/markdown.ts';
import { ACTION_WORDS } from './outcomes.ts';
import type { NativeRulesResult } from './result.ts';

const MAX_SCOPES = 20;
/** Characters of rules that a page shows: 50 rules of ECR have 15,000. */
const MAX_JSON = 20_000;
const MAX_ROWS = 100;
const MAX_REPLACED = 20;

/** The retention rules of the registries: which rule fits how, what they replace, and their text. */
export function renderNativeRules(results: readonly NativeRulesResult[]): string {
  if (results.length === 0) return '';
  const more = results.length - MAX_SCOPES;
  return [
    '### Rules of the registries',
    ...results.slice(0, MAX_SCOPES).map(renderScope),
    more > 0 ? `${more} more are in the plan file.` : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const OUTCOMES = {
  done: '✅ set',
  absent: '✔️ as planned already',
  due: '📝 would be set',
  skipped: '⛔ not set',
  failed: '❌ failed',
} as const;

function renderScope({ rules: plan, outcome, reason }: NativeRulesResult): string {
  const { scope, title, action, rules, replaced, before, after, vendor } = plan;
  const state = outcome === undefined ? ACTION_WORDS[action] : OUTCOMES[outcome];
  const rows = rules
    .slice(0, MAX_ROWS)
    .map((rule) => [code(rule.repository), prose(rule.rule), FITS[rule.fit], prose(rule.reason)]);
  const install = dialectOf(vendor, scope)?.install;
  const lost = replaced.slice(0, MAX_REPLACED).map((rule) => `- ${code(rule)}`);
  const json = (value: unknown) => {
    const text = JSON.stringify(value, undefined, 2);
    return codeBlock(text.length > MAX_JSON ? `${text.slice(0, MAX_JSON)}\n…` : text, 'json');
  };
  return [
    `**${code(scope)}: ${prose(title)} ${prose(state)}**${reason === undefined ? '' : `<br>${prose(reason)}`}`,
    action === 'export' && typeof install === 'object' ? prose(install.export) : '',
    table(['repository', 'rule', 'in the registry', 'why'], rows),
    lost.length === 0 ? '' : `It replaces ${counted(replaced.length, 'rule')} of others:\n\n${lost.join('\n')}`,
    action === 'install' || action === 'export' ? details('What is to be set', json(after)) : '',
    (action === 'install' || action === 'remove') && before !== null
      ? details('What the registry has now', json(before))
      : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const FITS = {
  exact: '✅ exact',
  narrower: '➖ narrower: this action does the rest',
  impossible: '⛔ no: this action does it',
} as const;
