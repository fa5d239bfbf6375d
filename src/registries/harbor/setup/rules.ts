import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { TagSelection } from './desired.ts';

/** Several globs as one, as Harbor's doublestar patterns want it. */
export function asGlob(globs: readonly string[]): string {
  const [only = '**'] = globs;
  return globs.length < 2 ? only : `{${globs.join(',')}}`;
}

/** The globs of a pattern: `{a,b}` and `a` and `**`. */
export function globsOf(pattern: string): readonly string[] {
  return /^\{[^{}]*\}$/.test(pattern) ? pattern.slice(1, -1).split(',') : [pattern];
}

/** A rule's repositories; undefined when it selects in another way than by one matching pattern. */
function scopeOf(rule: Fields): string | undefined {
  const { repository } = fieldsOf(rule.scope_selectors);
  if (!Array.isArray(repository) || repository.length !== 1) return undefined;
  const { decoration, pattern } = fieldsOf(repository[0]);
  return decoration === 'repoMatches' && typeof pattern === 'string' ? pattern : undefined;
}

/** Whether a rule is about repositories of the file only: then it is ours to change. */
export function isOwn(rule: Fields, repositories: readonly string[]): boolean {
  const scope = scopeOf(rule);
  if (scope === undefined) return false;
  return globsOf(scope).every((glob) => repositories.includes(glob) || repositories.includes('**'));
}

/** The body of an immutability rule. */
export function immutableRule(repositories: readonly string[], { decoration, tags }: TagSelection): Fields {
  return {
    action: 'immutable',
    template: 'immutable_template',
    disabled: false,
    priority: 0,
    scope_selectors: {
      repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: asGlob(repositories) }],
    },
    tag_selectors: [{ kind: 'doublestar', decoration, pattern: asGlob(tags) }],
  };
}

/** What of a rule decides, for comparisons: Harbor adds ids and defaults, and orders what has no order. */
export function ruleKey(rule: Fields): string {
  const selectors = (value: unknown) =>
    (Array.isArray(value) ? value : [])
      .map(fieldsOf)
      .map(({ decoration, pattern, extras }) => [
        decoration,
        globsOf(String(pattern)).toSorted().join(),
        isUntagged(extras),
      ]);
  const { repository } = fieldsOf(rule.scope_selectors);
  const params = Object.entries(fieldsOf(rule.params)).map(([name, value]) => [name, Number(value)]);
  return JSON.stringify([
    rule.template,
    params.toSorted(),
    selectors(rule.tag_selectors),
    selectors(repository).map(([decoration, pattern]) => [decoration, pattern]),
  ]);
}

/** `extras` of a retention rule is JSON inside a text. */
function isUntagged(extras: unknown): boolean {
  return typeof extras === 'string' && /"untagged"\s*:\s*true/.test(extras);
}

/** A rule in a few words: `tags ** of app, tools`. */
export function ruleWords(rule: Fields): string {
  const [selector] = Array.isArray(rule.tag_selectors) ? rule.tag_selectors.map(fieldsOf) : [];
  const tags = globsOf(String(selector?.pattern ?? '**')).join(', ');
  const all =
    selector?.decoration === 'excludes' ? `all tags but ${tags}` : tags === '**' ? 'all tags' : `tags ${tags}`;
  const scope = scopeOf(rule) ?? '(another selection)';
  const off = rule.disabled === true ? ' (switched off)' : '';
  return `${all} of ${scope === '**' ? 'all repositories' : globsOf(scope).join(', ')}${off}`;
}
