import { describe, expect, test } from 'vitest';
import type { DeploymentState } from '../../support/vendors/github-deployments.ts';
import { createStages, startGitHub } from './stages.ts';

/** As GitHub makes it for a job with `environment: production`. */
const ofTheJob = (sha: string): DeploymentState => ({
  id: 7,
  sha,
  environment: 'production',
  createdAt: new Date().toISOString(),
  // Before what is told by the double, whose clock stands still.
  statuses: [{ state: 'in_progress', description: '', createdAt: '2025-01-01T00:00:00Z' }],
});

describe('the deployment of a job with `environment:`', () => {
  test('names the image after the promotion, and so proves it to the next environment', async () => {
    await using environments = await createStages();
    const next = environments.built(await environments.job.repository.head());
    const { digest } = next.descriptor;
    await using github = await startGitHub({
      permissions: { deployments: 'write' },
      deployments: [ofTheJob(await environments.job.repository.head())],
    });
    const run = await environments.passes('', github.asked({ inputs: { record: 'false' } }));
    expect(JSON.parse(run.outputs.json ?? '')).toMatchObject({ deployment: 'updated' });
    expect(run.log).toContain('The deployment to production names the image now.');
    expect(github.state.deployments[0]?.statuses[0]).toMatchObject({
      state: 'success',
      description: expect.stringMatching(new RegExp(`^${digest} from .*:next$`)),
    });
    // Without a record, and with a tag that has moved on, GitHub's word is what is left.
    environments.hold('production', environments.old);
    const after = await environments.promote('deployed=production', {
      ...github.asked({ inputs: { environment: 'live', record: 'false' } }),
    });
    expect(after.outputs.outcome, after.log).toBe('promoted');
    expect(after.log).toContain('deployed=production: a deployment of it to production was a success');
  });

  test('names the image that was there already, and proves no other of the same commit', async () => {
    await using environments = await createStages();
    const commit = await environments.job.repository.head();
    const next = environments.built('b'.repeat(40));
    const { digest } = next.descriptor;
    const other = environments.built(commit, 'other').descriptor.digest;
    await using github = await startGitHub({ permissions: { deployments: 'write' }, deployments: [ofTheJob(commit)] });
    const at = (inputs: Readonly<Record<string, string>>) => github.asked({ inputs: { record: 'false', ...inputs } });
    environments.hold('eu-1', next);
    const run = await environments.promote('', at({ to: 'eu-1' }));
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    const [told] = github.state.deployments[0]?.statuses ?? [];
    expect(told).toMatchObject({ state: 'success', description: expect.stringContaining(digest) });
    await environments.refuses(
      'deployed=production',
      ['there is no deployment of it'],
      at({ from: other, environment: 'live' }),
    );
  });

  test.each([
    ['was refused', 'failure', 'signature', {}],
    ['was only planned', 'inactive', '', { 'dry-run': 'true' }],
  ])('proves nothing when the promotion %s, though the job ends well', async (_, state, require, inputs) => {
    await using environments = await createStages();
    const commit = await environments.job.repository.head();
    const { digest } = environments.built(commit).descriptor;
    await using github = await startGitHub({ permissions: { deployments: 'write' }, deployments: [ofTheJob(commit)] });
    await environments.promote(require, github.asked({ inputs }));
    const [deployment] = github.state.deployments;
    expect(deployment?.statuses).toMatchObject([{ state, description: expect.stringContaining(digest) }, {}]);
    // What GitHub adds at the end of a job.
    deployment?.statuses.unshift({ state: 'success', description: '', createdAt: '2030-01-01T00:00:00Z' });
    await environments.refuses(
      'deployed=production',
      [`its deployment is "${state}"`],
      github.asked({ inputs: { environment: 'live' } }),
    );
  });

  test('that may not be written is said, and the promotion stands', async () => {
    await using environments = await createStages();
    environments.built(await environments.job.repository.head());
    await using github = await startGitHub({ deployments: [ofTheJob(await environments.job.repository.head())] });
    const run = await environments.passes('', github.asked());
    expect(JSON.parse(run.outputs.json ?? '')).toMatchObject({ deployment: 'refused' });
    expect(run.log).toContain('deployments: write');
  });

  test('is none in a job without an environment', async () => {
    await using environments = await createStages();
    environments.built(await environments.job.repository.head());
    await using github = await startGitHub({ permissions: { deployments: 'write' } });
    const run = await environments.passes('', github.asked());
    expect(JSON.parse(run.outputs.json ?? '')).toMatchObject({ deployment: 'none' });
  });
});
