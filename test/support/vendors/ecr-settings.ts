import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import { ECR_ACTIONS } from '../../../src/domain/setup/ecr/actions.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export const ACCOUNT = '111122223333';
const REGION = 'eu-west-1';
export const ECR_HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;
const KMS_API = `kms.${REGION}.amazonaws.com`;
export const ECR_API = `api.ecr.${REGION}.amazonaws.com`;

interface StoredRepository {
  settings: Record<string, unknown>;
  tags: Record<string, string>;
  policy?: string;
  lifecycle?: string;
  /** What a preview says that it would expire. */
  expiring?: readonly { readonly imageDigest: string; readonly imageTags: readonly string[] }[];
  previewed?: string;
}

/** What a registry of Amazon ECR stores besides images. */
export function ecrSettings() {
  const state = {
    repositories: new Map<string, StoredRepository>(),
    replication: [] as Fields[],
    registryPolicy: undefined as string | undefined,
    scanning: { scanType: 'BASIC', rules: [] as Fields[] },
    caches: new Map<string, Fields>(),
    templates: new Map<string, Fields>(),
    signing: undefined as Fields[] | undefined,
    account: new Map<string, string>([['BLOB_MOUNTING', 'DISABLED']]),
    backfills: [] as Fields[],
    exclusions: [] as string[],
    /** Operations of the last runs, in order. */
    asked: [] as string[],
    /** Operations that the identity may not use. */
    denied: new Set<string>(),
    /** Whether the list of all repositories is denied, and single ones are not. */
    listDenied: false,
    /** Principals that AWS does not know yet: for each, how often it is still unknown. */
    unknown: new Map<string, number>(),
    /** Called before a write is done; what it returns is answered instead. */
    onWrite: undefined as ((operation: string, input: Fields) => CloudReply | undefined) | undefined,
  };
  const api: Service = (request) => answer(state, request);
  return {
    state,
    hosts: { [ECR_API]: api, [KMS_API]: (request: CloudRequest) => describeKey(state, request) },
    writes: () => state.asked.filter((operation) => !READ.test(operation)),
    /** Makes a repository as if it had been there before. */
    repository: (name: string, settings: Record<string, unknown> = {}, more: Partial<StoredRepository> = {}) => {
      const stored = { settings, tags: {}, ...more };
      state.repositories.set(name, stored);
      return stored;
    },
  };
}

type EcrSettings = ReturnType<typeof ecrSettings>;
type State = EcrSettings['state'];

const READ = /^(?:Describe|Get|List|BatchGet|StartLifecyclePolicyPreview$)/;

function answer(state: State, request: CloudRequest): CloudReply {
  const [target, operation = ''] = String(request.headers['x-amz-target']).split('.');
  if (target !== 'AmazonEC2ContainerRegistry_V20150921') return failure('UnknownOperationException', '');
  state.asked.push(operation);
  if (state.denied.has(operation))
    return failure('AccessDeniedException', `User is not authorized to perform: ecr:${operation}`);
  const input = fieldsOf(JSON.parse(request.body));
  if (!READ.test(operation)) {
    const instead = state.onWrite?.(operation, input);
    if (instead !== undefined) return instead;
  }
  const handler = HANDLERS[operation];
  return handler === undefined ? failure('UnknownOperationException', operation) : handler(state, input);
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html */
function describeKey(state: State, { headers, body }: CloudRequest): CloudReply {
  if (headers['x-amz-target'] !== 'TrentService.DescribeKey') return failure('UnknownOperationException', '');
  state.asked.push('DescribeKey');
  if (state.denied.has('DescribeKey'))
    return failure('AccessDeniedException', 'User is not authorized to perform: kms:DescribeKey');
  const KeyId = String(fieldsOf(JSON.parse(body)).KeyId);
  return ok({ KeyMetadata: { KeyId, Arn: keyArn(KeyId) } });
}

type Handler = (state: State, input: Fields) => CloudReply;

const ok = (body: unknown): CloudReply => ({ status: 200, body });
const failure = (type: string, message: string): CloudReply => ({
  status: 400,
  headers: { 'x-amzn-requestid': '1' },
  body: { __type: type, message },
});

/** Does something with the repository of a request. */
const withRepository =
  (act: (repository: StoredRepository, input: Fields, state: State) => CloudReply): Handler =>
  (state, input) => {
    const name = String(input.repositoryName);
    const repository = state.repositories.get(name);
    return repository === undefined
      ? failure('RepositoryNotFoundException', `The repository with name '${name}' does not exist`)
      : act(repository, input, state);
  };

const arnOf = (name: string) => `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${name}`;

function shown(name: string, { settings }: StoredRepository) {
  return {
    repositoryArn: arnOf(name),
    registryId: ACCOUNT,
    repositoryName: name,
    imageTagMutability: settings.imageTagMutability ?? 'MUTABLE',
    ...(settings.imageTagMutabilityExclusionFilters === undefined
      ? {}
      : { imageTagMutabilityExclusionFilters: settings.imageTagMutabilityExclusionFilters }),
    imageScanningConfiguration: settings.imageScanningConfiguration ?? { scanOnPush: false },
    encryptionConfiguration: settings.encryptionConfiguration ?? { encryptionType: 'AES256' },
  };
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  DescribeRepositories: (state, { repositoryNames }) => {
    if (state.listDenied && repositoryNames === undefined)
      return failure('AccessDeniedException', 'User is not authorized to perform: ecr:DescribeRepositories');
    const names = Array.isArray(repositoryNames) ? repositoryNames.map(String) : [...state.repositories.keys()];
    const missing = names.find((name) => !state.repositories.has(name));
    if (missing !== undefined)
      return failure('RepositoryNotFoundException', `The repository with name '${missing}' does not exist`);
    const repositories = names.flatMap((name) => {
      const found = state.repositories.get(name);
      return found === undefined ? [] : [shown(name, found)];
    });
    return ok({ repositories });
  },
  CreateRepository: (state, input) => {
    const name = String(input.repositoryName);
    if (state.repositories.has(name)) return failure('RepositoryAlreadyExistsException', `${name} already exists`);
    const wrong = wrongFilters(input);
    if (wrong !== undefined) return wrong;
    const { tags, ...settings } = input;
    const pairs = Array.isArray(tags) ? tags.map(fieldsOf).map(({ Key, Value }) => [String(Key), String(Value)]) : [];
    const stored: StoredRepository = { settings, tags: Object.fromEntries(pairs) };
    const encryption = fieldsOf(settings.encryptionConfiguration);
    // ECR returns the key as an ARN, however it was named.
    if (typeof encryption.kmsKey === 'string' && !encryption.kmsKey.startsWith('arn:'))
      stored.settings.encryptionConfiguration = { ...encryption, kmsKey: keyArn(encryption.kmsKey) };
    state.repositories.set(name, stored);
    return ok({ repository: shown(name, stored) });
  },
  PutImageTagMutability: withRepository((repository, input) => {
    const wrong = wrongFilters(input);
    if (wrong !== undefined) return wrong;
    const { imageTagMutability, imageTagMutabilityExclusionFilters } = input;
    Object.assign(repository.settings, { imageTagMutability, imageTagMutabilityExclusionFilters });
    return ok({});
  }),
  PutImageScanningConfiguration: withRepository((repository, { imageScanningConfiguration }) => {
    Object.assign(repository.settings, { imageScanningConfiguration });
    return ok({});
  }),
  ListTagsForResource: (state, { resourceArn }) => {
    const found = byArn(state, resourceArn);
    return ok({ tags: Object.entries(found?.tags ?? {}).map(([Key, Value]) => ({ Key, Value })) });
  },
  TagResource: (state, { resourceArn, tags }) => {
    for (const { Key, Value } of [tags].flat().map(fieldsOf)) {
      const found = byArn(state, resourceArn);
      if (found !== undefined) found.tags[String(Key)] = String(Value);
    }
    return ok({});
  },
  UntagResource: (state, { resourceArn, tagKeys }) => {
    for (const key of [tagKeys].flat()) delete byArn(state, resourceArn)?.tags[String(key)];
    return ok({});
  },
  GetRepositoryPolicy: withRepository(({ policy }) =>
    policy === undefined ? failure('RepositoryPolicyNotFoundException', 'no policy') : ok({ policyText: policy }),
  ),
  SetRepositoryPolicy: withRepository((repository, { policyText }, state) => {
    const wrong = wrongPolicy(state, String(policyText));
    if (wrong !== undefined) return wrong;
    repository.policy = asStored(String(policyText));
    return ok({});
  }),
  DeleteRepositoryPolicy: withRepository((repository) => {
    if (repository.policy === undefined) return failure('RepositoryPolicyNotFoundException', 'no policy');
    delete repository.policy;
    return ok({});
  }),
  GetLifecyclePolicy: withRepository(({ lifecycle }) =>
    lifecycle === undefined
      ? failure('LifecyclePolicyNotFoundException', 'no policy')
      : ok({ lifecyclePolicyText: lifecycle }),
  ),
  StartLifecyclePolicyPreview: withRepository((repository, { lifecyclePolicyText, repositoryName }) => {
    repository.previewed = String(lifecyclePolicyText);
    return ok({ repositoryName, lifecyclePolicyText, status: 'IN_PROGRESS' });
  }),
  GetLifecyclePolicyPreview: withRepository(({ previewed, expiring = [] }, { repositoryName }) =>
    previewed === undefined
      ? failure('LifecyclePolicyPreviewNotFoundException', 'There is no dry run.')
      : ok({
          repositoryName,
          lifecyclePolicyText: previewed,
          status: 'COMPLETE',
          previewResults: expiring.map((image) => ({ ...image, action: { type: 'EXPIRE' }, appliedRulePriority: 1 })),
        }),
  ),
  PutLifecyclePolicy: withRepository((repository, { lifecyclePolicyText }) => {
    const text = String(lifecyclePolicyText);
    const { rules } = fieldsOf(JSON.parse(text));
    const list = Array.isArray(rules) ? rules.map(fieldsOf) : [];
    const any = list.find((rule) => fieldsOf(rule.selection).tagStatus === 'any');
    const highest = Math.max(...list.map(({ rulePriority }) => Number(rulePriority)));
    if (any !== undefined && any.rulePriority !== highest)
      return failure(
        'InvalidParameterException',
        'Invalid parameter at rule with tagStatus any: must have the highest value of rulePriority',
      );
    repository.lifecycle = text;
    return ok({});
  }),
  DeleteLifecyclePolicy: withRepository((repository) => {
    if (repository.lifecycle === undefined) return failure('LifecyclePolicyNotFoundException', 'no policy');
    delete repository.lifecycle;
    return ok({});
  }),
  GetRegistryScanningConfiguration: ({ scanning }) => ok({ registryId: ACCOUNT, scanningConfiguration: scanning }),
  PutRegistryScanningConfiguration: (state, { scanType, rules }) => {
    state.scanning = { scanType: String(scanType), rules: [rules ?? []].flat().map(fieldsOf) };
    return ok({});
  },
  DescribeRegistry: ({ replication }) => ok({ registryId: ACCOUNT, replicationConfiguration: { rules: replication } }),
  PutReplicationConfiguration: (state, { replicationConfiguration }) => {
    const rules = [fieldsOf(replicationConfiguration).rules ?? []].flat().map(fieldsOf);
    const own = rules.flatMap(({ destinations }) => [destinations].flat().map(fieldsOf));
    if (own.some(({ region, registryId }) => region === REGION && registryId === ACCOUNT))
      return failure('InvalidParameterException', 'The destination must not be the source registry');
    state.replication = rules;
    return ok({});
  },
  ListReplicationBackfills: ({ backfills }) => ok({ registryId: ACCOUNT, backfills }),
  StartReplicationBackfill: (state, { destination }) => {
    const id = `00000000-0000-4000-8000-${String(state.backfills.length).padStart(12, '0')}`;
    state.backfills.push({ replicationBackfillId: id, destination, status: 'COMPLETE', startedAt: 1_767_225_600 });
    return ok({ replicationBackfillId: id, destination, status: 'PREPARING' });
  },
  GetRegistryPolicy: ({ registryPolicy }) =>
    registryPolicy === undefined
      ? failure('RegistryPolicyNotFoundException', 'no policy')
      : ok({ registryId: ACCOUNT, policyText: registryPolicy }),
  PutRegistryPolicy: (state, { policyText }) => {
    const wrong = wrongPolicy(state, String(policyText));
    if (wrong !== undefined) return wrong;
    state.registryPolicy = asStored(String(policyText));
    return ok({});
  },
  DeleteRegistryPolicy: (state) => {
    state.registryPolicy = undefined;
    return ok({});
  },
  DescribePullThroughCacheRules: ({ caches }) => ok({ pullThroughCacheRules: [...caches.values()] }),
  CreatePullThroughCacheRule: (state, input) => {
    const prefix = String(input.ecrRepositoryPrefix);
    if (state.caches.has(prefix)) return failure('PullThroughCacheRuleAlreadyExistsException', prefix);
    if (input.upstreamRegistryUrl === 'registry-1.docker.io' && input.credentialArn === undefined)
      return failure(
        'UnsupportedUpstreamRegistryException',
        'The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN',
      );
    state.caches.set(prefix, { upstreamRepositoryPrefix: 'ROOT', ...input });
    return ok({});
  },
  UpdatePullThroughCacheRule: (state, input) => {
    const prefix = String(input.ecrRepositoryPrefix);
    state.caches.set(prefix, { ...state.caches.get(prefix), ...input });
    return ok({});
  },
  DescribeRepositoryCreationTemplates: ({ templates }) => ok({ repositoryCreationTemplates: [...templates.values()] }),
  CreateRepositoryCreationTemplate: (state, input) => {
    const prefix = String(input.prefix);
    if (state.templates.has(prefix)) return failure('TemplateAlreadyExistsException', prefix);
    state.templates.set(prefix, input);
    return ok({});
  },
  UpdateRepositoryCreationTemplate: (state, input) => {
    state.templates.set(String(input.prefix), { ...state.templates.get(String(input.prefix)), ...input });
    return ok({});
  },
  GetSigningConfiguration: ({ signing }) =>
    signing === undefined
      ? failure('SigningConfigurationNotFoundException', 'none')
      : ok({ registryId: ACCOUNT, signingConfiguration: { rules: signing } }),
  PutSigningConfiguration: (state, { signingConfiguration }) => {
    state.signing = [fieldsOf(signingConfiguration).rules ?? []].flat().map(fieldsOf);
    return ok({});
  },
  GetAccountSetting: ({ account }, { name }) => ok({ name, value: account.get(String(name)) }),
  PutAccountSetting: ({ account }, { name, value }) => {
    account.set(String(name), String(value));
    return ok({ name, value });
  },
  ListPullTimeUpdateExclusions: ({ exclusions }) => ok({ pullTimeUpdateExclusions: exclusions }),
  RegisterPullTimeUpdateExclusion: ({ exclusions }, { principalArn }) => {
    exclusions.push(String(principalArn));
    return ok({ principalArn });
  },
};

export const keyArn = (key: string) => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${key.replace(/\W/g, '-')}`;

function byArn({ repositories }: State, arn: unknown): StoredRepository | undefined {
  return [...repositories].find(([name]) => arnOf(name) === arn)?.[1];
}

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html */
function wrongFilters({
  imageTagMutability,
  imageTagMutabilityExclusionFilters: filters,
}: Fields): CloudReply | undefined {
  const isWith = String(imageTagMutability).endsWith('_WITH_EXCLUSION');
  const list = filters === undefined ? [] : [filters].flat().map(fieldsOf);
  if (isWith !== list.length > 0)
    return failure('InvalidParameterException', 'exclusion filters and mutability do not fit');
  const stars = list.find(({ filter }) => String(filter).split('*').length > 3);
  return stars === undefined ? undefined : failure('InvalidParameterException', 'at most two wildcards');
}

function wrongPolicy(state: State, text: string): CloudReply | undefined {
  const { Statement } = fieldsOf(JSON.parse(text));
  for (const statement of [Statement].flat().map(fieldsOf)) {
    for (const action of [statement.Action].flat().map(String)) {
      const name = action.replace(/^ecr:/, '');
      if (action !== '*' && !name.includes('*') && !ECR_ACTIONS.includes(name))
        return failure('InvalidParameterException', `Invalid action ${action}`);
    }
    for (const id of [fieldsOf(statement.Principal).AWS ?? []].flat().map(String)) {
      const left = state.unknown.get(id) ?? 0;
      if (left > 0) {
        state.unknown.set(id, left - 1);
        return failure(
          'InvalidParameterException',
          "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
        );
      }
    }
  }
  return undefined;
}

/** AWS returns a policy in another order and form than it was sent. */
function asStored(text: string): string {
  const { Statement, ...rest } = fieldsOf(JSON.parse(text));
  const statements = [Statement]
    .flat()
    .map(fieldsOf)
    .map((statement) =>
      Object.fromEntries(
        Object.entries(statement)
          .toReversed()
          .map(([key, value]) => [key, stored(value)]),
      ),
    );
  return JSON.stringify({ ...rest, Statement: statements });
}

function stored(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? stored(value[0]) : value.toReversed();
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, stored(each)]));
}
