import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { claimsOf } from './oidc.ts';

export interface AwsImage {
  readonly digest: string;
  readonly tags: string[];
  readonly size: number;
  /** Digests that are listed in this one, which cannot be deleted before it. */
  readonly children?: readonly string[];
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly subject?: string;
  /** Seconds since the epoch; default: the same for all. */
  readonly pushed?: number;
}

export interface AwsRepository {
  /** Text of its lifecycle policy. */
  lifecyclePolicy?: string;
  /** The policy that is previewed, and how often its result was asked for. */
  preview?: { readonly text: string; polls: number };
  readonly settings: Readonly<Record<string, unknown>>;
  readonly images: AwsImage[];
}

export interface AwsOptions {
  readonly region: string;
  readonly role: string;
  readonly subject: string;
  readonly now?: () => Date;
  /** Images on a page, whatever is asked for. */
  readonly page?: number;
  readonly repositories?: readonly string[];
  /** Seconds that a login of ECR lives; default: twelve hours. */
  readonly loginLives?: number;
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
  /** What a lifecycle policy would expire, other than by its documented meaning. */
  readonly expires?: (image: AwsImage) => boolean;
}

const PUSHED = 1_767_225_600;

/** STS of a region, and both kinds of ECR. Keys are given out by STS, or are those of the environment. */
export function awsDouble(options: AwsOptions) {
  const { region, role, subject, now = () => new Date(), page = 2, loginLives = 12 * 3600 } = options;
  const state = {
    keys: new Set(['AKIAENVIRONMENT']),
    sessions: new Map<string, string>(),
    logins: [] as string[],
    repositories: new Map<string, AwsRepository>(
      (options.repositories ?? []).map((name) => [name, { settings: {}, images: [] }]),
    ),
    /** Names of operations, in order. */
    asked: [] as string[],
  };
  const seconds = () => Math.floor(now().getTime() / 1000);

  const sts: Service = (request) => {
    const form = new URLSearchParams(request.body);
    if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return { status: 415 };
    if (form.get('Action') !== 'AssumeRoleWithWebIdentity' || form.get('Version') !== '2011-06-15')
      return { status: 400 };
    if (!/^[\w+=,.@-]{2,64}$/.test(form.get('RoleSessionName') ?? '')) return stsError(400, 'ValidationError', 'name');
    const { aud, sub, exp } = claimsOf(form.get('WebIdentityToken') ?? '');
    if (aud !== 'sts.amazonaws.com') return stsError(400, 'InvalidIdentityToken', 'Incorrect token audience');
    if (Number(exp) <= seconds())
      return stsError(400, 'ExpiredTokenException', 'Token expired: current date/time is later');
    if (form.get('RoleArn') !== role || sub !== subject)
      return stsError(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
    const key = `ASIA${String(state.sessions.size).padStart(16, '0')}`;
    const session = `session-${key}`;
    state.keys.add(key);
    state.sessions.set(key, session);
    const expiration = new Date((seconds() + 3600) * 1000).toISOString();
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>secret-of-${key}</SecretAccessKey><SessionToken>${session}</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    };
  };

  /** Who signed, and for which service: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
  const unsigned = ({ headers }: CloudRequest, service: string, where: string): CloudReply | undefined => {
    const signed =
      /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/\d{8}\/([a-z0-9-]+)\/([a-z-]+)\/aws4_request, SignedHeaders=\S*host\S*, Signature=[0-9a-f]{64}$/.exec(
        headers.authorization ?? '',
      );
    const [, key = '', at, what] = signed ?? [];
    if (what !== service || at !== where)
      return failure(400, 'InvalidSignatureException', 'The request signature is wrong.');
    const session = state.sessions.get(key);
    if (!state.keys.has(key) || (session !== undefined && headers['x-amz-security-token'] !== session))
      return failure(400, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
    return undefined;
  };

  const registry =
    (prefix: string, service: string, where: string): Service =>
    (request) => {
      const fault = options.before?.(request);
      if (fault !== undefined) return fault;
      const [target, operation = ''] = String(request.headers['x-amz-target']).split('.');
      if (request.method !== 'POST' || target !== prefix) return failure(400, 'UnknownOperationException', '');
      if (request.headers['content-type'] !== 'application/x-amz-json-1.1') return { status: 415 };
      const refused = unsigned(request, service, where);
      if (refused !== undefined) return refused;
      state.asked.push(operation);
      const parsed: unknown = JSON.parse(request.body);
      return answer(operation, fieldsOf(parsed), service);
    };

  const answer = (operation: string, asked: Readonly<Record<string, unknown>>, service: string): CloudReply => {
    const name = String(asked.repositoryName ?? fieldsOf({ first: [asked.repositoryNames].flat()[0] }).first ?? '');
    if (operation === 'GetAuthorizationToken') {
      const password = `ecr-password-${state.logins.length}-${service}`;
      state.logins.push(password);
      const data = {
        authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
        expiresAt: seconds() + loginLives,
      };
      return { status: 200, body: { authorizationData: service === 'ecr' ? [data] : data } };
    }
    if (operation === 'DescribeRegistries') {
      const aliases = [{ name: 'alias', status: 'ACTIVE', primaryRegistryAlias: true, defaultRegistryAlias: true }];
      const registry = {
        registryId: '123456789012',
        registryArn: 'arn',
        registryUri: 'public.ecr.aws/alias',
        verified: false,
      };
      return { status: 200, body: { registries: [{ ...registry, aliases }] } };
    }
    if (operation === 'CreateRepository') {
      if (state.repositories.has(name))
        return failure(400, 'RepositoryAlreadyExistsException', `The repository with name '${name}' already exists`);
      state.repositories.set(name, { settings: asked, images: [] });
      return { status: 200, body: { repository: { repositoryName: name } } };
    }
    const repository = state.repositories.get(name);
    if (repository === undefined) {
      const words = `The repository with name '${name}' does not exist in the registry with id '123456789012'`;
      return failure(400, 'RepositoryNotFoundException', words);
    }
    if (operation === 'DescribeRepositories') {
      const { imageTagMutability, imageTagMutabilityExclusionFilters } = repository.settings;
      const shown = { repositoryName: name, imageTagMutability, imageTagMutabilityExclusionFilters };
      return { status: 200, body: { repositories: [shown] } };
    }
    if (operation === 'DescribeImages') {
      const only = Array.isArray(asked.imageIds) ? asked.imageIds.map((id) => fieldsOf(id).imageDigest) : undefined;
      const images = repository.images.filter(({ digest }) => only?.includes(digest) ?? true);
      if (only !== undefined && images.length < only.length)
        return failure(400, 'ImageNotFoundException', 'The image does not exist within the repository.');
      const from = Number(asked.nextToken ?? 0);
      const imageDetails = images.slice(from, from + page).map((image) => detailsOf(image, service));
      const next = from + page < images.length ? { nextToken: String(from + page) } : {};
      return { status: 200, body: { imageDetails, ...next } };
    }
    if (operation.includes('LifecyclePolicy')) return lifecycle(operation, asked, repository);
    if (operation !== 'BatchDeleteImage') return failure(400, 'UnknownOperationException', operation);
    const ids = [asked.imageIds].flat().map(fieldsOf);
    if (ids.length > 100) return failure(400, 'InvalidParameterException', 'imageIds: at most 100');
    const results = ids.map((id) => removeImage(repository.images, id));
    const failures = results.flatMap((each) => ('failureCode' in each ? [each] : []));
    const imageIds = results.filter((each) => !('failureCode' in each));
    return { status: 200, body: { imageIds, failures } };
  };

  /** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartLifecyclePolicyPreview.html */
  const lifecycle = (
    operation: string,
    asked: Readonly<Record<string, unknown>>,
    repository: AwsRepository,
  ): CloudReply => {
    const named = { registryId: '123456789012', repositoryName: asked.repositoryName };
    const text = String(asked.lifecyclePolicyText ?? '');
    const none = failure(400, 'LifecyclePolicyNotFoundException', 'Lifecycle policy does not exist for the repository');
    const { lifecyclePolicy } = repository;
    if (operation === 'GetLifecyclePolicy') {
      return lifecyclePolicy === undefined
        ? none
        : { status: 200, body: { ...named, lifecyclePolicyText: asReturned(lifecyclePolicy), lastEvaluatedAt: 0 } };
    }
    if (operation === 'DeleteLifecyclePolicy') {
      if (lifecyclePolicy === undefined) return none;
      delete repository.lifecyclePolicy;
      return { status: 200, body: { ...named, lifecyclePolicyText: lifecyclePolicy } };
    }
    const wrong = text === '' ? undefined : wrongInLifecycle(text);
    if (wrong !== undefined) return failure(400, 'InvalidParameterException', wrong);
    if (operation === 'PutLifecyclePolicy') {
      repository.lifecyclePolicy = text;
      return { status: 200, body: { ...named, lifecyclePolicyText: text } };
    }
    if (operation === 'StartLifecyclePolicyPreview') {
      if (repository.preview !== undefined && repository.preview.polls === 0)
        return failure(400, 'LifecyclePolicyPreviewInProgressException', 'A lifecycle policy preview is in progress.');
      repository.preview = { text, polls: 0 };
      return { status: 200, body: { ...named, lifecyclePolicyText: text, status: 'IN_PROGRESS' } };
    }
    const { preview } = repository;
    if (preview === undefined) return failure(400, 'LifecyclePolicyPreviewNotFoundException', 'There is no dry run.');
    preview.polls += 1;
    const common = { ...named, lifecyclePolicyText: preview.text };
    if (preview.polls === 1) return { status: 200, body: { ...common, status: 'IN_PROGRESS' } };
    const expired = repository.images.filter(options.expires ?? expiredBy(preview.text, repository.images, now()));
    const from = Number(asked.nextToken ?? 0);
    const previewResults = expired.slice(from, from + page).map(({ digest, tags, pushed = PUSHED }) => ({
      imageDigest: digest,
      ...(tags.length === 0 ? {} : { imageTags: tags }),
      imagePushedAt: pushed,
      action: { type: 'EXPIRE' },
      appliedRulePriority: 1,
    }));
    const next = from + page < expired.length ? { nextToken: String(from + page) } : {};
    const summary = { expiringImageTotalCount: expired.length };
    return { status: 200, body: { ...common, status: 'COMPLETE', previewResults, summary, ...next } };
  };

  const hosts = {
    [`sts.${region}.amazonaws.com`]: sts,
    [`api.ecr.${region}.amazonaws.com`]: registry('AmazonEC2ContainerRegistry_V20150921', 'ecr', region),
    'sts.us-east-1.amazonaws.com': sts,
    'api.ecr-public.us-east-1.amazonaws.com': registry('SpencerFrontendService', 'ecr-public', 'us-east-1'),
  } satisfies Record<string, Service>;
  return { hosts, state };
}

/** With the defaults that the service adds. */
function asReturned(text: string): string {
  const { rules } = fieldsOf(JSON.parse(text));
  const list = Array.isArray(rules) ? rules.map(fieldsOf) : [];
  return JSON.stringify({
    rules: list.map((rule) => ({ ...rule, selection: { storageClass: 'standard', ...fieldsOf(rule.selection) } })),
  });
}

/** Rules that the real service refuses. https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html */
function wrongInLifecycle(text: string): string | undefined {
  const { rules } = fieldsOf(JSON.parse(text));
  const list = Array.isArray(rules) ? rules.map(fieldsOf) : [];
  const selections = list.map(({ selection }) => fieldsOf(selection));
  const priorities = new Set(list.map(({ rulePriority }) => rulePriority));
  if (list.length === 0 || list.length > 50 || priorities.size < list.length) return 'rules';
  if (selections.filter(({ tagStatus }) => tagStatus === 'untagged').length > 1) return 'two rules for untagged images';
  const isWrong = ({
    tagStatus,
    tagPatternList,
    tagPrefixList,
    countType,
    countUnit,
    countNumber,
  }: (typeof selections)[number]) =>
    (tagStatus === 'tagged') === (tagPatternList === undefined && tagPrefixList === undefined) ||
    (countType === 'sinceImagePushed') !== (countUnit === 'days') ||
    !(Number(countNumber) >= 1);
  return selections.some(isWrong) ? 'selection' : undefined;
}

/** The documented meaning of what this action writes: a pattern, the first rule that selects an image decides. */
function expiredBy(text: string, images: readonly AwsImage[], now: Date): (image: AwsImage) => boolean {
  const { rules } = fieldsOf(JSON.parse(text));
  const list = Array.isArray(rules) ? rules.map((rule) => fieldsOf(fieldsOf(rule).selection)) : [];
  const selects = ({ tagStatus, tagPatternList }: (typeof list)[number], { tags }: AwsImage) =>
    tagStatus === 'any' ||
    (tagStatus === 'untagged'
      ? tags.length === 0
      : [tagPatternList]
          .flat()
          .every((glob) =>
            tags.some((tag) => new RegExp(`^${String(glob).replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(tag)),
          ));
  return (image) => {
    if (images.some(({ children = [] }) => children.includes(image.digest)) || image.subject !== undefined)
      return false;
    const rule = list.find((each) => selects(each, image));
    return (
      rule?.countType === 'sinceImagePushed' &&
      now.getTime() / 1000 - (image.pushed ?? PUSHED) > Number(rule.countNumber) * 86_400
    );
  };
}

function failure(status: number, type: string, message: string): CloudReply {
  return { status, headers: { 'x-amzn-requestid': '1' }, body: { __type: type, message } };
}

function stsError(status: number, code: string, message: string): CloudReply {
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
  };
}

function detailsOf(
  { digest, tags, size, mediaType, artifactType, subject, pushed = PUSHED }: AwsImage,
  service: string,
) {
  return {
    imageDigest: digest,
    ...(tags.length === 0 ? {} : { imageTags: tags }),
    imageSizeInBytes: size,
    imagePushedAt: pushed,
    imageManifestMediaType: mediaType ?? 'application/vnd.oci.image.index.v1+json',
    ...(artifactType === undefined ? {} : { artifactMediaType: artifactType }),
    ...(service === 'ecr' ? { lastRecordedPullTime: PUSHED + 86_400 } : {}),
    ...(service === 'ecr' && subject !== undefined ? { subjectManifestDigest: subject } : {}),
  };
}

/** The last tag takes the image with it; what an index lists stays, whichever way it is asked for. */
function removeImage(images: AwsImage[], id: Readonly<Record<string, unknown>>) {
  const image = images.find(({ digest, tags }) =>
    id.imageDigest === undefined ? tags.includes(String(id.imageTag)) : digest === id.imageDigest,
  );
  const fail = (failureCode: string, failureReason: string) => ({ imageId: id, failureCode, failureReason });
  if (image === undefined) return fail('ImageNotFound', 'Requested image not found');
  const goes = id.imageDigest !== undefined || image.tags.length === 1;
  if (goes && images.some(({ children = [] }) => children.includes(image.digest)))
    return fail('ImageReferencedByManifestList', 'Requested image referenced by manifest list');
  if (id.imageTag !== undefined) image.tags.splice(image.tags.indexOf(String(id.imageTag)), 1);
  if (goes) images.splice(images.indexOf(image), 1);
  return { imageDigest: image.digest, ...(id.imageTag === undefined ? {} : { imageTag: id.imageTag }) };
}
