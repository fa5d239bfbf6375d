import type { VendorRemedies } from '../vendor.ts';

/**
 * Remedies for GHCR:
 * https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry
 */
export const ghcrRemedies = {
  CREDENTIALS_MISSING: {
    any: [
      'Add `permissions: packages: write` to the job and leave `github-token` at its default: it is the login.',
      'Or set `registry: ghcr.io`, `username: ${{ github.actor }}` and `password: ${{ secrets.GITHUB_TOKEN }}`.',
    ],
    read: [
      'Add `permissions: packages: read` to the job and leave `github-token` at its default: it is the login.',
      'Or set `registry: ghcr.io`, `username: ${{ github.actor }}` and `password: ${{ secrets.GITHUB_TOKEN }}`.',
    ],
  },
  UNAUTHORIZED: [
    'Use `username: ${{ github.actor }}` and `password: ${{ secrets.GITHUB_TOKEN }}`.',
    'A personal access token must be a classic one with the scope `write:packages`, and not be expired.',
    'If the organization uses SSO, authorize the token for it.',
  ],
  DENIED: {
    any: [
      'Add `permissions: packages: write` to the job.',
      'If the package exists, open Package settings → Manage Actions access → Add repository, with role Write.',
      'Check the owner in the name: `ghcr.io/<owner>/<name>` must be the owner of this repository.',
    ],
    read: [
      'Add `permissions: packages: read` to the job.',
      'Open Package settings → Manage Actions access → Add repository, with role Read.',
    ],
    delete: ['Open Package settings → Manage Actions access, and give this repository the role Admin.'],
  },
  SCOPE_TOO_NARROW: {
    any: [
      'Add `permissions: packages: write` to the job.',
      'A personal access token needs the scope `write:packages`.',
    ],
    read: ['Add `permissions: packages: read` to the job.'],
  },
  IMAGE_IN_USE: [
    'Delete the whole package instead of its last tagged version.',
    'Ask GitHub Support to delete versions with more than 5000 downloads.',
  ],
  REPOSITORY_UNKNOWN: {
    any: ['Check the spelling of `{repository}`: the first part is the owner.'],
    read: [
      'Check the spelling of `{repository}`: the first part is the owner.',
      'A private package is reported as missing to who may not read it: open Package settings → Manage Actions access → Add repository.',
    ],
  },
} as const satisfies VendorRemedies;
