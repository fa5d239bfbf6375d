import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import { cosignWarnings, SIGNATURES_ELSEWHERE } from '../../../domain/setup/cosign-tags.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake, RegistryPlan } from '../../../domain/setup/setting.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { unexpected } from '../../../http/api.ts';
import { type Change, denied, planOf, type Reading, reading } from '../../setup/change.ts';
import { repositoryNameMistakes } from '../../setup/mistakes.ts';
import { stepSecret } from '../../setup/step-secret.ts';
import {
  type Applied,
  registrySetup,
  type SetupContext,
  type SetupDefinition,
  type VendorSetup,
} from '../../setup-port.ts';
import { type Nexus, nexusUrl, openNexusApi } from '../api.ts';
import { ownMistakes } from './own-fields.ts';
import {
  type LiveNexusRepository,
  type NexusRequest,
  nexusRegistryLacks,
  planNexusRepository,
  planProxy,
} from './plan.ts';
import { NEW_ROLE, planRole } from './plan-role.ts';
import { type NexusLive, rolesOf } from './read.ts';
import { nexusState } from './state.ts';

/** Nexus keeps settings for its repositories, the first part of an image's name. */
export const nexusSetup: SetupDefinition = {
  block: 'nexus',
  unitOf: (repository) => repository.split('/', 1)[0] ?? repository,
  principals: ['nexus-role'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

function openSetup(context: SetupContext): VendorSetup<NexusLive, NexusRequest> {
  const { host } = context;
  const ask = openNexusApi(context);
  // With the address of one repository as `registry-api`, images are not named by it.
  const isRouted = !/\/repository\/[^/]+\/*$/.test((context.apiUrl ?? context.origin).pathname);

  const listed = async (): Promise<readonly Fields[]> => {
    const what = 'the repositories';
    const { json } = await ask({ method: 'GET', path: '/v1/repositories', expect: [200], operation: 'read', what });
    if (!Array.isArray(json)) throw unexpected(host, what);
    return json.filter(isFields).filter(({ format }) => format === 'docker');
  };

  const read = async (rows: readonly Fields[], name: string): Promise<LiveNexusRepository | undefined> => {
    const row = rows.find((each) => each.name === name);
    if (row === undefined) return undefined;
    const type = String(row.type);
    const path = `/v1/repositories/docker/${encodeURIComponent(type)}/${encodeURIComponent(name)}`;
    const what = `the settings of ${name}`;
    const { json } = await ask({ method: 'GET', path, expect: [200], operation: 'read', what });
    const fields = fieldsOf(json);
    if (fields.name !== name) throw unexpected(host, what);
    return { type, fields };
  };

  const plan = (desired: DesiredRegistry, live: NexusLive) => planNexus(desired, live, isRouted);

  return {
    names: async () => (await listed()).flatMap(({ name, type }) => (type === 'hosted' ? [String(name)] : [])),
    readLive: async (desired) => {
      const rows = await listed();
      const repositories = new Map<string, Reading<LiveNexusRepository | undefined>>();
      const caches = (desired.cache?.value ?? []).map(cacheRepository);
      for (const name of [...caches, ...desired.repositories.map((each) => each.name)]) {
        repositories.set(name, await reading(() => read(rows, name)));
      }
      const roles = new Map<string, Reading<Fields | undefined>>();
      for (const role of rolesOf(desired).keys()) roles.set(role, await reading(() => readRole(ask, role)));
      const isOpen = desired.repositories.some(({ settings }) => settings.visibility?.value === 'public');
      return {
        repositories,
        roles,
        anonymous: isOpen ? await reading(() => isAnonymous(ask)) : { ok: true, value: true },
      };
    },
    plan,
    state: {
      of: (desired, live) => nexusState(nexusUrl(context), desired, live, plan(desired, live)),
      unread: () => ({ repositories: new Map(), roles: new Map(), anonymous: { ok: true, value: true } }),
    },
    apply: (request) => (request.kind === 'role' ? applyRole(ask, request) : applyRepository(ask, context, request)),
  };
}

/**
 * Compares a Nexus with what was read. Pure.
 * @param isRouted whether images are named by the repository, without a port of its own
 */
export function planNexus(desired: DesiredRegistry, live: NexusLive, isRouted: boolean): RegistryPlan<NexusRequest> {
  return planOf<NexusRequest>([
    { subject: '', accept: desired.accept, changes: nexusRegistryLacks(desired) },
    ...(desired.cache?.value ?? []).map((cache) => {
      const subject = cacheRepository(cache);
      const found = live.repositories.get(subject);
      const changes =
        found?.ok === false ? [denied('exists', found.error, cache.line)] : planProxy(cache, found?.value, isRouted);
      return { subject, accept: desired.accept, changes };
    }),
    ...desired.repositories.map((repository) => {
      const { name: subject, settings, line } = repository;
      const found = live.repositories.get(subject);
      const changes =
        found?.ok === false
          ? [denied('exists', found.error, line)]
          : [...planNexusRepository(repository, found?.value, isRouted), ...anonymousLack(settings, live.anonymous)];
      return { subject, accept: [...desired.accept, ...settings.accept], changes };
    }),
    {
      subject: '',
      accept: desired.accept,
      changes: [...rolesOf(desired)].map(([role, { privileges, line }]) => {
        const found = live.roles.get(role);
        return found?.ok === false
          ? denied(`role ${role}`, found.error, line)
          : planRole(role, [...privileges].toSorted(), line, found?.value);
      }),
    },
  ]);
}

function anonymousLack(
  { visibility }: DesiredRegistry['repositories'][number]['settings'],
  anonymous: Reading<boolean>,
): readonly Change<never>[] {
  if (visibility?.value !== 'public' || (anonymous.ok && anonymous.value)) return [];
  return [
    {
      action: 'unsupported',
      name: 'visibility.anonymous',
      line: visibility.line,
      reason:
        'The repository accepts pulls without a login, and this Nexus does not: enable Administration → Security → Anonymous Access, and the Docker Bearer Token Realm.',
    },
  ];
}

async function readRole(ask: Nexus['ask'], role: string): Promise<Fields | undefined> {
  const path = `/v1/security/roles/${encodeURIComponent(role)}`;
  const { status, json } = await ask({
    method: 'GET',
    path,
    expect: [200, 404],
    operation: 'read',
    what: `the role ${role}`,
  });
  return status === 404 ? undefined : fieldsOf(json);
}

async function isAnonymous(ask: Nexus['ask']): Promise<boolean> {
  const what = 'whether anonymous access is on';
  const { json } = await ask({ method: 'GET', path: '/v1/security/anonymous', expect: [200], operation: 'read', what });
  return fieldsOf(json).enabled === true;
}

async function applyRepository(
  ask: Nexus['ask'],
  context: SetupContext,
  { kind, type, name, body, login }: Exclude<NexusRequest, { readonly kind: 'role' }>,
): Promise<Applied> {
  const isNew = kind === 'create';
  const what = `${isNew ? 'creating' : 'changing'} the repository ${name}`;
  const authentication =
    login === undefined
      ? undefined
      : { type: 'username', username: login.user, password: stepSecret(context, login.variable, what) };
  const json =
    authentication === undefined ? body : { ...body, httpClient: { ...fieldsOf(body.httpClient), authentication } };
  const { status, text } = await ask({
    method: isNew ? 'POST' : 'PUT',
    path: `/v1/repositories/docker/${type}${isNew ? '' : `/${encodeURIComponent(name)}`}`,
    json,
    expect: [200, 201, 204, 400],
    operation: 'write',
    what,
  });
  if (status !== 400) return {};
  if (isNew && /already (?:used|exists)/i.test(text)) {
    return { note: `${name} was created by somebody else since the plan.`, isStale: true };
  }
  const said = text.replaceAll(/\s+/g, ' ').slice(0, 300);
  throw new ActionError('REGISTRY_REFUSED', `${context.host} answered 400 to ${what}: ${said}`, {
    facts: { registry: context.host, repository: name, status },
  });
}

/** The role is read again: other repositories, or other people, may have changed it since the plan. */
async function applyRole(
  ask: Nexus['ask'],
  { role, add }: Extract<NexusRequest, { readonly kind: 'role' }>,
): Promise<Applied> {
  const live = await readRole(ask, role);
  const what = `the role ${role}`;
  if (live === undefined) {
    const json = { id: role, name: role, ...NEW_ROLE, privileges: add };
    await ask({ method: 'POST', path: '/v1/security/roles', json, expect: [200, 201], operation: 'write', what });
    return {};
  }
  const has = Array.isArray(live.privileges) ? live.privileges.map(String) : [];
  const { source: _, readOnly: __, ...fields } = live;
  await ask({
    method: 'PUT',
    path: `/v1/security/roles/${encodeURIComponent(role)}`,
    json: { ...fields, id: role, privileges: [...new Set([...has, ...add])] },
    expect: [200, 204],
    operation: 'write',
    what,
  });
  return {};
}

function mistakes(desired: DesiredRegistry): readonly Mistake[] {
  return [
    ...repositoryNameMistakes(NAMES, desired),
    ...cosignWarnings(desired.repositories, SIGNATURES_ELSEWHERE),
    ...ownMistakes(desired),
  ];
}

const NAMES = {
  product: 'Nexus',
  unit: 'repository',
  noun: 'name',
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  rule: 'letters, digits, `.`, `_` and `-`',
} as const;
