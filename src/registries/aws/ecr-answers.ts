import type { Credentials } from '../../credentials/credential.ts';
import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { registryError } from '../../http/registry-error.ts';
import type { ListedImage, LoginContext, ManagementContext } from '../vendor.ts';
import type { Identity } from './sdk-credentials.ts';

/** The part of DescribeImages that both kinds of ECR share. */
export interface EcrAnswer {
  readonly imageDetails?:
    | readonly {
        readonly imageDigest?: string | undefined;
        readonly imageTags?: readonly string[] | undefined;
        readonly imageSizeInBytes?: number | undefined;
        readonly imagePushedAt?: Date | undefined;
        readonly lastRecordedPullTime?: Date | undefined;
        readonly imageManifestMediaType?: string | undefined;
        readonly artifactMediaType?: string | undefined;
        readonly subjectManifestDigest?: string | undefined;
      }[]
    | undefined;
  readonly nextToken?: string | undefined;
}

/** Both kinds of ECR delete images in batches and return status 200 with a result for each. */
export interface Deletion {
  readonly imageIds?: readonly unknown[] | undefined;
  readonly failures?:
    | readonly {
        readonly imageId?: { readonly imageDigest?: string | undefined } | undefined;
        readonly failureCode?: string | undefined;
        readonly failureReason?: string | undefined;
      }[]
    | undefined;
}

/** User name and password from `base64(AWS:password)`. */
export function readAuthorization(
  context: LoginContext,
  data: { readonly authorizationToken?: string | undefined; readonly expiresAt?: Date | undefined } | undefined,
  from: string,
): Credentials {
  const token = data?.authorizationToken ?? '';
  const [username = '', ...rest] = Buffer.from(token, 'base64').toString('utf8').split(':');
  const password = rest.join(':');
  if (username === '' || password === '') throw unexpected(context.host, 'the request for a login');
  context.api.secret(token);
  context.api.secret(password);
  return { kind: 'password', username, password, from, ...(data?.expiresAt && { until: data.expiresAt }) };
}

/** The identity that manages the repository: the password of docker's login does not grant access to AWS's API. */
export function identityFor(
  { host, repository }: { readonly host: string; readonly repository?: string },
  identity: Identity | undefined,
): Identity {
  if (identity !== undefined) return identity;
  throw new ActionError(
    'CREDENTIALS_MISSING',
    `Managing ${repository === undefined ? host : `${host}/${repository}`} takes credentials of AWS; a user name and password are for docker's requests only. Give \`role-to-assume\`, or run aws-actions/configure-aws-credentials before this step.`,
    { facts: { registry: host, ...(repository === undefined ? {} : { repository }) } },
  );
}

export function toListed(context: ManagementContext, { imageDetails = [] }: EcrAnswer): readonly ListedImage[] {
  return imageDetails.map((image) => {
    const { imageDigest: digest, imageTags: tags = [], imageSizeInBytes: size, imagePushedAt: pushedAt } = image;
    const { artifactMediaType, subjectManifestDigest: subject } = image;
    if (!isDigest(digest) || !(subject === undefined || isDigest(subject)))
      throw unexpected(context.host, `the list of ${context.repository}`);
    return {
      digest,
      tags,
      ...(size === undefined ? {} : { size }),
      ...(pushedAt === undefined ? {} : { pushedAt }),
      ...(image.lastRecordedPullTime === undefined ? {} : { pulledAt: image.lastRecordedPullTime }),
      ...(image.imageManifestMediaType === undefined ? {} : { mediaType: image.imageManifestMediaType }),
      // For images this is the media type of the config.
      ...(artifactMediaType === undefined ? {} : { artifactType: artifactMediaType }),
      ...(subject === undefined ? {} : { subject }),
    };
  });
}

type Failure = NonNullable<Deletion['failures']>[number];

/** @throws ActionError of the failure that AWS reports, except for a missing image */
export function deleted(
  context: ManagementContext,
  { imageIds = [], failures = [] }: Deletion,
  { imageTag, imageDigest }: { readonly imageTag?: string | undefined; readonly imageDigest?: string | undefined },
): 'deleted' | 'absent' {
  const { host, repository } = context;
  const [failure] = failures;
  const reference = imageTag ?? imageDigest ?? '';
  if (failure === undefined) {
    if (imageIds.length === 0) throw unexpected(host, `the deletion of ${repository}:${reference}`);
    return 'deleted';
  }
  const result = resultOf(context, failure, reference);
  if (result !== 'absent') throw result;
  return result;
}

/**
 * The result of each image in a batch: AWS answers 200 and lists the images it did not delete.
 * @throws ActionError ANSWER_INVALID when an image is missing from the response
 */
export function allDeleted(
  context: ManagementContext,
  { imageIds = [], failures = [] }: Deletion,
  digests: readonly Digest[],
): ReadonlyMap<Digest, 'deleted' | 'absent' | ActionError> {
  const gone = new Set(imageIds.map((id) => fieldsOf(id).imageDigest));
  const outcome = (digest: Digest) => {
    const failure = failures.find(({ imageId }) => imageId?.imageDigest === digest);
    if (failure !== undefined) return resultOf(context, failure, digest);
    if (!gone.has(digest)) throw unexpected(context.host, `the deletion of ${context.repository}@${digest}`);
    return 'deleted';
  };
  return new Map(digests.map((digest) => [digest, outcome(digest)]));
}

function resultOf(
  { host, repository }: ManagementContext,
  failure: Failure,
  reference: string,
): 'absent' | ActionError {
  const { failureCode: code = 'Unknown', failureReason: message = '' } = failure;
  if (code === 'ImageNotFound') return 'absent';
  return registryError(
    { host, operation: 'delete', status: 200, code: code.toUpperCase(), message },
    `AWS did not delete ${repository}:${reference} from ${host}`,
    { registry: host, repository, reference },
  );
}

/** The token of the next page. Rejects a repeated token, which would cause an endless loop. */
export function following(
  { host, repository }: ManagementContext,
  before: string | undefined,
  { nextToken }: EcrAnswer,
): string | undefined {
  if (nextToken !== undefined && nextToken === before) throw unexpected(host, `the list of ${repository}`);
  return nextToken;
}
