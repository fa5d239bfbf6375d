import { sortedByKey } from '../../../compare-text.ts';
import type { Json } from '../../json.ts';
import { notExported } from '../not-exported.ts';
import { AWS } from './ecr.ts';
import { jsonText, tagsOf } from './ecr-repository.ts';
import { hclOf, type Line, raw } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import { importOf, type ModuleSource, output, preventDestroy, resource, type TerraformModule } from './module.ts';

/** Arguments by the fields of the API. https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecrpublic_repository */
const CATALOG = [
  ['about_text', 'aboutText'],
  ['architectures', 'architectures'],
  ['description', 'description'],
  ['operating_systems', 'operatingSystems'],
  ['usage_text', 'usageText'],
] as const;

/** Repositories of Amazon ECR Public, whose API is in one region only. */
export function ecrPublicModule({ registry, from }: ModuleSource): TerraformModule | undefined {
  const { state, desired } = registry;
  if (state?.kind !== 'ecr-public') return undefined;
  const names = identifiers(state.repositories.map(({ name }) => name));
  const all = state.repositories.map((repository) => {
    const { name, line, catalog, tags, policy } = repository;
    const id = names.get(name) ?? name;
    const own = resource(
      'aws_ecrpublic_repository',
      id,
      [from(line, name)],
      [
        { name: 'repository_name', value: name },
        ...catalogLines(catalog),
        ...tagsOf('tags', tags ?? {}),
        'blank',
        preventDestroy(tags === undefined ? ['tags'] : []),
      ],
    );
    const access =
      policy.value === null
        ? undefined
        : resource(
            'aws_ecrpublic_repository_policy',
            id,
            [from(line, `policy of ${name}`)],
            [
              { name: 'repository_name', value: raw(`${own.address}.repository_name`) },
              { name: 'policy', value: jsonText(policy.value) },
            ],
          );
    return { repository, own, access };
  });
  const outputs = sortedByKey(all.map(({ repository: { name }, own }) => [name, raw(`${own.address}.repository_uri`)]));
  return {
    provider: AWS,
    blocks: {
      'providers.tf': [
        { comments: [], block: 'provider', labels: ['aws'], body: [{ name: 'region', value: 'us-east-1' }] },
      ],
      'repositories.tf': all.map(({ own }) => own.block),
      'access.tf': all.flatMap(({ access }) => access?.block ?? []),
      'imports.tf': [
        ...all.flatMap(({ repository: { name, exists }, own }) => (exists ? [importOf(own, name)] : [])),
        ...all.flatMap(({ repository: { name, policy }, access }) =>
          access !== undefined && policy.exists ? [importOf(access, name)] : [],
        ),
      ],
      'outputs.tf':
        outputs.length === 0
          ? []
          : [output('repository_urls', 'Addresses to push to and to pull from, by repository.', new Map(outputs))],
    },
    leftOut: notExported(desired.at, state.settings),
  };
}

function catalogLines(catalog: Readonly<Record<string, Json>>): readonly Line[] {
  const body = CATALOG.flatMap(([argument, field]): readonly Line[] => {
    const value = catalog[field];
    const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
    return isEmpty ? [] : [{ name: argument, value: hclOf(value) }];
  });
  return body.length === 0 ? [] : ['blank', { block: 'catalog_data', body }];
}
