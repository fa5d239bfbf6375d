import { expect, test } from 'vitest';
import type { RepositoryInventory } from '../../../../src/domain/retention/inventory.ts';
import { registryTraits } from '../../../../src/domain/retention/registry-traits.ts';
import { readGitHubDeployments } from '../../../../src/run/in-use/deployments.ts';
import { createRuntime } from '../../../../src/runtime/github.ts';
import { startService } from '../../../support/loopback.ts';
import {
  type DeploymentState,
  GITHUB_TOKEN,
  gitHubRepositoryDouble,
} from '../../../support/vendors/github-deployments.ts';

const NOW = '2026-01-02T12:00:00Z';
const COMMIT = '0123abc'.padEnd(40, '4');
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

const inventory: RepositoryInventory = {
  repository: 'ghcr.io/org/app',
  readAt: 0,
  traits: registryTraits('ghcr'),
  tags: [
    { name: 'sha-0123abc', digest: digest('a') },
    { name: 'v1.0123', digest: digest('b') },
  ],
  manifests: ['a', 'b', 'c', 'd'].map((letter) => ({
    digest: digest(letter),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    kind: 'image',
    presence: 'present',
    children: [],
  })),
  gaps: [],
};

const deployment = (id: number, state: string, description = '', sha = 'b'.repeat(40)): DeploymentState => ({
  id,
  sha,
  environment: 'production',
  createdAt: `2026-01-02T11:00:${String(id).padStart(2, '0')}Z`,
  statuses: [{ state, description, createdAt: NOW }],
});

async function used(deployments: readonly DeploymentState[], environments = ['production']) {
  const double = gitHubRepositoryDouble({ deployments: [...deployments] });
  const server = await startService(double.service);
  await using _ = { [Symbol.asyncDispose]: server.close };
  const api = createRuntime(new AbortController().signal).github(GITHUB_TOKEN, {
    apiUrl: server.url,
    owner: 'org',
    name: 'app',
  });
  return await readGitHubDeployments(api, environments, [inventory]);
}

test('the newest success and what is under way since are in use, and nothing older', async () => {
  const { images, unreadable } = await used([
    deployment(1, 'success', `${digest('b')} from x`),
    deployment(2, 'success', `${digest('c')} from x`),
    deployment(3, 'in_progress', `${digest('d')} from x`),
  ]);
  expect(unreadable).toEqual([]);
  expect(images.map((image) => image.digest)).toEqual([digest('d'), digest('c')]);
  expect(images[0]).toMatchObject({ repository: 'ghcr.io/org/app', source: { kind: 'github-deployments' } });
});

test('without a digest, tags that name the commit tell the image', async () => {
  const { images, unreadable } = await used([deployment(1, 'success', '', COMMIT)]);
  expect(unreadable).toEqual([]);
  expect(images).toMatchObject([{ tag: 'sha-0123abc', digest: digest('a') }]);
});

test('a deployment that cannot be told from its images is unknown, and not unused', async () => {
  const { images, unreadable } = await used([deployment(1, 'success')]);
  expect(images).toEqual([]);
  expect(unreadable).toMatchObject([{ reason: expect.stringContaining('names no image') }]);
});

test.each([
  ['no token', undefined, ['production'], 'deployments: read'],
  ['no environment', undefined, [], 'needs `environments`'],
] as const)('%s is unknown, and not unused', async (_, api, environments, reason) => {
  const { unreadable } = await readGitHubDeployments(api, environments, [inventory]);
  expect(unreadable).toMatchObject([{ reason: expect.stringContaining(reason) }]);
});

test('an environment without deployments is misspelled, and ten that failed hide what is live', async () => {
  expect(await used([deployment(1, 'success', `${digest('b')} from x`)], ['prodction'])).toMatchObject({
    images: [],
    unreadable: [{ reason: expect.stringContaining('check the name') }],
  });
  const failed = Array.from({ length: 12 }, (_, at) => deployment(at + 2, 'failure'));
  const { images, unreadable } = await used([...failed, deployment(1, 'success', `${digest('b')} from x`)]);
  expect(images).toEqual([]);
  expect(unreadable).toMatchObject([{ reason: expect.stringContaining('the last 10 did not succeed') }]);
});
