import { ActionError } from '../errors/action-error.ts';
import type { VendorId } from '../inputs/vendors.ts';
import type { SetupContext } from './setup-port.ts';

/** The repositories of a registry that the credentials may see. */
interface RepositoryList {
  /**
   * Only reads.
   * @param prefix names need to begin with it: empty, or up to a slash. A list may be longer than that.
   * @returns names without the host
   */
  readonly read: (context: SetupContext, prefix: string) => Promise<readonly string[]>;
  /** The parts of a name that are needed, where the registry lists nothing without: `<owner>`. */
  readonly needs?: string;
}

/** Where repositories are listed by another API than the registry's own. */
const LISTS: { readonly [Id in VendorId]?: RepositoryList } = {
  'docker-hub': {
    needs: '<namespace>',
    read: async (context, prefix) => {
      const { dockerHubSetup } = await import('./docker-hub/setup/setup.ts');
      return (await dockerHubSetup.open(context).names(firstPart(prefix))) ?? [];
    },
  },
  ghcr: {
    needs: '<owner>',
    read: async (context, prefix) => (await import('./ghcr/package-list.ts')).listPackages(context, firstPart(prefix)),
  },
  ecr: {
    read: async (context) => {
      const [{ readEcrHost }, { askEcr }, { listRepositories }] = await Promise.all([
        import('./aws/ecr-host.ts'),
        import('./aws/setup/ask-ecr.ts'),
        import('./aws/setup/read-repository.ts'),
      ]);
      const host = readEcrHost(context.host);
      if (host === undefined) throw new ActionError('CAPABILITY_MISSING', `${context.host} is no host of Amazon ECR.`);
      return [...(await listRepositories(askEcr(context, host.region), host.account)).keys()];
    },
  },
  'ecr-public': {
    needs: '<alias>',
    read: async (context, prefix) => {
      const { listPublicRepositories } = await import('./aws/setup/ecr-public-setup.ts');
      const alias = firstPart(prefix);
      return (await listPublicRepositories(context, alias)).map((name) => `${alias}/${name}`);
    },
  },
  'artifact-registry': {
    needs: '<project>',
    read: async (context, prefix) =>
      (await import('./artifact-registry/package-list.ts')).listPackages(context, prefix),
  },
  acr: { read: async (context) => (await import('./acr/catalog.ts')).listRepositories(context) },
  harbor: {
    read: async (context, prefix) => {
      const [{ openHarborApi }, { listAll, projectPath }] = await Promise.all([
        import('./harbor/api.ts'),
        import('./harbor/setup/read.ts'),
      ]);
      const { ask } = openHarborApi(context);
      const own = firstPart(prefix);
      const projects =
        own === ''
          ? (await listAll(ask, context.host, '/projects', 'the projects')).map(({ name }) => String(name))
          : [own];
      const names: string[] = [];
      for (const project of projects) {
        const path = projectPath(project, '/repositories');
        const rows = await listAll(ask, context.host, path, `the repositories of the project ${project}`);
        names.push(...rows.map(({ name }) => String(name)));
      }
      return names;
    },
  },
};

const firstPart = (prefix: string) => prefix.split('/', 1)[0] ?? '';

/**
 * How a kind of registry lists its repositories; undefined: by the catalog of its own API.
 * @throws from its function: ActionError INPUT_INVALID when the prefix lacks what the registry needs
 */
export function repositoryList(vendor: VendorId): RepositoryList['read'] | undefined {
  const list = LISTS[vendor];
  if (list === undefined) return undefined;
  const { read, needs } = list;
  return async (context, prefix) => {
    if (needs !== undefined && firstPart(prefix) === '') {
      throw new ActionError(
        'INPUT_INVALID',
        `\`images\`: ${context.host} lists repositories of one ${needs} only: write \`${context.host}/${needs}/*\`.`,
        {
          facts: { input: 'images', registry: context.host },
        },
      );
    }
    return read(context, prefix);
  };
}
