import { counted } from '../../domain/amount.ts';
import type { ImageName } from '../../domain/reference.ts';
import {
  literalPrefix,
  type ReportedRepositories,
  selectRepositories,
} from '../../domain/report/repository-pattern.ts';
import { ActionError } from '../../errors/action-error.ts';
import { repositoryList } from '../../registries/repository-lists.ts';
import { openRegistries, type Registry } from '../../run/open-registries.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ReportInputs } from './inputs.ts';

/** Repositories that patterns may select: each costs requests. */
export const MAX_FOUND = 500;

/** What the patterns in `images` come to. */
export interface FoundRepositories {
  /** Without those that `images` names. */
  readonly images: readonly ImageName[];
  /** Lists that could not be read. */
  readonly errors: readonly ActionError[];
  /** Patterns without a match, and repositories beyond the limit: sentences. */
  readonly unread: readonly string[];
}

/**
 * Lists the registries that patterns are about. What cannot be listed leaves the others as they are.
 * @throws ActionError INPUT_INVALID, CANCELLED
 */
export async function findRepositories(
  runtime: Runtime,
  { registries: settings, images, patterns }: Pick<ReportInputs, 'registries' | 'images' | 'patterns'>,
): Promise<FoundRepositories> {
  const hosts = [...new Set(patterns.included.map(({ host }) => host))];
  const opened = await openRegistries(runtime, settings, hosts, runtime.env.GITHUB_ACTOR ?? '');
  const named = new Set(images.map(({ name }) => name));
  const found: ImageName[] = [];
  const errors: ActionError[] = [];
  const unread: string[] = [];
  for (const host of hosts) {
    const registry = opened.get(host);
    if (registry === undefined) continue;
    try {
      const listed = await list(registry, patterns);
      const selected = selectRepositories(host, listed, patterns);
      runtime.log.info(
        `${host}: ${counted(listed.length, 'repository', 'repositories')} listed, ${selected.length} selected`,
      );
      if (selected.length === 0) {
        const texts = patterns.included.flatMap((each) => (each.host === host ? each.text : []));
        unread.push(
          `${texts.join(', ')}: no repository matches. The registry has none, or does not show them to these credentials.`,
        );
      }
      found.push(...selected.filter(({ name }) => !named.has(name)));
    } catch (error) {
      if (!(error instanceof ActionError) || error.code === 'CANCELLED' || error.code === 'INPUT_INVALID') throw error;
      errors.push(explained(registry, error));
    }
  }
  if (found.length > MAX_FOUND) {
    unread.push(
      `${found.length} repositories match, and the first ${MAX_FOUND} are read. Narrow the patterns, or report in several steps.`,
    );
  }
  return { images: found.slice(0, MAX_FOUND), errors, unread };
}

async function list({ host, vendor, client, setup }: Registry, { included }: Pick<ReportedRepositories, 'included'>) {
  const read = repositoryList(vendor.id);
  if (read === undefined) return client.catalog();
  const own = included.filter((each) => each.host === host).map(literalPrefix);
  // Prefixes that begin with another one are in its list.
  const prefixes = [...new Set(own)].filter(
    (prefix) => !own.some((other) => other !== prefix && prefix.startsWith(other)),
  );
  const lists: string[] = [];
  for (const prefix of prefixes) lists.push(...(await read(setup, prefix)));
  return lists;
}

/** The right to list is another one than the right to read. */
function explained({ host, vendor }: Registry, error: ActionError): ActionError {
  const { code, message, facts, cause } = error;
  const needs = LISTING_RIGHTS[vendor.id];
  return new ActionError(code, `The repositories of ${host} cannot be listed: ${message}`, {
    facts,
    ...(cause === undefined ? {} : { cause }),
    remedy: [
      ...(needs === undefined || code === 'CAPABILITY_MISSING'
        ? []
        : [`Give the credentials the right to list: ${needs}.`]),
      'Or name the repositories in `images`, which needs no list.',
    ],
  });
}

/** What a list of repositories needs beyond the right to read one. */
const LISTING_RIGHTS: { readonly [Id in Registry['vendor']['id']]?: string } = {
  'docker-hub': 'an access token of the account or organization',
  ghcr: "a personal access token with `read:packages` as `password`, because the job's token sees packages of its own repository only",
  ecr: '`ecr:DescribeRepositories`',
  'ecr-public': '`ecr-public:DescribeRepositories` and `ecr-public:DescribeRegistries`',
  'artifact-registry': '`roles/artifactregistry.reader` on the project',
  acr: 'the role Container Registry Repository Catalog Lister, or AcrPull in a registry without roles by repository',
  harbor: 'a robot account with `project: list` and `repository: list`',
  nexus: 'the privilege `nx-repository-view-docker-*-browse`',
  artifactory: 'read on the repository, and the Docker access method that the host is for',
  distribution: 'the scope `registry:catalog:*` of its token service',
};
