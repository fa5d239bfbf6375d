import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake, RegistryPlan } from '../../../domain/setup/setting.ts';
import { unexpected } from '../../../http/api.ts';
import { parseErrorBody } from '../../../http/error-body.ts';
import { registryError } from '../../../http/registry-error.ts';
import { denied, planOf, type Reading, reading } from '../../setup/change.ts';
import { repositoryNameMistakes } from '../../setup/mistakes.ts';
import { stepSecret } from '../../setup/step-secret.ts';
import {
  type Applied,
  registrySetup,
  type SetupContext,
  type SetupDefinition,
  type VendorSetup,
} from '../../setup-port.ts';
import { type Artifactory, artifactoryUrl, openArtifactoryApi } from '../api.ts';
import { ownMistakes } from './own-fields.ts';
import {
  type ArtifactoryRequest,
  artifactoryRegistryLacks,
  type LiveArtifactoryRepository,
  permissionName,
  planArtifactoryRepository,
  planRemote,
} from './plan.ts';
import { artifactoryState } from './state.ts';

type Live = ReadonlyMap<string, Reading<LiveArtifactoryRepository>>;

/** Artifactory keeps settings for its repositories, the first part of an image's name. */
export const artifactorySetup: SetupDefinition = {
  block: 'artifactory',
  unitOf: (repository) => repository.split('/', 1)[0] ?? repository,
  principals: ['artifactory-group'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

const REPOSITORIES = '/artifactory/api/repositories';
const PERMISSIONS = '/artifactory/api/v2/security/permissions';

function openSetup(context: SetupContext): VendorSetup<Live, ArtifactoryRequest> {
  const { host } = context;
  const ask = openArtifactoryApi(context);
  return {
    names: async () => {
      const what = 'the repositories';
      const { json } = await ask({ method: 'GET', path: REPOSITORIES, expect: [200], operation: 'read', what });
      if (!Array.isArray(json)) throw unexpected(host, what);
      const rows = json.filter(isFields).filter(({ packageType }) => /^(?:docker|oci)$/i.test(String(packageType)));
      return rows.flatMap(({ key, type }) => (/^local$/i.test(String(type)) ? [String(key)] : []));
    },
    readLive: async (desired) => {
      const live = new Map<string, Reading<LiveArtifactoryRepository>>();
      const caches = (desired.cache?.value ?? []).map((cache) => ({
        name: cacheRepository(cache),
        hasAccess: cache.pull.length > 0,
      }));
      const plain = desired.repositories.map(({ name, settings: { pull, push, admin, access, visibility } }) => ({
        name,
        hasAccess: [pull, push, admin, access, visibility].some((each) => each !== undefined),
      }));
      for (const { name, hasAccess } of [...caches, ...plain]) {
        live.set(
          name,
          await reading(async () => ({
            fields: await readRepository(ask, host, name),
            permission: hasAccess
              ? await reading(() => readPermission(ask, permissionName(desired.owner, name)))
              : { ok: true, value: undefined },
          })),
        );
      }
      return live;
    },
    plan: planArtifactory,
    state: {
      of: (desired, live) => artifactoryState(artifactoryUrl(context), desired, live, planArtifactory(desired, live)),
      unread: unreadArtifactory,
    },
    apply: (request) => apply(ask, context, request),
  };
}

/** Compares an Artifactory with what was read. Pure. */
export function planArtifactory(desired: DesiredRegistry, live: Live): RegistryPlan<ArtifactoryRequest> {
  return planOf<ArtifactoryRequest>([
    { subject: '', accept: desired.accept, changes: artifactoryRegistryLacks(desired) },
    ...(desired.cache?.value ?? []).map((cache) => {
      const subject = cacheRepository(cache);
      const found = live.get(subject);
      const changes =
        found?.ok === true
          ? planRemote(cache, found.value, desired.owner)
          : found === undefined
            ? []
            : [denied('exists', found.error, cache.line)];
      return { subject, accept: desired.accept, changes };
    }),
    // A virtual repository names others, which have to exist.
    ...desired.repositories
      .toSorted((a, b) => Number(isVirtual(a)) - Number(isVirtual(b)))
      .map((repository) => {
        const { name: subject, line, settings } = repository;
        const found = live.get(subject);
        const changes =
          found?.ok === true
            ? planArtifactoryRepository(repository, found.value, desired.owner)
            : found === undefined
              ? []
              : [denied('exists', found.error, line)];
        return { subject, accept: [...desired.accept, ...settings.accept], changes };
      }),
  ]);
}

/** An Artifactory of which nothing was read, as if it were empty. */
function unreadArtifactory({ cache, repositories }: DesiredRegistry): Live {
  const names = [...(cache?.value ?? []).map(cacheRepository), ...repositories.map(({ name }) => name)];
  const nothing: LiveArtifactoryRepository = { fields: undefined, permission: { ok: true, value: undefined } };
  return new Map(names.map((name) => [name, { ok: true, value: nothing }]));
}

const isVirtual = ({ settings }: DesiredRegistry['repositories'][number]) =>
  settings.own.get('artifactory')?.has('repositories') === true;

async function readRepository(ask: Artifactory['ask'], host: string, key: string): Promise<Fields | undefined> {
  const what = `the settings of ${key}`;
  const path = `${REPOSITORIES}/${encodeURIComponent(key)}`;
  // Artifactory returns 400 for an unknown key.
  const { status, json } = await ask({ method: 'GET', path, expect: [200, 400, 404], operation: 'read', what });
  if (status !== 200) return undefined;
  const fields = fieldsOf(json);
  if (fields.key !== key) throw unexpected(host, what);
  return fields;
}

async function readPermission(ask: Artifactory['ask'], name: string): Promise<Fields | undefined> {
  const path = `${PERMISSIONS}/${encodeURIComponent(name)}`;
  const what = `the permission ${name}`;
  const { status, json } = await ask({ method: 'GET', path, expect: [200, 404], operation: 'read', what });
  return status === 404 ? undefined : fieldsOf(json);
}

async function apply(
  ask: Artifactory['ask'],
  context: SetupContext,
  { kind, name, body, exists, login }: ArtifactoryRequest,
): Promise<Applied> {
  const { host } = context;
  const isPermission = kind === 'permission';
  const what = isPermission
    ? `the permission ${name}`
    : `${kind === 'create' ? 'creating' : 'changing'} the repository ${name}`;
  const json =
    login === undefined ? body : { ...body, username: login.user, password: stepSecret(context, login.variable, what) };
  // A repository is created with PUT and changed with POST; a permission the other way round.
  const method = isPermission ? (exists === true ? 'PUT' : 'POST') : kind === 'create' ? 'PUT' : 'POST';
  const path = `${isPermission ? PERMISSIONS : REPOSITORIES}/${encodeURIComponent(name)}`;
  const { status, text } = await ask({
    method,
    path,
    json,
    expect: [200, 201, 204, 400, 409],
    operation: 'write',
    what,
  });
  if (status < 300) return {};
  const said = parseErrorBody(text);
  if (kind === 'create' && /already exists/i.test(said.message ?? '')) {
    return { note: `${name} was created by somebody else since the plan.`, isStale: true };
  }
  throw registryError({ host, operation: 'write', status, ...said }, `${host} answered ${status} to ${what}`, {
    registry: host,
  });
}

function mistakes(desired: DesiredRegistry): readonly Mistake[] {
  return [...repositoryNameMistakes(NAMES, desired), ...ownMistakes(desired)];
}

const NAMES = {
  product: 'Artifactory',
  unit: 'repository',
  noun: 'key',
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  rule: 'letters, digits, `.`, `_` and `-`, at most 64 characters',
} as const;
