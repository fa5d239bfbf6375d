import { expect, test } from 'vitest';
import { vendorHint } from '../../../../src/domain/mirror/hints.ts';
import { VENDOR_IDS } from '../../../../src/inputs/vendors.ts';

const hint = (from: string, to: string, host = 'registry.example.com') =>
  vendorHint({ kind: from, host }, { kind: to }) ?? '';

test.each([
  ['ecr', 'ecr', 'replicates between regions and accounts'],
  ['docker-hub', 'ecr', 'pull-through cache'],
  ['ghcr', 'ecr', 'pull-through cache'],
  ['ecr-public', 'ecr', 'pull-through cache'],
  ['acr', 'ecr', 'pull-through cache'],
  ['distribution', 'acr', 'az acr import'],
  ['acr', 'acr', 'az acr import'],
  ['docker-hub', 'harbor', 'replication rule or a proxy cache project'],
  ['harbor', 'harbor', 'replication rule or a proxy cache project'],
  ['harbor', 'ghcr', 'Harbor pushes to this target by itself'],
  ['docker-hub', 'artifact-registry', 'remote repository'],
  ['distribution', 'artifact-registry', 'remote repository'],
  ['docker-hub', 'artifactory', 'remote (proxy) repository'],
  ['ghcr', 'nexus', 'remote (proxy) repository'],
])('from %s to %s: what the vendor does by itself', (from, to, text) => {
  expect(hint(from, to)).toContain(text);
});

test.each([
  ['quay.io', 'pull-through cache'],
  ['registry.k8s.io', 'pull-through cache'],
  // Amazon ECR has no rule for any other registry.
  ['registry.example.com', ''],
])('from %s to Amazon ECR', (host, text) => {
  expect(hint('distribution', 'ecr', host)).toContain(text);
  if (text === '') expect(hint('distribution', 'ecr', host)).toBe('');
});

test.each([
  ['docker-hub', 'ghcr'],
  ['ghcr', 'docker-hub'],
  ['ecr', 'distribution'],
  ['distribution', 'distribution'],
])('from %s to %s there is no other way', (from, to) => {
  expect(hint(from, to)).toBe('');
});

test('each kind in the table exists', () => {
  for (const kind of ['ecr', 'ecr-public', 'acr', 'harbor', 'artifact-registry', 'artifactory', 'nexus', 'docker-hub'])
    expect(VENDOR_IDS).toContain(kind);
});
