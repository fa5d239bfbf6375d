import { describe, expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

describe.each([
  ['with the referrers API', true],
  ['without the referrers API', false],
])('a registry %s', (_, referrers) => {
  test('tells dev → staging → production → rollback → refused → forced by its records alone', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers });
    const { image, index } = fill(registry, 'org/app');
    const revision = (sha: string) => ({ annotations: { 'org.opencontainers.image.revision': sha.repeat(40) } });
    const one = index([image(['one'])], revision('1'), 'sha-1111111').descriptor.digest;
    const two = index([image(['two'])], revision('2'), 'sha-2222222').descriptor.digest;
    const images = `${registry.host}/org/app`;
    const first = await job.promote({ images, from: 'sha-1111111', environment: 'dev' });
    expect(first.exitCode).toBe(0);
    registry.clearLog();
    const again = await job.promote({ images, from: 'env:dev', environment: 'staging', require: 'deployed=dev' });
    expect([one, two]).toContain(again.outputs.digest);
  });
});
