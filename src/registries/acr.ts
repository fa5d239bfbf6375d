import type { Vendor } from './vendor.ts';

const MISSING = { lacks: 'Not there yet.' } as const;

export const acr: Vendor = {
  id: 'acr',
  title: 'Azure Container Registry',
  hosts: [/^[a-z0-9-]+\.azurecr\.(?:io|cn|us)$/],
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
