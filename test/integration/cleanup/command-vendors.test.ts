import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { vendorScene } from '../../support/cleanup/scene.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

/** Vendors whose double takes a password or a token that does not depend on the time. */
const LOGINS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ghcr: { 'github-token': 'ghs' },
  harbor: { registry: 'harbor.example.com', username: 'robot', password: 'good' },
  nexus: { registry: 'nexus.example.com', username: 'ci', password: 'good' },
  artifactory: { registry: 'acme.jfrog.io', username: 'ci', password: 'good' },
};
const TYPES = 'harbor.example.com=harbor\nnexus.example.com=nexus';
const ROWS = VENDOR_ROWS.filter(({ id }) => Object.hasOwn(LOGINS, id));

test.each(ROWS)('$id: plan, approve, apply through the built action', async (row) => {
  const { cloud, content, registry, stored, problems } = await vendorScene(row);
  const image = `${row.host}/${row.repository}`;
  const shared = content.image('shared');
  const old = content.index([shared, content.image('old')], 'pr-1');
  const kept = content.index([shared, content.image('kept')], 'v1.0.0', 'pr-2');
  const signature = content.referrer(kept);
  const untagged = content.index([content.image('lost')]);
  const policy = `
defaults: { limits: { tagged: 100% } }
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 14d } }
  - { name: untagged, select: { tagged: false }, remove: { older-than: 7d } }
`;
  const env = { ...cloud.env, GITHUB_REPOSITORY: 'acme/app', GITHUB_API_URL: 'https://api.github.com' };
  const types = row.id === 'harbor' || row.id === 'nexus' ? { 'registry-type': TYPES } : {};
  const inputs = { images: image, policy, 'registry-ca': cloud.caFile, ...types, ...LOGINS[row.id] };
  const before = stored();
  const plan = await runCleanup(inputs, { env });
  expect(plan.log).not.toContain('::error');
  expect(plan.outputs.outcome).toBe('planned');
  expect(stored()).toEqual(before);
  const again = await runCleanup(inputs, { env });
  expect(again.outputs).toMatchObject({ 'deleted-tags': plan.outputs['deleted-tags'] ?? '' });

  const apply = await runCleanup({ ...inputs, plan: plan.outputs.plan ?? '' }, { env });
  expect(apply.log).not.toContain('::error');
  expect(apply.outputs.outcome).toBe('cleaned');
  expect(Object.keys(registry.tags(row.repository))).toEqual(['v1.0.0']);
  const digests = registry.digests(row.repository);
  expect(digests).toEqual(expect.arrayContaining([shared, kept, signature]));
  expect(digests).not.toContain(old);
  if (row.id === 'ghcr' || row.id === 'harbor') expect(digests).not.toContain(untagged);
  expect(problems()).toEqual([]);
  const done = await runCleanup({ ...inputs, plan: plan.outputs.plan ?? '' }, { env });
  expect(done.outputs.outcome).toBe('unchanged');
});
