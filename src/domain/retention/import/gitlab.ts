import { fieldsOf } from '../../fields.ts';
import { type Parsed, parsed, problems } from '../../parsed.ts';
import { parseTagPattern } from '../../patterns/tag-pattern.ts';
import { quoted } from '../../suggestion.ts';
import { type ImportedPolicy, ImportProblems } from './imported.ts';

const KEYS = [
  'enabled',
  'cadence',
  'keep_n',
  'older_than',
  'name_regex',
  'name_regex_delete',
  'name_regex_keep',
  'next_run_at',
];

/**
 * A policy that removes the tags that a container expiration policy removes, or fewer. GitLab counts from the build, and
 * keeps `latest`.
 * https://docs.gitlab.com/user/packages/container_registry/reduce_container_registry_storage/
 */
export function importGitlab(document: unknown): Parsed<ImportedPolicy> {
  const problem = new ImportProblems();
  const fields = problem.fields(document, 'the policy', KEYS);
  if (fields === undefined) return problems(...problem.found);
  const remove = fields.name_regex_delete ?? fields.name_regex;
  const { name_regex_keep: keep, enabled } = fields;
  if (enabled === false)
    return problems('The policy is disabled, so it deletes nothing. Enable it in the file to convert it.');
  if (remove === undefined || remove === null || remove === '')
    return problems('`name_regex_delete` is empty, so it deletes nothing.');
  const selected = pattern(remove, 'name_regex_delete', problem);
  const kept =
    keep === undefined || keep === null || keep === '' ? undefined : pattern(keep, 'name_regex_keep', problem);
  const newest = fields.keep_n === undefined || fields.keep_n === null ? 0 : problem.count(fields.keep_n, 'keep_n', 0);
  const age = ageOf(fields.older_than, problem);
  if (problem.found.length > 0 || selected === undefined || newest === undefined || age === undefined)
    return problems(...problem.found);
  const tags = [selected, '!latest', ...(kept === undefined ? [] : [`!${kept}`])];
  return parsed({
    source: 'a container expiration policy of GitLab',
    defaults: { basis: 'created' },
    entries: [
      {
        rules: [
          {
            name: 'tags of the expiration policy',
            select: { tags, kind: 'any' },
            remove: { 'older-than': age, ...(newest === 0 ? {} : { 'keep-newest': newest }) },
          },
        ],
      },
    ],
    notes: newest === 0 ? [] : ['`keep-newest` counts images, and GitLab counts tags.'],
  });
}

/**
 * GitLab matches `\A` + expression + `\z` without a group, so that `a|b` also matches `a1` and `1b`: written as a policy reads it.
 * https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/projects/container_repository/cleanup_tags_base_service.rb
 */
function pattern(value: unknown, where: string, problem: ImportProblems): string | undefined {
  if (typeof value !== 'string') return problem.wrong(where, 'a regular expression', value);
  if (value === '.*' || value === '.+') return '*';
  const hasAlternatives = value.replaceAll(/\\.|\[[^\]]*\]/g, '').includes('|');
  const written = hasAlternatives ? `/(?:.*(?:\\A${value}\\z).*)/` : `/(?:${value})/`;
  const read = parseTagPattern(`!${written}`);
  if (!read.ok) problem.found.push(`${where}: ${quoted(value)}: ${read.problems.join('; ')}.`);
  const positive = where === 'name_regex_keep' ? read : parseTagPattern(written);
  if (read.ok && !positive.ok) problem.found.push(`${where}: ${quoted(value)}: ${positive.problems.join('; ')}.`);
  return read.ok && positive.ok ? written : undefined;
}

function ageOf(value: unknown, problem: ImportProblems): string | undefined {
  if (value === undefined || value === null) return '0d';
  const days = typeof value === 'string' ? /^(\d{1,4})d$/.exec(value)?.[1] : undefined;
  return days === undefined ? problem.wrong('older_than', 'days such as "14d"', value) : `${days}d`;
}

/** The policy inside of what GitLab's API or Terraform says of a project. */
export function gitlabPolicyIn(document: unknown): unknown {
  const { container_expiration_policy: policy, container_expiration_policy_attributes: attributes } =
    fieldsOf(document);
  return policy ?? attributes;
}
