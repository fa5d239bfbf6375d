import { describe, expect, test } from 'vitest';
import type { DeploymentState } from '../../support/vendors/github-deployments.ts';
import { createStages, startGitHub } from './stages.ts';

const NOW = '2026-01-02T12:00:00Z';
const COMMIT = 'a'.repeat(40);

const deployment = (state: string, more: Partial<DeploymentState> = {}, description = ''): DeploymentState => ({
  id: 1,
  sha: COMMIT,
  environment: 'staging',
  createdAt: NOW,
  statuses: [{ state, description, createdAt: NOW }],
  ...more,
});

describe('deployed=staging', () => {
  test('never: what is known is told', async () => {
    await using environments = await createStages();
    environments.built(COMMIT);
    const words = (holds: string, deployments: string) => [
      `deployed=staging: staging points to ${holds}, no promotion record shows that it pointed to sha256:`,
      deployments,
    ];
    const silent = 'GitHub deployments could not be read';
    await environments.refuses('deployed=staging', words('nothing', silent));
    await using github = await startGitHub({});
    await environments.refuses('deployed=staging', words('nothing', 'there is no deployment of it'), github.asked());
    const other = environments.hold('staging', environments.old);
    await environments.refuses('deployed=staging', words(other.slice(0, 19), silent));
  });

  test('by the tag, which holds it now', async () => {
    await using environments = await createStages();
    environments.hold('staging', environments.built(COMMIT));
    const run = await environments.passes('deployed=staging');
    expect(run.log).toMatch(/met {6}deployed=staging: staging points to it now/);
    await environments.passes('deployed=staging', { inputs: { from: 'env:staging' } });
    await environments.refuses('deployed=staging\ndeployed=qa', ['deployed=qa: qa points to nothing']);
  });

  test('by a promotion before, though the environment has moved on since', async () => {
    await using environments = await createStages();
    environments.built(COMMIT);
    environments.built('b'.repeat(40), 'later');
    for (const from of ['next', 'later']) {
      const to = { from, environment: 'staging' };
      expect((await environments.promote('', { inputs: to })).outputs.outcome).toBe('promoted');
    }
    const run = await environments.passes('deployed=staging');
    expect(run.log).toMatch(/met {6}deployed=staging: staging pointed to it at .*, by an unsigned promotion record/);
  });

  test('by a record of another environment, or of a publish, it is not', async () => {
    await using environments = await createStages();
    const next = environments.built(COMMIT);
    environments.record(next, { environment: 'qa' });
    environments.record(next, { kind: 'publish', environment: 'publish' });
    await environments.refuses('deployed=staging', ['deployed=staging: ', 'no promotion record']);
    await environments.passes('deployed=qa');
    environments.record(next, {});
    await environments.passes('deployed=staging');
  });

  test('rolled back: it was there, and is refused', async () => {
    await using environments = await createStages();
    const next = environments.built(COMMIT);
    environments.hold('before', environments.old);
    for (const from of ['before', 'next']) await environments.promote('', { inputs: { from, environment: 'staging' } });
    await environments.passes('deployed=staging');
    const back = await environments.promote('', { inputs: { from: '', rollback: 'true', environment: 'staging' } });
    expect(back.outputs.outcome, back.log).toBe('rolled-back');
    const words = `deployed=staging: staging was rolled back from ${next.descriptor.digest.slice(0, 19)}`;
    await environments.refuses('deployed=staging', [words]);
    // Nor does a deployment that went well speak for it.
    await using github = await startGitHub({ deployments: [deployment('success')] });
    await environments.refuses('deployed=staging', [words], github.asked());
  });
});

test('rolled back at a tag that is not named after the environment', async () => {
  await using environments = await createStages();
  const next = environments.built(COMMIT);
  environments.hold('before', environments.old);
  const at = { environment: 'staging', to: 'eu-1' };
  for (const from of ['before', 'next']) await environments.promote('', { inputs: { from, ...at } });
  await environments.passes('deployed=staging');
  const back = await environments.promote('', { inputs: { from: '', rollback: 'true', ...at } });
  expect(back.outputs.outcome, back.log).toBe('rolled-back');
  const words = `deployed=staging: staging was rolled back from ${next.descriptor.digest.slice(0, 19)}`;
  await environments.refuses('deployed=staging', [words]);
  environments.built('b'.repeat(40), 'later');
  await environments.promote('', { inputs: { from: 'later', ...at } });
  await environments.refuses('deployed=staging', [words]);
});

describe('deployed=staging, by the deployments of GitHub', () => {
  test('its last status is success', async () => {
    await using environments = await createStages();
    environments.built(COMMIT);
    await using github = await startGitHub({ deployments: [deployment('success')] });
    const run = await environments.passes('deployed=staging', github.asked());
    expect(run.log).toMatch(/met {6}deployed=staging: a deployment of it to staging was a success/);
  });

  test.each(['failure', 'error', 'in_progress', 'inactive', 'queued'])('its last status is %s', async (state) => {
    await using environments = await createStages();
    environments.built(COMMIT);
    await using github = await startGitHub({ deployments: [deployment(state)] });
    await environments.refuses(
      'deployed=staging',
      ['deployed=staging: ', `its deployment is "${state}"`],
      github.asked(),
    );
  });

  test('one that names the image counts for that image alone', async () => {
    await using environments = await createStages();
    const next = environments.built(COMMIT);
    const other = environments.built(COMMIT, 'rebuilt', 'other');
    const text = `${next.descriptor.digest} from ghcr.io/org/app:dev`;
    await using github = await startGitHub({ deployments: [deployment('success', {}, text)] });
    await environments.passes('deployed=staging', github.asked());
    const from = { inputs: { from: other.descriptor.digest } };
    await environments.refuses('deployed=staging', ['there is no deployment of it'], github.asked(from));
  });

  test.each([
    ['of another commit', { sha: 'b'.repeat(40) }],
    ['to another environment', { environment: 'qa' }],
    ['without a status', { statuses: [] }],
  ] satisfies readonly (readonly [string, Partial<DeploymentState>])[])('one %s does not count', async (_, more) => {
    await using environments = await createStages();
    environments.built(COMMIT);
    await using github = await startGitHub({ deployments: [deployment('success', more)] });
    await environments.refuses('deployed=staging', ['deployed=staging: ', 'deployment'], github.asked());
  });

  test('when GitHub does not tell, and for an image that names no commit', async () => {
    await using environments = await createStages();
    environments.built(COMMIT);
    await using refusing = await startGitHub({
      deployments: [deployment('success')],
      permissions: { deployments: 'none' },
    });
    await environments.refuses('deployed=staging', ['GitHub deployments could not be read'], refusing.asked());
    expect(refusing.requests.some(({ url }) => url.pathname.endsWith('/deployments'))).toBe(true);
    environments.source.image(['nameless'], {}, 'next');
    await using github = await startGitHub({ deployments: [deployment('success')] });
    await environments.refuses('deployed=staging', ['there is no deployment of it'], github.asked());
  });
});
