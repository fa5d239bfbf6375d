import type { Vendor } from '../vendor.ts';
import { artifactRegistryManagement } from './api.ts';
import { googleIdentity } from './identity.ts';
import { artifactRegistryRemedies } from './remedies.ts';

/** Google Artifact Registry, including the gcr.io names that it serves since Container Registry was shut down. */
export const artifactRegistry: Vendor = {
  id: 'artifact-registry',
  title: 'Google Artifact Registry',
  hosts: [/^[a-z0-9-]+-docker\.pkg\.dev$/, /^(?:(?:us|eu|asia)\.)?gcr\.io$/],
  // Its access tokens do not show their rights.
  probesPush: true,
  hidesMissing: true,
  remedies: artifactRegistryRemedies,
  capabilities: {
    keyless: 'yes',
    'create-repository': 'yes',
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': {
      lacks: 'Google does not record pulls; use the push time or the number of images.',
    },
    size: 'yes',
    'delete-tag': { partly: 'In repositories with immutable tags Google refuses to delete a tag.' },
    'delete-digest': { partly: 'Google deletes an image together with its tags, but not while an index refers to it.' },
    'immutable-tags': { partly: 'The setting applies to all images and tags of a repository, without exceptions.' },
  },
  login: googleIdentity,
  manage: artifactRegistryManagement,
};
