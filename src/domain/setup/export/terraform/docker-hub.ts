import type { LeftOut } from '../exported-file.ts';
import type { HubRepositoryState, HubState } from '../hub-state.ts';
import { notExported } from '../not-exported.ts';
import { type Raw, raw, type TopBlock } from './hcl.ts';
import { identifiers, identifiersBelow } from './identifiers.ts';
import {
  dataSource,
  importOf,
  type ModuleSource,
  preventDestroy,
  type Resource,
  resource,
  type TerraformModule,
} from './module.ts';

/** https://registry.terraform.io/providers/docker/docker/latest/docs, which has immutable tags since 0.5 */
const DOCKER = { name: 'docker', source: 'docker/docker', version: '~> 0.5' };

/** Repositories of a namespace of Docker Hub, and what its teams may do there. */
export function hubModule(source: ModuleSource): TerraformModule | undefined {
  const { state, desired } = source.registry;
  if (state?.kind !== 'docker-hub') return undefined;
  const written = state.repositories.filter((repository) => ruleWithComma(repository) === undefined);
  const names = identifiers(written.map(({ name }) => name));
  const repositories = written.map((repository) => ({
    repository,
    own: repositoryOf(repository, names.get(repository.name) ?? repository.name, source),
  }));
  const teams = teamsOf(state);
  const access = permissionsOf(repositories, teams.ids, source);
  return {
    provider: DOCKER,
    blocks: {
      'providers.tf': [
        {
          comments: [
            'User and password, or an organization and its access token, come from DOCKER_USERNAME and DOCKER_PASSWORD.',
          ],
          block: 'provider',
          labels: ['docker'],
          body: [],
        },
      ],
      'repositories.tf': repositories.map(({ own }) => own.block),
      'access.tf': [...teams.lookups, ...access.map(({ own }) => own.block)],
      'imports.tf': [
        ...repositories.flatMap(({ repository: { name, exists }, own }) => (exists ? [importOf(own, name)] : [])),
        ...access.flatMap(({ own, id }) => (id === undefined ? [] : [importOf(own, id)])),
      ],
    },
    leftOut: [...notExported(desired.at, state.settings), ...leftOut(desired.at, state)],
  };
}

/** The provider separates rules by commas when it writes them, whatever else it changes of the repository. */
function ruleWithComma({ immutableTags }: HubRepositoryState): string | undefined {
  return immutableTags.find((rule) => rule.includes(','));
}

function leftOut(at: string, { repositories, settings }: HubState): readonly LeftOut[] {
  return [
    ...repositories.flatMap((repository) => {
      const rule = ruleWithComma(repository);
      if (rule === undefined) return [];
      return [
        {
          what: `${at}: ${repository.name}`,
          reason: `Its rule \`${rule}\` for immutable tags has a comma, which the provider takes for the end of a rule.`,
          instead: 'Write the rule without a comma, or use `command: setup` without `export`.',
        },
      ];
    }),
    ...settings.flatMap(({ subject, name, action }) =>
      action === 'remove' && name.startsWith('team ')
        ? [
            {
              what: `${at}: ${subject} ${name}`,
              reason: 'Terraform cannot remove what is not in its state.',
              instead: '`command: setup` without `export` takes the access away.',
            },
          ]
        : [],
    ),
  ];
}

function repositoryOf(
  { name: full, line, description, isPrivate, hasImmutableTags, immutableTags }: HubRepositoryState,
  id: string,
  { from, registry: { desired } }: ModuleSource,
): Resource {
  return resource(
    'docker_hub_repository',
    id,
    [from(line, full)],
    [
      { name: 'namespace', value: desired.namespace },
      { name: 'name', value: full.slice(full.indexOf('/') + 1) },
      ...(description === '' ? [] : [{ name: 'description', value: description }]),
      { name: 'private', value: isPrivate },
      'blank',
      {
        name: 'immutable_tags_settings',
        value: new Map<string, boolean | readonly string[]>([
          ['enabled', hasImmutableTags],
          ['rules', immutableTags],
        ]),
      },
      'blank',
      // The overview that people write on the page of the repository.
      preventDestroy(['full_description']),
    ],
  );
}

interface Teams {
  /** The number of a team by its name in lower case. */
  readonly ids: ReadonlyMap<string, number | Raw>;
  readonly lookups: readonly TopBlock[];
}

/** A team is given by its number. Where it is not known, it is looked up, for which a personal access token is not enough. */
function teamsOf({ repositories, namespace }: HubState): Teams {
  const all = repositories.flatMap(({ teams }) => teams.map((team) => ({ ...team, key: team.name.toLowerCase() })));
  const known = new Map(all.flatMap(({ key, id }) => (id === undefined ? [] : [[key, id] as const])));
  const unknown = new Map(all.flatMap(({ key, name }) => (known.has(key) ? [] : [[key, name] as const])));
  const names = identifiers([...unknown.keys()]);
  const idOf = (key: string) => names.get(key) ?? key;
  return {
    ids: new Map<string, number | Raw>([
      ...known,
      ...[...unknown.keys()].map((key) => [key, raw(`data.docker_org_team.${idOf(key)}.id`)] as const),
    ]),
    lookups: [...unknown].map(([key, name]) =>
      dataSource('docker_org_team', idOf(key), [
        { name: 'org_name', value: namespace },
        { name: 'team_name', value: name },
      ]),
    ),
  };
}

/** https://registry.terraform.io/providers/docker/docker/latest/docs/resources/hub_repository_team_permission */
function permissionsOf(
  repositories: readonly { readonly repository: HubRepositoryState; readonly own: Resource }[],
  ids: Teams['ids'],
  { from }: ModuleSource,
): readonly { readonly own: Resource; readonly id: string | undefined }[] {
  return repositories.flatMap(({ repository: { name: full, teams }, own: repository }) => {
    const owner = repository.address.slice(repository.address.indexOf('.') + 1);
    const names = identifiersBelow(
      owner,
      teams.map(({ name }) => name),
    );
    return teams.flatMap(({ name, permission, id, line }) => {
      const teamId = ids.get(name.toLowerCase());
      if (teamId === undefined) return [];
      const own = resource(
        'docker_hub_repository_team_permission',
        names.get(name) ?? name,
        [from(line, `access of the team ${name} to ${full}`)],
        [
          { name: 'repo_id', value: raw(`${repository.address}.id`) },
          { name: 'team_id', value: teamId },
          { name: 'permission', value: permission },
        ],
      );
      return [{ own, id: id === undefined ? undefined : `${full}/${id}` }];
    });
  });
}
