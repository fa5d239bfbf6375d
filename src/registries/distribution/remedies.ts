import type { VendorRemedies } from '../vendor.ts';

/**
 * Remedies for a registry that only supports the distribution API: https://github.com/opencontainers/distribution-spec
 */
export const distributionRemedies = {
  CREDENTIALS_MISSING: [
    'Set `registry: {host}`, `username` and `password`.',
    'If the password comes from a secret, check that the secret exists and that this event may read it: pull requests from forks may not.',
    'If the host is another kind of registry, set it in `registry-type`.',
  ],
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the first part of `{repository}`: the user, organization or project must exist at {host} before the first push.',
      'If the host is another kind of registry, set `registry-type`, so that `create-repository` can create it.',
    ],
    read: ['Check the spelling of `{repository}`, and that the account may read it.'],
  },
  DENIED: {
    any: [
      'Grant the account permission to push to `{repository}` at {host}; a token needs write access to packages or repositories.',
    ],
    read: ['Grant the account permission to pull from `{repository}` at {host}.'],
    delete: ['Grant the account permission to delete in `{repository}` at {host}.'],
  },
  TAG_IMMUTABLE: {
    push: [
      'Exclude moving tags from the immutability or protection rules of `{repository}` at {host}.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Exclude environment tags from the immutability or protection rules of `{repository}` at {host}.',
      'Or name another tag in `to`.',
    ],
  },
  UNSUPPORTED: {
    any: ['Check that {host} is a container registry and not a pull-through cache.'],
    delete: ['Enable deletion in the registry (`storage.delete.enabled: true`), or delete the image by its digest.'],
  },
} as const satisfies VendorRemedies;
