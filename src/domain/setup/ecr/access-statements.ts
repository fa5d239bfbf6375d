import { sorted } from '../compare.ts';
import type { Principal } from '../principal.ts';
import type { Statement } from './policy-document.ts';

export const ROLES = ['pull', 'push', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const PULL_ACTIONS = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const UPLOADS = ['CompleteLayerUpload', 'InitiateLayerUpload', 'PutImage', 'UploadLayerPart'];
export const UPLOAD_ACTIONS = UPLOADS.map((name) => `ecr:${name}`);

/** What each role may do: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html */
const PRIVATE_ACTIONS: Readonly<Record<Role, readonly string[]>> = {
  pull: PULL_ACTIONS,
  push: sorted([...PULL_ACTIONS, ...UPLOAD_ACTIONS]),
  // Everything about one repository, except to delete it.
  admin: sorted([
    ...PULL_ACTIONS,
    ...UPLOAD_ACTIONS,
    'ecr:BatchDeleteImage',
    'ecr:BatchGetRepositoryScanningConfiguration',
    'ecr:DeleteLifecyclePolicy',
    'ecr:DeleteRepositoryPolicy',
    'ecr:DescribeImageReplicationStatus',
    'ecr:DescribeImageScanFindings',
    'ecr:DescribeImages',
    'ecr:DescribeRepositories',
    'ecr:GetLifecyclePolicy',
    'ecr:GetLifecyclePolicyPreview',
    'ecr:GetRepositoryPolicy',
    'ecr:ListImages',
    'ecr:ListTagsForResource',
    'ecr:PutImageScanningConfiguration',
    'ecr:PutImageTagMutability',
    'ecr:PutLifecyclePolicy',
    'ecr:SetRepositoryPolicy',
    'ecr:StartImageScan',
    'ecr:StartLifecyclePolicyPreview',
    'ecr:TagResource',
    'ecr:UntagResource',
  ]),
};

/** Everybody may pull from Amazon ECR Public: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistrypublic.html */
const PUBLIC_ACTIONS: Readonly<Record<Role, readonly string[]>> = {
  pull: [],
  push: sorted(['BatchCheckLayerAvailability', ...UPLOADS]).map((name) => `ecr-public:${name}`),
  admin: sorted([
    'BatchCheckLayerAvailability',
    ...UPLOADS,
    'BatchDeleteImage',
    'DeleteRepositoryPolicy',
    'DescribeImageTags',
    'DescribeImages',
    'DescribeRepositories',
    'GetRepositoryCatalogData',
    'GetRepositoryPolicy',
    'ListTagsForResource',
    'PutRepositoryCatalogData',
    'SetRepositoryPolicy',
    'TagResource',
    'UntagResource',
  ]).map((name) => `ecr-public:${name}`),
};

export type Service = 'ecr' | 'ecr-public';
const ACTIONS: Readonly<Record<Service, typeof PRIVATE_ACTIONS>> = {
  ecr: PRIVATE_ACTIONS,
  'ecr-public': PUBLIC_ACTIONS,
};

/** Lambda pulls with its own service principal, and takes only these two: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html */
const LAMBDA_ACTIONS = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** How our statements for a role are called: by these they are found again. */
const sidPrefix = (owner: string, role: Role) => `setup-${owner}-${role}`;

/** Whether a statement is ours, for a role. */
export function isSidOf(sid: string | undefined, owner: string, role: Role): boolean {
  const prefix = sidPrefix(owner, role);
  return sid === prefix || sid === `${prefix}-organization` || sid === `${prefix}-lambda`;
}

/** The statements that give these principals a role. */
export function accessStatements(
  owner: string,
  role: Role,
  members: readonly Principal[],
  partition: string,
  service: Service = 'ecr',
): readonly Statement[] {
  const ids = (kind: Principal['kind']) => sorted(members.filter((each) => each.kind === kind).map(({ id }) => id));
  const accounts = ids('aws-account').map((id) => `arn:${partition}:iam::${id}:root`);
  const arns = sorted([...ids('aws-role'), ...accounts]);
  const organizations = ids('aws-organization');
  const functions = ids('aws-function');
  const Sid = sidPrefix(owner, role);
  const Action = [...ACTIONS[service][role]];
  return [
    ...(arns.length === 0 ? [] : [{ Sid, Effect: 'Allow', Principal: { AWS: arns }, Action }]),
    ...(organizations.length === 0
      ? []
      : [
          {
            Sid: `${Sid}-organization`,
            Effect: 'Allow',
            Principal: '*',
            Action,
            Condition: { StringEquals: { 'aws:PrincipalOrgID': organizations } },
          },
        ]),
    ...(functions.length === 0
      ? []
      : [
          {
            Sid: `${Sid}-lambda`,
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: LAMBDA_ACTIONS,
            Condition: { StringLike: { 'aws:sourceArn': functions } },
          },
        ]),
  ];
}
