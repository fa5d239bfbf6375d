import { expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

test('a record that cannot be understood is said, and hides none of the others', async () => {
  await using job = await createPromotionJob();
  await using registry = await startRegistry({ referrers: true });
  const { image, referrer } = fill(registry, 'org/app');
  const one = image(['1'], {}, 'one');
  const two = image(['2'], {}, 'two');
  const at = { images: `${registry.host}/org/app`, environment: 'production' };
  for (const from of ['one', 'two']) await job.promote({ ...at, from });
  referrer(two, 'record', {
    artifactType: 'application/vnd.io.github.registry-action.promotion.v1+json',
    annotations: { 'io.github.registry-action.promotion.record': '{"schemaVersion":2}' },
  });
  const back = await job.promote({ ...at, rollback: 'true' });
  expect(back.outputs).toMatchObject({ outcome: 'rolled-back', digest: one.descriptor.digest });
  expect(back.annotations).toMatchObject([
    { level: 'warning', message: expect.stringContaining('and this version of the action supports 1') },
  ]);
  expect(back.summary).toContain('has the schemaVersion');
});
