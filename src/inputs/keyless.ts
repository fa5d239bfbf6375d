/**
 * Settings for logins without a stored secret, named as in the action they come from
 * (aws-actions/configure-aws-credentials, google-github-actions/auth, azure/login, docker/login-action,
 * jfrog/setup-jfrog-cli). An entry of `registry-auth` may contain the same keys for its host only.
 */
export const KEYLESS_INPUTS = [
  'role-to-assume',
  'role-session-name',
  'workload-identity-provider',
  'service-account',
  'azure-client-id',
  'azure-tenant-id',
  'dockerhub-connection-id',
  'dockerhub-organization',
  'oidc-provider-name',
  'oidc-audience',
] as const;

export type KeylessInput = (typeof KEYLESS_INPUTS)[number];

export type Keyless = { readonly [Name in KeylessInput]?: string };
