import { byText } from '../../../compare-text.ts';
import type { EcrState } from '../../ecr/state.ts';
import type { LeftOut } from '../exported-file.ts';
import { notExported } from '../not-exported.ts';
import { lookups } from './aws-lookups.ts';
import { registryParts } from './ecr-registry.ts';
import { accessOf, repositoryOf } from './ecr-repository.ts';
import { raw, type TopBlock } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import { importOf, type ModuleSource, output, type TerraformModule } from './module.ts';

/** https://registry.terraform.io/providers/hashicorp/aws/latest/docs */
export const AWS = { name: 'aws', source: 'hashicorp/aws', version: '~> 6.28' };

/** A registry of Amazon ECR: repositories with their policies, and the documents of the registry as a whole. */
export function ecrModule(source: ModuleSource): TerraformModule | undefined {
  const { desired, state } = source.registry;
  if (state?.kind !== 'ecr') return undefined;
  const names = identifiers(state.repositories.map(({ name }) => name));
  const id = (name: string) => names.get(name) ?? name;
  const found = lookups();
  const repositories = state.repositories.map((each) => repositoryOf(each, id(each.name), source, found));
  const access = state.repositories.flatMap((each) => accessOf(each, id(each.name), source));
  const registry = registryParts(state, source, found);
  const imports = [...repositories, ...access, ...registry.resources].flatMap(({ resource, importId }) =>
    importId === undefined ? [] : [importOf(resource, importId)],
  );
  const addresses = new Map(
    state.repositories.toSorted(byText(({ name }) => name)).map(({ name }) => [name, id(name)]),
  );
  const outputs = [
    output(
      'repository_urls',
      'Addresses to push to and to pull from, by repository.',
      attribute(addresses, 'repository_url'),
    ),
    output('repository_arns', 'ARNs, by repository.', attribute(addresses, 'arn')),
  ];
  return {
    provider: AWS,
    blocks: {
      'providers.tf': [awsProvider(state)],
      'repositories.tf': [...found.blocks('repositories'), ...repositories.map(({ resource }) => resource.block)],
      'access.tf': access.map(({ resource }) => resource.block),
      'registry.tf': [...found.blocks('registry'), ...registry.resources.map(({ resource }) => resource.block)],
      'imports.tf': imports,
      'outputs.tf': addresses.size === 0 ? [] : outputs,
    },
    leftOut: [...notExported(desired.at, state.settings), ...removedDocuments(source, state), ...registry.leftOut],
  };
}

const attribute = (addresses: ReadonlyMap<string, string>, name: string) =>
  new Map([...addresses].map(([key, id]) => [key, raw(`aws_ecr_repository.${id}.${name}`)]));

/** A plan with the credentials of another account or for another region would make everything a second time there. */
function awsProvider({ account, region }: EcrState): TopBlock {
  return {
    comments: [],
    block: 'provider',
    labels: ['aws'],
    body: [
      { name: 'region', value: region },
      { name: 'allowed_account_ids', value: [account] },
    ],
  };
}

/** What the file removes: Terraform deletes what is in its state, and these are not. */
function removedDocuments({ registry: { desired } }: ModuleSource, { repositories }: EcrState): readonly LeftOut[] {
  return repositories.flatMap(({ name, policy, lifecycle }) => {
    const left = (what: string): LeftOut => ({
      what: `${desired.at}: ${name} ${what}`,
      reason: 'Terraform cannot remove what is not in its state.',
      instead: '`command: setup` without `export` removes it.',
    });
    return [
      ...(policy.exists && policy.value === null ? [left('policy')] : []),
      ...(lifecycle.exists && lifecycle.value === null ? [left('retention')] : []),
    ];
  });
}
