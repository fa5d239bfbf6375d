import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startRegistry } from '../../support/registry.ts';
import { LODASH } from '../setting.ts';
import { createMergeJob, single } from './job.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];

test('platforms that are pushed by digest have no tag until the merge has passed the gate', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  await mkdir(join(job.repository.directory, 'digests'));
  for (const platform of PLATFORMS) {
    const { digest } = await job.image(single(platform));
    const run = await job.publish({ images, 'push-by-digest': 'true' }, { env: { GITHUB_JOB: platform } });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest, tags: '' } });
    expect(run.outputs.image).toBe(`${images}@${digest}`);
    expect(registry.digests('org/app')).toContain(digest);
    expect(registry.tags('org/app')).toEqual({});
    await writeFile(join(job.repository.directory, 'digests', platform.slice(6)), `${platform}=${digest}\n`);
  }
  const merged = await job.merge({ images, layouts: '', digests: 'digests' });
  expect(merged, merged.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  expect(registry.tags('org/app').main).toBe(merged.outputs.digest);
});

test('a second run of a job uploads nothing again', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  const inputs = { images: `${registry.host}/org/app`, 'push-by-digest': 'true' };
  await job.image(single('linux/amd64'));
  await job.publish(inputs);
  const again = await job.publish(inputs);
  expect(again, again.log).toMatchObject({ exitCode: 0 });
  expect(registry.tags('org/app')).toEqual({});
});

test('an image with findings is not pushed by digest either', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  await job.image(single('linux/arm64', {}, LODASH));
  const run = await job.publish({ images: `${registry.host}/org/app`, 'push-by-digest': 'true' });
  expect(run.outputs.outcome, run.log).toBe('findings');
  expect(registry.writes()).toEqual([]);
});

test.each([
  [{ push: 'false' }, /no effect with `push: false`/],
  [{ sign: 'key', 'sign-key': 'cosign.key' }, /another digest/],
  [{ 'attach-gate-result': 'true' }, /another digest/],
])('%o does not go with it', async (more, message) => {
  await using job = await createMergeJob();
  const run = await job.publish({ images: '127.0.0.1:9/org/app', 'push-by-digest': 'true', ...more });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toMatch(message);
});
