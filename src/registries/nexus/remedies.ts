import type { VendorRemedies } from '../vendor.ts';

/** Remedies for Sonatype Nexus: https://help.sonatype.com/en/docker-registry.html */
export const nexusRemedies = {
  CREDENTIALS_MISSING: [
    'Set `registry: {host}` with `username` and `password` of a Nexus user; a user token works as both.',
  ],
  UNAUTHORIZED: [
    'Check user name and password for {host} and its port.',
    'Check that the realm "Docker Bearer Token Realm" is active: Nexus → Security → Realms.',
  ],
  DENIED: {
    any: ['Grant `nx-repository-view-docker-<repository>-add`, `-edit`, `-read` and `-browse` to the user.'],
    read: ['Grant `nx-repository-view-docker-<repository>-read` and `-browse` to the user.'],
    delete: ['Grant `nx-repository-view-docker-<repository>-delete` to the user.'],
  },
  SCOPE_TOO_NARROW: ['Grant `nx-repository-view-docker-<repository>-add`, `-edit`, `-read` and `-browse` to the user.'],
  TAG_IMMUTABLE: {
    push: [
      'Change the deployment policy of the repository to "Allow redeploy", or keep "Disable redeploy" with redeploy of `latest` only.',
      'Or do not write this tag: leave it out of `tags`.',
    ],
    promote: [
      'Change the deployment policy of the repository to "Allow redeploy".',
      'Or promote to a repository for environment tags: name it in `to`.',
    ],
  },
  REPOSITORY_UNKNOWN: {
    any: [
      'Check the host, the port and the first part of the name: they choose the hosted repository.',
      'Create a hosted docker repository in Nexus, or set `create-repository: true`.',
    ],
    read: ['Check the host, the port and the first part of the name: they choose the repository.'],
  },
  READ_ONLY: [
    'Check the deployment policy of the repository and the state of Nexus: System → Nodes shows read-only mode.',
    'A proxy or group repository cannot be pushed to: name the hosted one.',
  ],
  QUOTA_EXCEEDED: ['Delete unused images, run "Admin - Compact blob store", or add disk space.'],
} as const satisfies VendorRemedies;
