import type { NexusRoleState, NexusState } from '../nexus-state.ts';
import { notExported } from '../not-exported.ts';
import { raw } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import { importOf, type ModuleSource, type Resource, resource, type TerraformModule } from './module.ts';
import { nexusRepository } from './nexus-repository.ts';

/** https://registry.terraform.io/providers/datadrivers/nexus/latest/docs, of the community */
const NEXUS = { name: 'nexus', source: 'datadrivers/nexus', version: '~> 3.0' };

/** Docker repositories of a Nexus, hosted, proxies and groups, and the roles that the file gives access to. */
export function nexusModule(source: ModuleSource): TerraformModule | undefined {
  const { state, desired } = source.registry;
  if (state?.kind !== 'nexus') return undefined;
  const { url, settings } = state;
  // Whatever the provider changes at a proxy, it writes the password that the code has.
  const made = state.repositories.filter(({ hasLogin }) => !hasLogin);
  const names = identifiers(made.map(({ name }) => name));
  const addresses = new Map(
    made.map(({ name, type }) => [name, `nexus_repository_docker_${type}.${names.get(name) ?? name}`] as const),
  );
  const repositories = made.map((repository) => ({
    repository,
    own: nexusRepository(repository, names.get(repository.name) ?? repository.name, addresses, source),
  }));
  const roles = rolesOf(state, addresses, source);
  return {
    provider: NEXUS,
    blocks: {
      'providers.tf': [
        {
          comments: ['User and password come from NEXUS_USERNAME and NEXUS_PASSWORD.'],
          block: 'provider',
          labels: ['nexus'],
          body: [
            { name: 'url', value: url },
            // The provider does not check certificates unless it is configured to.
            { name: 'insecure', value: false },
          ],
        },
      ],
      'repositories.tf': repositories.map(({ own }) => own.block),
      'access.tf': roles.map(({ own }) => own.block),
      'imports.tf': [
        ...repositories.flatMap(({ repository: { name, exists }, own }) => (exists ? [importOf(own, name)] : [])),
        ...roles.flatMap(({ role: { id, exists }, own }) => (exists ? [importOf(own, id)] : [])),
      ],
    },
    leftOut: [
      ...notExported(desired.at, settings),
      ...state.repositories.flatMap(({ name, hasLogin }) =>
        hasLogin
          ? [
              {
                what: `${desired.at}: ${name}`,
                reason: 'The password for its upstream would be in the code and in the state.',
                instead:
                  'Make it with `command: setup` without `export`, before Terraform makes roles and groups that name it.',
              },
            ]
          : [],
      ),
    ],
  };
}

/** https://registry.terraform.io/providers/datadrivers/nexus/latest/docs/resources/security_role */
function rolesOf(
  { roles }: NexusState,
  repositories: ReadonlyMap<string, string>,
  { from }: ModuleSource,
): readonly { readonly role: NexusRoleState; readonly own: Resource }[] {
  const names = identifiers(roles.map(({ id }) => id));
  return roles.map((role) => {
    const { id, line, name, description, privileges, roles: included } = role;
    // Nexus makes the privileges of a repository together with it.
    const needed = [...repositories].flatMap(([repository, address]) =>
      privileges.some((each) => each.replace(/-[a-z*]+$/, '') === `nx-repository-view-docker-${repository}`)
        ? [raw(address)]
        : [],
    );
    const own = resource(
      'nexus_security_role',
      names.get(id) ?? id,
      [from(line, `role ${id}`)],
      [
        { name: 'roleid', value: id },
        { name: 'name', value: name },
        ...(description === '' ? [] : [{ name: 'description', value: description }]),
        { name: 'privileges', value: privileges },
        ...(included.length === 0 ? [] : [{ name: 'roles', value: included }]),
        ...(needed.length === 0 ? [] : ['blank' as const, { name: 'depends_on', value: needed }]),
      ],
    );
    return { role, own };
  });
}
