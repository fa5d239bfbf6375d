import { fieldsOf, isFields } from '../../../fields.ts';
import type { EcrRepositoryState } from '../../ecr/state.ts';
import type { Lookups } from './aws-lookups.ts';
import { hclOf, jsonencode, type Line, raw, type Value } from './hcl.ts';
import { type ModuleSource, preventDestroy, type Resource, resource } from './module.ts';

/** A resource, and the id of what it stands for if that exists. */
export interface Imported {
  readonly resource: Resource;
  readonly importId: string | undefined;
}

/** https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecr_repository */
export function repositoryOf(
  { name, line, exists, mutability, exclusions, scanOnPush, encryption, tags }: EcrRepositoryState,
  id: string,
  { from }: ModuleSource,
  { key }: Lookups,
): Imported {
  // A block with the default would be a change that only a new repository can have.
  const isEncrypted = encryption.type !== 'AES256';
  const body: Line[] = [
    { name: 'name', value: name },
    { name: 'image_tag_mutability', value: mutability },
    ...exclusionFilters(exclusions),
    ...(isEncrypted
      ? block('encryption_configuration', [
          ['encryption_type', encryption.type],
          ...(encryption.key === undefined ? [] : [['kms_key', key(encryption.key, 'repositories')] as const]),
        ])
      : []),
    ...block('image_scanning_configuration', [['scan_on_push', scanOnPush]]),
    ...tagsOf('tags', tags ?? {}),
    'blank',
    // Without them in the code, Terraform would remove tags that could not be read.
    preventDestroy([...(isEncrypted ? ['encryption_configuration'] : []), ...(tags === undefined ? ['tags'] : [])]),
  ];
  return {
    resource: resource('aws_ecr_repository', id, [from(line, name)], body),
    importId: exists ? name : undefined,
  };
}

/** The policy and the lifecycle policy of a repository. */
export function accessOf(
  { name, line, policy, lifecycle }: EcrRepositoryState,
  id: string,
  { from }: ModuleSource,
): readonly Imported[] {
  const of = (type: string, what: string, { value, exists }: EcrRepositoryState['policy']): readonly Imported[] =>
    value === null
      ? []
      : [
          {
            resource: resource(
              type,
              id,
              [from(line, `${what} of ${name}`)],
              [
                { name: 'repository', value: raw(`aws_ecr_repository.${id}.name`) },
                { name: 'policy', value: jsonText(value) },
              ],
            ),
            importId: exists ? name : undefined,
          },
        ];
  return [
    ...of('aws_ecr_repository_policy', 'policy', policy),
    ...of('aws_ecr_lifecycle_policy', 'lifecycle policy', lifecycle),
  ];
}

/** A document of JSON, as an expression that reads well in a review. */
export function jsonText(text: string): Value {
  try {
    const json: unknown = JSON.parse(text);
    return jsonencode(inOrder(json));
  } catch {
    return text;
  }
}

/**
 * Rules of a lifecycle policy by their priority: AWS returns them so, and another order would differ for ever.
 * https://github.com/hashicorp/terraform-provider-aws/issues/22639
 */
function inOrder(json: unknown): unknown {
  if (!isFields(json) || !Array.isArray(json.rules)) return json;
  const priority = (rule: unknown) => Number(fieldsOf(rule).rulePriority ?? 0);
  return { ...json, rules: json.rules.toSorted((a, b) => priority(a) - priority(b)) };
}

export function exclusionFilters(filters: readonly string[]): readonly Line[] {
  return filters.flatMap((filter) =>
    block('image_tag_mutability_exclusion_filter', [
      ['filter', filter],
      ['filter_type', 'WILDCARD'],
    ]),
  );
}

/** A block with an empty line above it. */
export function block(name: string, attributes: readonly (readonly [string, Value])[]): readonly Line[] {
  return ['blank', { block: name, body: attributes.map(([each, value]) => ({ name: each, value })) }];
}

export function tagsOf(name: string, tags: Readonly<Record<string, string>>): readonly Line[] {
  return Object.keys(tags).length === 0 ? [] : ['blank', { name, value: hclOf(tags) }];
}
