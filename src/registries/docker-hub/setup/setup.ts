import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { cosignWarnings } from '../../../domain/setup/cosign-tags.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake, RegistryPlan } from '../../../domain/setup/setting.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { unexpected } from '../../../http/api.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import { planOf, type Reading, reading } from '../../setup/change.ts';
import { registrySetup, type SetupContext, type SetupDefinition, type VendorSetup } from '../../setup-port.ts';
import { HUB, openHub } from '../api.ts';
import { type HubRequestData, hubRegistryLacks, type LiveHubRepository, planHubRepository, splitName } from './plan.ts';
import { hubState } from './state.ts';

type Live = ReadonlyMap<string, Reading<LiveHubRepository | undefined>>;

/** Docker Hub keeps settings for each repository, `namespace/name`. */
export const dockerHubSetup: SetupDefinition = {
  block: 'hub',
  unitOf: (repository, namespace) =>
    namespace === '' || repository.startsWith(`${namespace}/`) ? repository : `${namespace}/${repository}`,
  principals: ['hub-team'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

const PAGE_SIZE = 100;
const MAX_PAGES = 200;

function openSetup(context: SetupContext): VendorSetup<Live, HubRequestData> {
  const ask = openHub({ ...context, repository: 'repositories' });

  const pages = async (path: string, what: string): Promise<readonly Fields[]> => {
    const rows: Fields[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = `page=${page}&page_size=${PAGE_SIZE}`;
      const { json } = await ask({ method: 'GET', path: `${path}?${query}`, expect: [200], operation: 'read', what });
      const { results, next } = fieldsOf(json);
      if (!Array.isArray(results)) throw unexpected(HUB, what);
      rows.push(...results.filter(isFields));
      if (typeof next !== 'string' || results.length === 0) return rows;
    }
    throw unexpected(HUB, what);
  };

  const read = async (full: string, hasTeams: boolean): Promise<LiveHubRepository | undefined> => {
    const [namespace, name] = splitName(full);
    const what = `the settings of ${full}`;
    const path = `/v2/namespaces/${namespace}/repositories/${name}`;
    const { status, json } = await ask({ method: 'GET', path, expect: [200, 404], operation: 'read', what });
    if (status === 404) return undefined;
    const fields = fieldsOf(json);
    if (fields.name !== name) throw unexpected(HUB, what);
    const groups = `/v2/repositories/${namespace}/${name}/groups`;
    return {
      fields,
      teams: hasTeams ? await reading(() => pages(groups, `the teams of ${full}`)) : { ok: true, value: [] },
    };
  };

  const exists = async (full: string) => (await read(full, false)) !== undefined;

  return {
    names: async (namespace) =>
      (await pages(`/v2/namespaces/${namespace}/repositories`, `the repositories of ${namespace}`)).map(
        ({ name }) => `${namespace}/${String(name)}`,
      ),
    readLive: async (desired) => {
      const live = new Map<string, Reading<LiveHubRepository | undefined>>();
      for (const repository of desired.repositories) {
        const hasTeams =
          grantsTo(grantsOf(repository), 'hub-team').length > 0 || repository.settings.access?.value === 'exact';
        live.set(repository.name, await reading(() => read(repository.name, hasTeams)));
      }
      return live;
    },
    plan: planHub,
    state: { of: (desired, live) => hubState(desired, live, planHub(desired, live)), unread: () => new Map() },
    apply: async ({ method, path, json, what, team, creates }) => {
      const group = team === undefined ? {} : { group_id: await teamId(path.split('/')[3] ?? '', team) };
      const body = json === undefined ? {} : { json: { ...json, ...group } };
      const operation = method === 'DELETE' ? 'delete' : 'write';
      const expect = method === 'DELETE' ? [200, 202, 204, 404] : [200, 201, 204];
      try {
        await ask({ method, path, ...body, expect, operation, what });
        return {};
      } catch (error) {
        // Hub reports a name that is taken as a bad request, whose text has changed over time.
        const taken = error instanceof ActionError && (error.facts.status === 400 || error.facts.status === 409);
        if (!taken || creates === undefined || !(await exists(creates))) throw error;
        return { note: `${creates} was created by somebody else since the plan.`, isStale: true };
      }
    },
  };

  async function teamId(organization: string, team: string): Promise<number> {
    const what = `the teams of ${organization}`;
    const teams = await pages(`/v2/orgs/${encodeURIComponent(organization)}/groups`, what);
    const found = teams.find(({ name }) => String(name).toLowerCase() === team.toLowerCase());
    if (found !== undefined) return Number(found.id);
    throw new ActionError('REGISTRY_REFUSED', `${organization} has no team ${team} on Docker Hub.`, {
      facts: { registry: 'docker.io', repository: organization },
      remedy: [`Create the team: https://app.docker.com → ${organization} → Teams. Or write a team that exists.`],
    });
  }
}

/** Compares a namespace with what was read. Pure. */
export function planHub(desired: DesiredRegistry, live: Live): RegistryPlan<HubRequestData> {
  return planOf([
    { subject: '', accept: desired.accept, changes: hubRegistryLacks(desired) },
    ...desired.repositories.map((repository) => {
      const found = live.get(repository.name);
      const { name: subject, line, settings } = repository;
      const accept = [...desired.accept, ...settings.accept];
      if (found?.ok === false) {
        return {
          subject,
          accept,
          changes: [{ action: 'denied' as const, name: 'exists', reason: found.error.message, line }],
        };
      }
      return { subject, accept, changes: planHubRepository(repository, found?.value) };
    }),
  ]);
}

/** https://docs.docker.com/docker-hub/repos/create/ */
const NAME = /^[a-z0-9_-]{2,}\/[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const MAX_DESCRIPTION = 100;

function mistakes({ repositories, own, namespace, at, line: registryLine }: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const block = [own, ...repositories.map(({ settings }) => settings.own)].flatMap((each) => [
    ...(each.get('hub') ?? []),
  ]);
  return [
    ...(namespace === ''
      ? [error(registryLine, `\`at: ${at}\`: expected the organization or user as well, such as \`docker.io/acme\`.`)]
      : []),
    ...block.map(([field, { line }]) =>
      error(line, `\`hub.${field}\`: there are no fields of Docker Hub beyond the keys of the file.`),
    ),
    ...cosignWarnings(repositories, 'write `immutable: {only: ["v*"]}`, with patterns of your versions'),
    ...repositories.flatMap(({ name, line, settings: { description } }) => [
      ...(NAME.test(name)
        ? []
        : [error(line, `"${name}": a repository of Docker Hub is \`namespace/name\`, without more slashes.`)]),
      ...(description !== undefined && (description.value ?? '').length > MAX_DESCRIPTION
        ? [error(description.line, `\`description\`: Docker Hub takes up to ${MAX_DESCRIPTION} characters.`)]
        : []),
    ]),
  ];
}
