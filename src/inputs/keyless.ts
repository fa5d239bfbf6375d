/**
 * What is needed for logins without a stored secret, by the names of the inputs: each is known from the action that it
 * comes from (aws-actions/configure-aws-credentials, google-github-actions/auth, azure/login, docker/login-action,
 * jfrog/setup-jfrog-cli). An entry of `registry-auth` may hold the same keys for its host alone.
 */
export interface Keyless {
  /** ARN of the AWS role to assume. */
  readonly 'role-to-assume'?: string;
  readonly 'role-session-name'?: string;
  /** Full name: `projects/123/locations/global/workloadIdentityPools/pool/providers/provider`. */
  readonly 'workload-identity-provider'?: string;
  /** Email of the Google service account to act as. */
  readonly 'service-account'?: string;
  readonly 'azure-client-id'?: string;
  readonly 'azure-tenant-id'?: string;
  /** UUID of the connection made in Docker Home; the user name is the organization of the image. */
  readonly 'dockerhub-connection-id'?: string;
  /** The Docker organization that the connection belongs to. */
  readonly 'dockerhub-organization'?: string;
  /** Name of the OIDC provider in Artifactory. */
  readonly 'oidc-provider-name'?: string;
  /** Instead of the vendor's usual audience. */
  readonly 'oidc-audience'?: string;
}
