import type { VendorRemedies } from '../vendor.ts';
import { ROLE_REMEDIES } from './role-remedies.ts';

/** Remedies for Amazon ECR Public: https://docs.aws.amazon.com/AmazonECR/latest/public/ */
export const ecrPublicRemedies = {
  CREDENTIALS_MISSING: [
    'Set `role-to-assume` and add `permissions: id-token: write` to the job.',
    'Or run aws-actions/configure-aws-credentials before this step.',
  ],
  UNAUTHORIZED: [
    'Check that the role belongs to the account that owns the alias in `{repository}`.',
    'Set `role-to-assume`: a password of `aws ecr-public get-login-password` expires after 12 hours.',
  ],
  DENIED: {
    any: [
      'Allow on the repository: `ecr-public:BatchCheckLayerAvailability`, `ecr-public:InitiateLayerUpload`, `ecr-public:UploadLayerPart`, `ecr-public:CompleteLayerUpload`, `ecr-public:PutImage`.',
      'Allow `ecr-public:GetAuthorizationToken` and `sts:GetServiceBearerToken` on `*`.',
      'Check the alias in `{repository}`: it must belong to the account of the role.',
    ],
    login: ['Allow `ecr-public:GetAuthorizationToken` and `sts:GetServiceBearerToken` on `*`.'],
    delete: ['Allow `ecr-public:BatchDeleteImage` on the repository.'],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the alias and the name in `{repository}`.',
      'Create it: `create-repository: true` (needs `ecr-public:CreateRepository`).',
    ],
    read: ['Check the alias and the name in `{repository}`.'],
  },
  NAME_INVALID: ['Write the name as `public.ecr.aws/<alias>/<repository>`.'],
  ID_TOKEN_AUDIENCE: [
    'Set the client id (audience) of the IAM identity provider to `sts.amazonaws.com`.',
    'Or set `oidc-audience` to the audience of the trust policy.',
  ],
  ...ROLE_REMEDIES,
} as const satisfies VendorRemedies;
