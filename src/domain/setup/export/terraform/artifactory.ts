import type { ArtifactoryRepositoryState, ArtifactoryState } from '../artifactory-state.ts';
import type { LeftOut } from '../exported-file.ts';
import { notExported } from '../not-exported.ts';
import { ARTIFACTORY_RESOURCES } from './artifactory-arguments.ts';
import { hclOf, type Line, raw, type Value } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import {
  importOf,
  type ModuleSource,
  preventDestroy,
  type Resource,
  resource,
  type TerraformModule,
} from './module.ts';

/** https://registry.terraform.io/providers/jfrog/artifactory/latest/docs */
const ARTIFACTORY = { name: 'artifactory', source: 'jfrog/artifactory', version: '~> 12.11' };

/** Repositories of an Artifactory: local ones, virtual ones, and remote ones that need no password. */
export function artifactoryModule(source: ModuleSource): TerraformModule | undefined {
  const { state, desired } = source.registry;
  if (state?.kind !== 'artifactory') return undefined;
  const made = state.repositories.filter((each) => !each.hasLogin && resourceOf(each) !== undefined);
  const names = identifiers(made.map(({ key }) => key));
  const addresses = new Map(
    made.map((each) => [each.key, `${resourceOf(each)?.type}.${names.get(each.key) ?? each.key}`] as const),
  );
  const repositories = made.map((repository) => ({
    repository,
    own: repositoryOf(repository, names.get(repository.key) ?? repository.key, addresses, source),
  }));
  return {
    provider: ARTIFACTORY,
    blocks: {
      'providers.tf': [
        {
          comments: ['The access token comes from JFROG_ACCESS_TOKEN.'],
          block: 'provider',
          labels: ['artifactory'],
          body: [{ name: 'url', value: `${state.url}/artifactory` }],
        },
      ],
      'repositories.tf': repositories.map(({ own }) => own.block),
      'imports.tf': repositories.flatMap(({ repository: { key, exists }, own }) =>
        exists ? [importOf(own, key)] : [],
      ),
    },
    leftOut: [...notExported(desired.at, state.settings), ...leftOut(desired.at, state)],
  };
}

const resourceOf = ({ rclass, packageType }: ArtifactoryRepositoryState) =>
  ARTIFACTORY_RESOURCES[`${rclass} ${packageType}`];

/** What the file names and the provider cannot write, and the rest that it may. */
function argumentsOf(repository: ArtifactoryRepositoryState) {
  const all = resourceOf(repository)?.arguments ?? [];
  const written = all.flatMap((each) =>
    typeof each !== 'string' && Object.hasOwn(repository.named, each[1]) ? [{ argument: each[0], field: each[1] }] : [],
  );
  const fields = new Set(written.map(({ field }) => field));
  return {
    written,
    others: all
      .map((each) => (typeof each === 'string' ? each : each[0]))
      .filter((argument) => !written.some((each) => each.argument === argument)),
    missing: Object.keys(repository.named).filter((field) => !fields.has(field)),
  };
}

/** https://registry.terraform.io/providers/jfrog/artifactory/latest/docs/resources/local_docker_v2_repository */
function repositoryOf(
  repository: ArtifactoryRepositoryState,
  id: string,
  addresses: ReadonlyMap<string, string>,
  { from }: ModuleSource,
): Resource {
  const { key, line, named } = repository;
  const { written, others } = argumentsOf(repository);
  const reference = (to: unknown): Value => {
    const address = typeof to === 'string' ? addresses.get(to) : undefined;
    return address === undefined ? hclOf(to) : raw(`${address}.key`);
  };
  const lines = written.map(({ argument, field }): Line => {
    const value = named[field];
    if (field === 'defaultDeploymentRepo') return { name: argument, value: reference(value) };
    // The order decides which is asked first.
    return { name: argument, value: Array.isArray(value) ? value.map(reference) : hclOf(value) };
  });
  return resource(
    resourceOf(repository)?.type ?? '',
    id,
    [from(line, key)],
    // The provider would give everything that the file does not name a value of its own.
    [{ name: 'key', value: key }, ...lines, 'blank', preventDestroy(others.toSorted())],
  );
}

function leftOut(at: string, { repositories, settings }: ArtifactoryState): readonly LeftOut[] {
  const instead = '`command: setup` without `export` applies it.';
  const withAccess = new Set(
    settings.flatMap(({ subject, name, action, should }) =>
      should !== undefined && action !== 'unsupported' && ACCESS.test(name) ? [subject] : [],
    ),
  );
  return [
    ...repositories.flatMap((repository): readonly LeftOut[] => {
      const { key, hasLogin, packageType, rclass } = repository;
      const what = `${at}: ${key}`;
      if (hasLogin) {
        const reason = 'The password for its upstream would be in the code and in the state.';
        return [{ what, reason, instead: '`command: setup` without `export` makes it.' }];
      }
      if (resourceOf(repository) === undefined) {
        const reason = `The export has no words for a ${rclass} repository of the type ${packageType}.`;
        return [{ what, reason, instead: 'Change it in Artifactory.' }];
      }
      return argumentsOf(repository).missing.map((field) => ({
        what: `${what} artifactory.${field}`,
        reason: 'The provider lacks it for a repository of this kind.',
        instead,
      }));
    }),
    ...[...withAccess].map((subject) => ({
      what: `${at}: ${subject} access`,
      reason:
        'The provider of Artifactory has no permissions any more: they went to another one, of the whole platform.',
      instead,
    })),
  ];
}

const ACCESS = /^(?:(?:pull |push |admin )?group |visibility$)/;
