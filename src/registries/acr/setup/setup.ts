import { fieldsOf } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { unexpected } from '../../../http/api.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import { planOf } from '../../setup/change.ts';
import { stepSecret } from '../../setup/step-secret.ts';
import {
  type Applied,
  registrySetup,
  type SetupContext,
  type SetupDefinition,
  type VendorSetup,
} from '../../setup-port.ts';
import { listRepositories } from '../catalog.ts';
import { type Arm, openArm } from './arm.ts';
import { mistakes } from './mistakes.ts';
import { planRoles, planTokens } from './plan-access.ts';
import { planCache, vaultHint } from './plan-cache.ts';
import { planRegistry, planReplications } from './plan-registry.ts';
import { planTask, planWebhooks, taskName } from './plan-tasks.ts';
import { type LiveAcr, propertiesOf, readAcr } from './read.ts';
import { acrState, unreadAcr } from './state.ts';
import type { AcrRequest } from './step.ts';
import { wantedOf } from './wanted.ts';

/** Azure manages a registry as one resource; repositories are made by pushes and have tokens only. */
export const acrSetup: SetupDefinition = {
  block: 'azure',
  unitOf: (repository) => repository,
  principals: ['acr-token', 'entra'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

/** `/subscriptions/…/registries/name`. A name has no `-`: what follows one is a label of the DNS zone. */
function resourceOf({ in: group, host }: DesiredRegistry): string {
  const [name = ''] = (host.split('.', 1)[0] ?? '').split('-', 1);
  return `${(group?.value ?? '').replace(/\/+$/, '')}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

/** Errors that say that the list may not be read, or that there is no registry yet. */
const UNLISTED: ReadonlySet<string> = new Set([
  'DENIED',
  'UNAUTHORIZED',
  'SCOPE_TOO_NARROW',
  'CREDENTIALS_MISSING',
  'KEYLESS_REFUSED',
  'REGISTRY_UNREACHABLE',
]);

function openSetup(context: SetupContext): VendorSetup<LiveAcr, AcrRequest & { readonly resource: string }> {
  const opened = new Map<string, Arm>();
  const armOf = (resource: string): Arm => {
    const arm = opened.get(resource) ?? openArm(context, resource);
    opened.set(resource, arm);
    return arm;
  };
  return {
    // The list is of the registry itself, which those who only manage it may not read: then there is nothing to match.
    names: () =>
      listRepositories(context).catch((error: unknown) => {
        if (!(error instanceof ActionError) || !UNLISTED.has(error.code)) throw error;
        context.log.warning(
          `The repositories of ${context.host} cannot be listed, so \`match\` finds none: ${error.message}`,
        );
        return undefined;
      }),
    readLive: (desired) => {
      const { tokens, roles, purge } = wantedOf(desired);
      return readAcr(armOf(resourceOf(desired)), {
        replications: desired.replicate !== undefined,
        cache: desired.cache !== undefined,
        tokens: tokens.length > 0,
        roles: roles.length > 0,
        webhooks:
          desired.webhooks !== undefined ||
          desired.repositories.some(({ settings }) => settings.webhooks !== undefined),
        task: purge === undefined ? undefined : taskName(desired.owner),
      });
    },
    plan: planAcr,
    state: { of: (desired, live) => acrState(desired, live, resourceOf(desired), planAcr), unread: unreadAcr },
    apply: (request) => apply(context, armOf(request.resource), request),
  };
}

function planAcr(desired: DesiredRegistry, live: LiveAcr): RegistryPlan<AcrRequest & { readonly resource: string }> {
  const resource = resourceOf(desired);
  const wanted = wantedOf(desired);
  const registry = planRegistry(desired, wanted, live);
  const isThere = live.registry !== undefined || registry.some(({ request }) => request !== undefined);
  // A registry that is about to be made has its location from the file.
  const made = live.registry ?? {
    location: desired.own.get('azure')?.get('location')?.value,
    sku: { name: desired.own.get('azure')?.get('sku')?.value },
  };
  const later = isThere ? { ...live, registry: made } : live;
  const plan = planOf<AcrRequest>(
    [
      {
        subject: '',
        accept: desired.accept,
        changes: [
          ...registry,
          ...(isThere
            ? [
                ...planReplications(desired, later),
                ...planCache(desired, later, resource),
                ...planTokens(desired, wanted, later, resource),
                ...planRoles(wanted, later, resource),
                ...planTask(desired, wanted, later),
                ...planWebhooks(desired, later),
              ]
            : []),
        ],
      },
      ...wanted.lacks,
    ],
    wideRoles(desired),
  );
  return { ...plan, steps: plan.steps.map((step) => ({ ...step, request: { ...step.request, resource } })) };
}

function wideRoles(desired: DesiredRegistry): readonly string[] {
  const hasRoles = desired.repositories.some((repository) => grantsTo(grantsOf(repository), 'entra').length > 0);
  return hasRoles
    ? [
        `Roles of Azure hold for all repositories of ${desired.host}. To give access to some only, use tokens (\`acr:token/…\`).`,
      ]
    : [];
}

async function apply(context: SetupContext, arm: Arm, request: AcrRequest): Promise<Applied> {
  const { host, api } = context;
  const { method, path, json, what, header } = request;
  if (method === 'PUT' && path.startsWith('/cacheRules/')) await demandHealthy(context, arm, request);
  const secret = header === undefined ? {} : { customHeaders: { Authorization: stepSecret(context, header, what) } };
  const body = header === undefined ? json : { ...json, properties: { ...fieldsOf(json?.properties), ...secret } };
  const made = await arm.write({ method, path, what, ...(body === undefined ? {} : { json: body }) });
  if (path.startsWith('/credentialSets/') && method === 'PUT') {
    return { note: vaultHint(fieldsOf(made.identity).principalId) };
  }
  if (path !== '/generateCredentials') return {};
  const [password] = Array.isArray(made.passwords) ? made.passwords.map(fieldsOf) : [];
  const username = made.username ?? String(json?.tokenId).split('/').at(-1);
  if (typeof password?.value !== 'string') throw unexpected('management.azure.com', what);
  api.secret(password.value);
  return {
    issued: [{ name: `${host} token ${String(username)}`, username: String(username), password: password.value }],
  };
}

/** Azure takes a rule whose credentials it cannot read, and every pull through it fails then. */
async function demandHealthy({ host }: SetupContext, arm: Arm, { json, what }: AcrRequest): Promise<void> {
  const { credentialSetResourceId: id } = fieldsOf(json?.properties);
  if (typeof id !== 'string') return;
  const set = await arm.get(`/credentialSets/${id.split('/').at(-1)}`, what);
  const [credential] = [propertiesOf(set).authCredentials].flat().map(fieldsOf);
  const { status, errorMessage } = fieldsOf(credential?.credentialHealth);
  if (status !== 'Unhealthy') return;
  throw new ActionError(
    'REGISTRY_REFUSED',
    `${host} cannot read the credentials for ${what} yet${typeof errorMessage === 'string' ? `: ${errorMessage}` : '.'}`,
    { facts: { registry: host }, remedy: [vaultHint(fieldsOf(set?.identity).principalId), 'Run setup again.'] },
  );
}
