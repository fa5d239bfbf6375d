import { cacheRepository } from '../../../domain/setup/cache.ts';
import { cosignWarnings, SIGNATURES_ELSEWHERE } from '../../../domain/setup/cosign-tags.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake, RegistryPlan } from '../../../domain/setup/setting.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { planOf, type Reading, reading } from '../../setup/change.ts';
import {
  type Applied,
  registrySetup,
  type SetupContext,
  type SetupDefinition,
  type VendorSetup,
} from '../../setup-port.ts';
import { type GoogleApi, openGoogleApi } from '../google-api.ts';
import { finishOperation } from '../operation.ts';
import { changedPolicy } from './iam.ts';
import { ownMistakes } from './own-fields.ts';
import { planRepository } from './plan.ts';
import {
  type LiveGoogleRepository,
  listRepositories,
  parentOf,
  pathOf,
  readPolicy,
  readRepository,
  shortName,
} from './read.ts';
import { type GoogleLive, googleState, unreadGoogle } from './state.ts';
import type { GoogleRequest } from './step.ts';
import { registryLacks, wantedOf } from './wanted.ts';

/** Artifact Registry keeps settings for repositories, the part of an image's name after the project. */
export const artifactRegistrySetup: SetupDefinition = {
  block: 'google',
  unitOf: (repository) => repository.split('/', 1)[0] ?? repository,
  principals: ['google', 'public'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

function openSetup(context: SetupContext): VendorSetup<GoogleLive, GoogleRequest & { readonly parent: string }> {
  const google = openGoogleApi(context, { registry: context.host });
  const { ask } = google;
  return {
    names: async (namespace) =>
      (await listRepositories(ask, parentOf({ host: context.host, namespace }))).map(({ name }) => shortName(name)),
    readLive: async (desired) => {
      const parent = parentOf(desired);
      const live = new Map<string, Reading<LiveGoogleRepository | undefined>>();
      for (const { name } of wantedOf(desired)) live.set(name, await reading(() => readRepository(ask, parent, name)));
      return live;
    },
    plan: planGoogle,
    state: { of: (desired, live) => googleState(desired, live, planGoogle(desired, live)), unread: unreadGoogle },
    apply: (request) => apply(google, request),
  };
}

function planGoogle(
  desired: DesiredRegistry,
  live: GoogleLive,
): RegistryPlan<GoogleRequest & { readonly parent: string }> {
  const parent = parentOf(desired);
  const plan = planOf([
    { subject: '', accept: desired.accept, changes: registryLacks(desired) },
    ...wantedOf(desired).map((wanted) => {
      const found = live.get(wanted.name);
      const { name: subject, accept, line } = wanted;
      if (found?.ok === false) {
        return {
          subject,
          accept,
          changes: [{ action: 'denied' as const, name: 'exists', reason: found.error.message, line }],
        };
      }
      return { subject, accept, changes: planRepository(wanted, found?.value, parent) };
    }),
  ]);
  return { ...plan, steps: plan.steps.map((step) => ({ ...step, request: { ...step.request, parent } })) };
}

async function apply(
  { ask, waiting }: GoogleApi,
  request: GoogleRequest & { readonly parent: string },
): Promise<Applied> {
  const { name, parent } = request;
  if (request.kind === 'access') return applyAccess(ask, parent, request);
  const what = `${request.kind === 'create' ? 'creating' : 'changing'} the repository ${name}`;
  const isNew = request.kind === 'create';
  const path = isNew
    ? `${parent}/repositories?repositoryId=${encodeURIComponent(name)}`
    : `${pathOf(parent, name)}?updateMask=${request.mask.join(',')}`;
  const { status, json } = await ask(path, {
    method: isNew ? 'POST' : 'PATCH',
    json: request.body,
    expect: isNew ? [200, 409] : [200],
    operation: 'write',
    what,
  });
  // An update answers with the repository itself, a creation with an operation.
  const isMade =
    status === 409
      ? false
      : !isNew || (await finishOperation(waiting, json, { what, operation: 'write', settled: 'ALREADY_EXISTS' }));
  return isMade || !isNew ? {} : { note: `${name} was created by somebody else since the plan.`, isStale: true };
}

/** Attempts when somebody else writes at the same time. */
const ATTEMPTS = 5;

/** Read, change, write with the etag; when another write came first, all of it again. */
async function applyAccess(
  ask: GoogleApi['ask'],
  parent: string,
  { name, add, remove }: Extract<GoogleRequest, { readonly kind: 'access' }>,
): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    const { policy, isChanged } = changedPolicy(await readPolicy(ask, parent, name), add, remove);
    if (!isChanged) return {};
    const { status } = await ask(`${pathOf(parent, name)}:setIamPolicy`, {
      method: 'POST',
      json: { policy },
      expect: [200, 409],
      operation: 'write',
      what: `changing who may use ${name}`,
    });
    if (status === 200) return {};
    if (attempt === ATTEMPTS) {
      throw new ActionError(
        'REGISTRY_REFUSED',
        `Somebody else changed who may use ${name} each of the ${ATTEMPTS} times that setup wanted to.`,
        { facts: { registry: 'artifactregistry.googleapis.com', repository: name, status } },
      );
    }
  }
}

const ID = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+(?:\/cryptoKeyVersions\/\d+)?$/;
const SECRET = /^projects\/[^/]+\/secrets\/[^/]+\/versions\/[^/]+$/;
const LABEL = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

function mistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const { host, namespace, line, newKey } = desired;
  const immutable = desired.repositories.filter(({ settings }) => settings.immutable?.value.mode === 'all');
  const found: Mistake[] = [...cosignWarnings(immutable, SIGNATURES_ELSEWHERE)];
  if (!host.endsWith('-docker.pkg.dev') || namespace === '') {
    found.push(
      error(
        line,
        `\`at: ${desired.at}\`: expected the location and the project, such as \`europe-docker.pkg.dev/acme-prod\`.`,
      ),
    );
  }
  const key = (given: { readonly value: string | null; readonly line: number } | undefined) => {
    if (given === undefined || given.value === null || KEY.test(given.value)) return [];
    return [
      error(
        given.line,
        '`key`: Google names a key `projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`.',
      ),
    ];
  };
  found.push(...key(newKey));
  for (const { name, settings, line: at } of desired.repositories) {
    if (!ID.test(name)) {
      found.push(
        error(
          at,
          `"${name}": a repository of Artifact Registry has lower-case letters, digits and \`-\`, and begins with a letter.`,
        ),
      );
    }
    found.push(...key(settings.key));
    for (const [label, { value, line: lineOf }] of settings.labels ?? []) {
      if (LABEL.test(label) && (value === null || LABEL_VALUE.test(value))) continue;
      found.push(
        error(
          lineOf,
          `\`labels.${label}\`: labels of Google have lower-case letters, digits, \`_\` and \`-\` only, up to 63.`,
        ),
      );
    }
  }
  for (const { prefix, secret, user, line: at } of desired.cache?.value ?? []) {
    if (!ID.test(cacheRepository({ prefix }))) {
      found.push(
        error(at, `\`prefix: ${prefix}\`: in Artifact Registry a cache is a repository, whose name has no slash.`),
      );
    }
    if ((user === undefined) !== (secret === undefined))
      found.push(error(at, '`user` and `secret` of a cache go together.'));
    if (secret !== undefined && !SECRET.test(secret)) {
      found.push(
        error(
          at,
          '`secret`: Google reads the password from Secret Manager. Write `projects/<project>/secrets/<name>/versions/<version>`.',
        ),
      );
    }
  }
  return [...found, ...ownMistakes(desired)];
}
