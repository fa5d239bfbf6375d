import type { ECR } from '@aws-sdk/client-ecr';
import { canonicalJson } from '../../../domain/canonical-json.ts';
import { signingText } from '../../../domain/setup/ecr/account.ts';
import { replicationText } from '../../../domain/setup/ecr/replication.ts';
import type { EcrRequest } from '../../../domain/setup/ecr/request.ts';
import { sortedRules } from '../../../domain/setup/ecr/scanning.ts';
import { ActionError } from '../../../errors/action-error.ts';
import type { Applied, SetupContext } from '../../setup-port.ts';
import { readSdkError } from '../sdk.ts';
import { type AskEcr, unless } from './ask-ecr.ts';
import { previewed } from './preview-lifecycle.ts';
import { putReplication } from './raw-replication.ts';
import { readRegistryPolicy, readReplication, readScanning, readSigning } from './read-registry.ts';

/** Errors that mean that the step was done already: by a run that was interrupted, or by another one. */
const DONE: Readonly<Partial<Record<EcrRequest['operation'], string>>> = {
  CreateRepository: 'RepositoryAlreadyExistsException',
  CreatePullThroughCacheRule: 'PullThroughCacheRuleAlreadyExistsException',
  CreateRepositoryCreationTemplate: 'TemplateAlreadyExistsException',
  StartReplicationBackfill: 'ReplicationBackfillInProgressException',
  RegisterPullTimeUpdateExclusion: 'ExclusionAlreadyExistsException',
  DeleteLifecyclePolicy: 'LifecyclePolicyNotFoundException',
};

/** How long a role that was made a moment ago may be unknown to ECR. */
const PRINCIPAL_PATIENCE_MS = 60_000;
const PRINCIPAL_PAUSE_MS = 5_000;

interface ApplyContext {
  readonly ask: AskEcr;
  readonly account: string;
  readonly host: string;
  readonly clock: SetupContext['clock'];
}

/** Does one step. Documents that several teams share are read again right before, and once more after. */
export async function applyEcr(request: EcrRequest, context: ApplyContext): Promise<Applied> {
  await unchanged(request, context);
  const note = request.operation === 'PutLifecyclePolicy' ? await previewed(request, context) : undefined;
  const what = describe(request);
  const done = await context.ask('write', what, (client) =>
    patient(request, context, async () => {
      try {
        await send(client, request, context.account);
        return 'done';
      } catch (error) {
        if (readSdkError(error).name === DONE[request.operation]) return 'already';
        throw error;
      }
    }),
  );
  if (done === 'already' && request.operation === 'StartReplicationBackfill')
    return { note: 'Another copy of existing images is under way, and AWS does one at a time: run again later.' };
  if (done === 'already') return { isStale: true };
  return note === undefined ? {} : { note };
}

async function send(client: ECR, request: EcrRequest, registryId: string): Promise<unknown> {
  switch (request.operation) {
    case 'CreateRepository':
      return client.createRepository({ registryId, ...request.input });
    case 'PutImageTagMutability':
      return client.putImageTagMutability({ registryId, ...request.input });
    case 'PutImageScanningConfiguration':
      return client.putImageScanningConfiguration({ registryId, ...request.input });
    case 'TagResource':
      return client.tagResource(request.input);
    case 'UntagResource':
      return client.untagResource(request.input);
    case 'SetRepositoryPolicy': {
      const { repositoryName, policyText } = request.input;
      const name = { registryId, repositoryName };
      return policyText === null
        ? unless('RepositoryPolicyNotFoundException', () => client.deleteRepositoryPolicy(name))
        : client.setRepositoryPolicy({ ...name, policyText });
    }
    case 'PutLifecyclePolicy':
      return client.putLifecyclePolicy({ registryId, ...request.input });
    case 'DeleteLifecyclePolicy':
      return client.deleteLifecyclePolicy({ registryId, ...request.input });
    case 'PutRegistryScanningConfiguration':
      return client.putRegistryScanningConfiguration(request.input);
    case 'PutReplicationConfiguration':
      return putReplication(client, request.input.replicationConfiguration.rules);
    case 'StartReplicationBackfill':
      return client.startReplicationBackfill({ registryId, ...request.input });
    case 'PutRegistryPolicy': {
      const { policyText } = request.input;
      return policyText === null
        ? unless('RegistryPolicyNotFoundException', () => client.deleteRegistryPolicy({}))
        : client.putRegistryPolicy({ policyText });
    }
    case 'CreatePullThroughCacheRule':
      return client.createPullThroughCacheRule({ registryId, ...request.input });
    case 'UpdatePullThroughCacheRule':
      return client.updatePullThroughCacheRule({ registryId, ...request.input });
    case 'CreateRepositoryCreationTemplate':
      return client.createRepositoryCreationTemplate(request.input);
    case 'UpdateRepositoryCreationTemplate':
      return client.updateRepositoryCreationTemplate(request.input);
    case 'PutSigningConfiguration':
      return client.putSigningConfiguration(request.input);
    case 'PutAccountSetting':
      return client.putAccountSetting(request.input);
    case 'RegisterPullTimeUpdateExclusion':
      return client.registerPullTimeUpdateExclusion(request.input);
  }
}

/** A document that is replaced as a whole must still be what the plan was made from. @throws ActionError SETUP_CONFLICT */
async function unchanged(request: EcrRequest, { ask, account, host }: ApplyContext): Promise<void> {
  if (!isShared(request)) return;
  const now = await current(request, ask, account);
  if (now === request.before) return;
  throw new ActionError(
    'SETUP_CONFLICT',
    `${host}: ${describe(request)} was stopped, because somebody else changed it since it was read.`,
    { facts: { registry: host } },
  );
}

/** A request that replaces a document which several teams may write. */
type SharedRequest = Extract<EcrRequest, { readonly before: unknown }>;

function isShared(request: EcrRequest): request is SharedRequest {
  return 'before' in request;
}

async function current(request: SharedRequest, ask: AskEcr, registryId: string): Promise<string | null> {
  switch (request.operation) {
    case 'SetRepositoryPolicy': {
      const { repositoryName } = request.input;
      const answer = await ask('read', `reading the policy of ${repositoryName}`, (client) =>
        unless('RepositoryPolicyNotFoundException', () => client.getRepositoryPolicy({ registryId, repositoryName })),
      );
      return answer?.policyText ?? null;
    }
    case 'PutLifecyclePolicy': {
      const repositoryName = request.input.repositoryName ?? '';
      const answer = await ask('read', `reading the lifecycle policy of ${repositoryName}`, (client) =>
        unless('LifecyclePolicyNotFoundException', () => client.getLifecyclePolicy({ registryId, repositoryName })),
      );
      return answer?.lifecyclePolicyText ?? null;
    }
    case 'PutReplicationConfiguration':
      return replicationText(await readReplication(ask));
    case 'PutRegistryScanningConfiguration':
      return canonicalJson(sortedRules(await readScanning(ask)));
    case 'PutRegistryPolicy':
      return readRegistryPolicy(ask);
    case 'PutSigningConfiguration':
      return signingText(await readSigning(ask));
  }
}

/** For messages: `setting the policy of acme/api`. */
function describe({ operation, input }: EcrRequest): string {
  const subject = 'repositoryName' in input && input.repositoryName !== undefined ? ` for ${input.repositoryName}` : '';
  return `${operation}${subject}`;
}

/** A role that was made a moment ago is not known everywhere: AWS answers "Principal not found" for some seconds. */
async function patient<T>({ operation }: EcrRequest, { clock }: ApplyContext, task: () => Promise<T>): Promise<T> {
  const isPolicy = operation === 'SetRepositoryPolicy' || operation === 'PutRegistryPolicy';
  for (let waited = 0; ; waited += PRINCIPAL_PAUSE_MS) {
    try {
      return await task();
    } catch (error) {
      const isUnknown = /principal not found|invalid principal/i.test(readSdkError(error).words);
      if (!isPolicy || !isUnknown || waited >= PRINCIPAL_PATIENCE_MS) throw error;
      await clock.sleep(PRINCIPAL_PAUSE_MS);
    }
  }
}
