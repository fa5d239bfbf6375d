import { describe, expect, test } from 'vitest';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const POLICY = `
defaults: { limits: { tagged: 100% } }
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 14d } }
  - { name: untagged, select: { tagged: false }, remove: { older-than: 7d } }
`;
/** Nothing lists an image that has lost its tags: only what a plan names goes. */
const HIDES_UNTAGGED = ['docker-hub', 'nexus', 'artifactory'];

describe.each(VENDOR_ROWS)('$id: through the built action', (row) => {
  test('plan, approve, apply, and once more', async () => {
    const { content, registry, stored, problems, run } = await vendorCommand(row);
    const shared = content.image('shared');
    const own = content.image('old');
    const old = content.index([shared, own], 'pr-1');
    const kept = content.index([shared, content.image('kept')], 'v1.0.0', 'pr-2');
    const signature = content.referrer(kept);
    const signatureOfOld = content.referrer(old);
    const lost = content.image('lost');
    const untagged = content.index([lost]);
    const before = stored();
    const plan = await run({ policy: POLICY });
    expect(plan.log).not.toContain('::error');
    expect(plan.outputs).toMatchObject({ outcome: 'planned', 'deleted-tags': '2', 'untagged-tags': '1' });
    expect(stored()).toEqual(before);

    const apply = await run({ policy: POLICY, plan: plan.outputs.plan ?? '' });
    expect(apply.log).not.toContain('::error');
    expect(apply.outputs).toMatchObject({
      outcome: 'cleaned',
      'deleted-manifests': plan.outputs['deleted-manifests'] ?? '',
    });
    expect(registry.tags(row.repository)).toEqual({ 'v1.0.0': kept });
    const digests = registry.digests(row.repository);
    expect(digests).toEqual(expect.arrayContaining([shared, kept, signature]));
    for (const gone of [old, own]) expect(digests).not.toContain(gone);
    if (!HIDES_UNTAGGED.includes(row.id)) {
      for (const gone of [untagged, lost, signatureOfOld]) expect(digests).not.toContain(gone);
    }
    expect(problems()).toEqual([]);

    const left = stored();
    const again = await run({ policy: POLICY, plan: plan.outputs.plan ?? '' });
    expect(again.outputs.outcome).toBe('unchanged');
    const fresh = await run({ policy: POLICY, 'dry-run': 'false' });
    expect(fresh.outputs.outcome).toBe('unchanged');
    expect(stored()).toEqual(left);
  });
});
