import type { Vendor } from './vendor.ts';

const MISSING = { lacks: 'Not there yet.' } as const;

export const artifactRegistry: Vendor = {
  id: 'artifact-registry',
  title: 'Google Artifact Registry',
  hosts: [/^[a-z0-9-]+-docker\.pkg\.dev$/, /^(?:(?:us|eu|asia)\.)?gcr\.io$/],
  capabilities: {
    keyless: MISSING,
    'create-repository': MISSING,
    'list-images': MISSING,
    'push-time': MISSING,
    'pull-time': MISSING,
    size: MISSING,
    'delete-tag': MISSING,
    'delete-digest': MISSING,
    'immutable-tags': MISSING,
  },
  manage: () => ({}),
};
