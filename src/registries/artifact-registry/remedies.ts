import type { VendorRemedies } from '../vendor.ts';

/** Remedies for Artifact Registry: https://docs.cloud.google.com/artifact-registry/docs */
export const artifactRegistryRemedies = {
  CREDENTIALS_MISSING: [
    'Set `workload-identity-provider` (and `service-account`), and add `permissions: id-token: write` to the job.',
    'Or set `registry: {host}`, `username: _json_key` and the key of a service account as `password`.',
  ],
  UNAUTHORIZED: [
    'With a service account key, set `username: _json_key` and the whole JSON as `password`.',
    'With an access token, set `username: oauth2accesstoken`; it expires after an hour: set `workload-identity-provider` instead.',
  ],
  DENIED: {
    any: [
      'Grant `roles/artifactregistry.writer` on the repository to the identity.',
      'Check project, location and repository in the name: a missing repository is reported as denied as well.',
    ],
    login: ['Grant `roles/iam.workloadIdentityUser` on the service account to the workload identity.'],
    read: [
      'Grant `roles/artifactregistry.reader` on the repository to the identity.',
      'Check project, location and repository in the name: a missing repository is reported as denied as well.',
    ],
    delete: ['Grant `roles/artifactregistry.repoAdmin` on the repository to the identity.'],
  },
  SCOPE_TOO_NARROW: ['Grant `roles/artifactregistry.writer` on the repository to the identity.'],
  TAG_IMMUTABLE: {
    push: [
      'Turn off immutable tags for the repository (`gcloud artifacts repositories update --no-immutable-tags`): the setting has no exceptions.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Turn off immutable tags for the repository (`gcloud artifacts repositories update --no-immutable-tags`): the setting has no exceptions.',
      'Or promote to a repository for environment tags: name it in `to`.',
    ],
    delete: [
      'Turn off immutable tags for the repository (`gcloud artifacts repositories update --no-immutable-tags`), then delete.',
    ],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check location, project and repository in the name: `{host}/<project>/<repository>/<image>`.',
      'Create it: `create-repository: true` (needs `roles/artifactregistry.admin`), or `gcloud artifacts repositories create --repository-format=docker`.',
    ],
    read: ['Check location, project and repository in the name: `{host}/<project>/<repository>/<image>`.'],
  },
  NAME_INVALID: ['Write the name as `{host}/<project>/<repository>/<image>` (on gcr.io: `<project>/<image>`).'],
  IMAGE_IN_USE: ['Delete the index that refers to the image first, or its tags.'],
  ID_TOKEN_AUDIENCE: [
    'Leave `oidc-audience` empty, or add its value to the allowed audiences of the workload identity provider.',
  ],
  ID_TOKEN_SUBJECT: [
    'Allow this workflow in the attribute condition and attribute mapping of the workload identity provider: the message shows the subject.',
    'A job with `environment:` has another subject, and repositories created or renamed since 2026-07-15 have ids in it: allow both forms.',
    'Wait five minutes after a change of the provider.',
  ],
  KEYLESS_REFUSED: [
    'Check that `workload-identity-provider` is the full name: `projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>`.',
    'Check that `service-account` exists, and grant the workload identity `roles/iam.workloadIdentityUser` on it.',
  ],
} as const satisfies VendorRemedies;
