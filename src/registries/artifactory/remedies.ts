import type { VendorRemedies } from '../vendor.ts';

/** Remedies for JFrog Artifactory: https://jfrog.com/help/r/jfrog-artifactory-documentation/docker-registry */
export const artifactoryRemedies = {
  CREDENTIALS_MISSING: [
    'Set `oidc-provider-name`, and add `permissions: id-token: write` to the job.',
    'Or set `registry: {host}` with `username` and an access token or API key as `password`.',
  ],
  UNAUTHORIZED: ['Check user name and token for {host}; an access token may be expired or revoked.'],
  DENIED: {
    any: ['Grant Read, Deploy/Cache and, for tags that move, Delete/Overwrite on the repository to the user.'],
    read: ['Grant Read on the repository to the user.'],
    delete: ['Grant Delete/Overwrite on the repository to the user.'],
  },
  SCOPE_TOO_NARROW: [
    'Grant Read, Deploy/Cache and, for tags that move, Delete/Overwrite on the repository to the user.',
  ],
  TAG_IMMUTABLE: {
    push: [
      'Grant Delete/Overwrite on the repository to the user: without it Artifactory does not move tags.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Grant Delete/Overwrite on the repository to the user: without it Artifactory does not move tags.',
      'Or name another tag in `to`.',
    ],
    delete: ['Grant Delete/Overwrite on the repository to the user.'],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the repository key, the first part of `{repository}`.',
      'Create a local docker repository in Artifactory, or set `create-repository: true`.',
    ],
    read: ['Check the repository key, the first part of `{repository}`.'],
  },
  NAME_INVALID: ['Write the name as `{host}/<repository key>/<name>`.'],
  ID_TOKEN_AUDIENCE: [
    'Set `oidc-audience` to the audience of the provider: Administration → General Management → Manage Integrations.',
  ],
  ID_TOKEN_SUBJECT: [
    'Add an identity mapping whose claims match the subject that the message shows: Administration → General Management → Manage Integrations.',
    'A job with `environment:` has another subject, and repositories created or renamed since 2026-07-15 have ids in it: map both forms.',
  ],
  KEYLESS_REFUSED: [
    'Check `oidc-provider-name` against the provider: Administration → General Management → Manage Integrations.',
  ],
} as const satisfies VendorRemedies;
