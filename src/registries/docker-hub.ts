import type { Vendor } from './vendor.ts';

const MISSING = { lacks: 'Not there yet.' } as const;

export const dockerHub: Vendor = {
  id: 'docker-hub',
  title: 'Docker Hub',
  hosts: [/^docker\.io$/],
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
