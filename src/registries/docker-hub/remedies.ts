import type { VendorRemedies } from '../vendor.ts';

/** Remedies for Docker Hub: https://docs.docker.com/docker-hub/ */
export const dockerHubRemedies = {
  CREDENTIALS_MISSING: [
    'Set `username` and `password` (an access token from Account settings → Personal access tokens).',
    'Organizations can log in without a secret: `dockerhub-connection-id` and `dockerhub-organization`.',
  ],
  UNAUTHORIZED: [
    'Use an access token as `password`: accounts with two-factor authentication cannot use their password.',
    'Check that the token is active (Account settings → Personal access tokens), and that `username` is the Docker ID, not the email address.',
  ],
  DENIED: {
    any: [
      'Use an access token with Read & Write.',
      'Check the namespace in `{repository}`: it must be your Docker ID or an organization whose team may push.',
    ],
    read: ['Use an access token with Read.', 'Check that the account may see `{repository}`.'],
    delete: ['Use an access token with Read, Write & Delete.'],
  },
  SCOPE_TOO_NARROW: {
    any: [
      'Create the access token with Read & Write.',
      'Check the namespace in `{repository}`: it must be your Docker ID or an organization whose team may push.',
    ],
    delete: ['Create the access token with Read, Write & Delete.'],
  },
  TAG_IMMUTABLE: {
    push: [
      'Exclude moving tags from the immutable tags: repository → Settings → Tag mutability.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Exclude environment tags from the immutable tags: repository → Settings → Tag mutability.',
      'Or name another tag in `to`.',
    ],
    delete: ['Turn off immutable tags in the settings of the repository, then delete.'],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the spelling of `{repository}`: namespace and name.',
      'Create it on Docker Hub, or set `create-repository: true` with a personal access token.',
    ],
    read: ['Check the spelling of `{repository}`.', 'A private repository needs an account that may read it.'],
  },
  NAME_INVALID: ['Write the name as `<namespace>/<name>`: exactly two parts, lower case.'],
  ID_TOKEN_AUDIENCE: ['Leave `oidc-audience` empty: Docker Hub accepts `https://identity.docker.com`.'],
  ID_TOKEN_SUBJECT: [
    'Add a ruleset to the connection (Docker Home → Admin Console → OIDC connections) that allows the subject in the message.',
    'A job with `environment:` has another subject, and repositories created or renamed since 2026-07-15 have ids in it: allow both forms.',
  ],
  KEYLESS_REFUSED: [
    'Check `dockerhub-connection-id` and `dockerhub-organization` against the connection in Docker Home.',
    'Check that the ruleset of the connection includes the repository and the scope to push.',
  ],
} as const satisfies VendorRemedies;
