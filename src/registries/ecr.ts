import type { Vendor } from './vendor.ts';

const MISSING = { lacks: 'Not there yet.' } as const;

export const ecr: Vendor = {
  id: 'ecr',
  title: 'Amazon ECR',
  hosts: [
    /^\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.(?:com(?:\.cn)?|eu)$/,
    /^\d{12}\.dkr-ecr(?:-fips)?\.[a-z0-9-]+\.on\.(?:aws|amazonwebservices\.com\.cn)$/,
  ],
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
