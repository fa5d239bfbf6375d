import type { VendorRemedies } from '../vendor.ts';

/** Remedies for Harbor: https://goharbor.io/docs/latest/working-with-projects/ */
export const harborRemedies = {
  CREDENTIALS_MISSING: [
    'Create a robot account with push and pull in the project `{project}`, and set `registry: {host}`, `username` and `password` to its name and secret.',
  ],
  UNAUTHORIZED: [
    'Check name and secret of the robot account: the name includes the prefix, such as `robot$ci`; quote it in shells, where `$` starts a variable.',
    'Check that the robot account is enabled and not expired: Harbor → project `{project}` → Robot Accounts.',
  ],
  DENIED: {
    any: [
      'Grant push and pull in the project `{project}`: permissions of the robot account, or the role Developer of the user.',
    ],
    read: ['Grant pull in the project `{project}`: permissions of the robot account, or the role Guest of the user.'],
    delete: [
      'Grant deleting artifacts and tags in the project `{project}`: permissions of the robot account, or the role Maintainer of the user.',
    ],
  },
  SCOPE_TOO_NARROW: {
    any: [
      'Grant push and pull in the project `{project}`: permissions of the robot account, or the role Developer of the user.',
    ],
    read: ['Grant pull in the project `{project}`: permissions of the robot account, or the role Guest of the user.'],
  },
  TAG_IMMUTABLE: {
    push: [
      'Exclude moving tags from the immutability rule: Harbor → project `{project}` → Policy → Tag Immutability.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Exclude environment tags from the immutability rule: Harbor → project `{project}` → Policy → Tag Immutability.',
      'Or name another tag in `to`.',
    ],
    delete: ['Disable the immutability rule that matches: Harbor → project `{project}` → Policy → Tag Immutability.'],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the project in the name: `{project}` is the first part of `{repository}`.',
      'Create the project in Harbor, or set `create-repository: true` with an account that may create projects.',
    ],
    read: ['Check the project in the name: `{project}` is the first part of `{repository}`.'],
  },
  NAME_INVALID: ['Write the name as `{host}/<project>/<name>`, lower case.'],
  PULL_BLOCKED: [
    'Fix the findings, or allow them: Harbor → project → Configuration → Deployment security, or its CVE allowlist.',
    'Publish to a project without this policy, and promote from there.',
  ],
  READ_ONLY: [
    'Switch read-only mode off: Harbor → Configuration → System Settings.',
    'If the project is a proxy cache, name another project: it cannot be pushed to.',
  ],
  IMAGE_IN_USE: ['Delete the index that refers to the image; its children are deleted with it.'],
  QUOTA_EXCEEDED: ['Delete unused images and run garbage collection, or raise the quota: Harbor → Project Quotas.'],
} as const satisfies VendorRemedies;
