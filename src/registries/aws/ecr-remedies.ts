import type { VendorRemedies } from '../vendor.ts';
import { ROLE_REMEDIES } from './role-remedies.ts';

/** Remedies for Amazon ECR: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ */
export const ecrRemedies = {
  CREDENTIALS_MISSING: [
    'Set `role-to-assume` and add `permissions: id-token: write` to the job.',
    'Or run aws-actions/configure-aws-credentials before this step.',
  ],
  UNAUTHORIZED: [
    'Check that the credentials are of the account and region in the host name: {host}.',
    'With `username: AWS`, the password of `aws ecr get-login-password` expires after 12 hours: set `role-to-assume` instead.',
  ],
  DENIED: {
    any: [
      'Allow on the repository: `ecr:BatchCheckLayerAvailability`, `ecr:InitiateLayerUpload`, `ecr:UploadLayerPart`, `ecr:CompleteLayerUpload`, `ecr:PutImage`, `ecr:BatchGetImage`, `ecr:GetDownloadUrlForLayer`.',
      'Allow `ecr:GetAuthorizationToken` on `*`; for `create-repository` also `ecr:DescribeRepositories` and `ecr:CreateRepository`.',
      'For a repository of another account, its repository policy must allow this role as well.',
    ],
    login: ['Allow `ecr:GetAuthorizationToken` on `*`.'],
    read: [
      'Allow on the repository: `ecr:BatchGetImage`, `ecr:GetDownloadUrlForLayer` and `ecr:BatchCheckLayerAvailability`.',
      'For a repository of another account, its repository policy must allow this role as well.',
    ],
    delete: ['Allow `ecr:BatchDeleteImage` on the repository.'],
    setup: [
      'Allow the operation that the message names, with the prefix `ecr:`; `docs/setup.md` has a policy with all of them.',
      'For the first replication or pull-through cache, an administrator also allows `iam:CreateServiceLinkedRole`, or runs once `aws iam create-service-linked-role --aws-service-name replication.ecr.amazonaws.com`.',
    ],
  },
  SCOPE_TOO_NARROW: [
    'Allow on the repository: `ecr:BatchCheckLayerAvailability`, `ecr:InitiateLayerUpload`, `ecr:UploadLayerPart`, `ecr:CompleteLayerUpload`, `ecr:PutImage`, `ecr:BatchGetImage`, `ecr:GetDownloadUrlForLayer`.',
  ],
  TAG_IMMUTABLE: {
    push: [
      'Exclude moving tags from the immutability of the repository: tag mutability `IMMUTABLE_WITH_EXCLUSION`.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Exclude environment tags from the immutability of the repository: tag mutability `IMMUTABLE_WITH_EXCLUSION`.',
      'Or name another tag in `to`.',
    ],
    delete: ['Set the tag mutability of the repository to `MUTABLE`, then delete.'],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the spelling of `{repository}`, and account and region in {host}.',
      'Create it: `create-repository: true` (needs `ecr:CreateRepository`), or `aws ecr create-repository --repository-name {repository}`.',
      'Or define a repository creation template for `CREATE_ON_PUSH`.',
    ],
    read: ['Check the spelling of `{repository}`, and account and region in {host}.'],
  },
  ID_TOKEN_AUDIENCE: [
    'Set the client id (audience) of the IAM identity provider to `sts.amazonaws.com` (in China `sts.amazonaws.com.cn`).',
    'Or set `oidc-audience` to the audience of the trust policy.',
  ],
  ...ROLE_REMEDIES,
  QUOTA_EXCEEDED: [
    'Delete unused images or add a lifecycle policy, or request a higher quota in Service Quotas → Amazon ECR.',
  ],
  TOO_MANY_REQUESTS: [
    'Run again later, with fewer jobs at the same time.',
    'Request a higher rate in Service Quotas → Amazon ECR.',
  ],
} as const satisfies VendorRemedies;
