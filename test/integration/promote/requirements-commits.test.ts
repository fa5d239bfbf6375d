import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createStages, startGitHub } from './stages.ts';

/** The environments, with two commits on `main` of the remote and one on a branch beside it. */
async function createHistory() {
  const environments = await createStages();
  onTestFinished(environments[Symbol.asyncDispose]);
  const { repository } = environments.job;
  const first = await repository.head();
  await repository.branch('feature');
  const feature = await repository.commit('feature');
  await repository.checkout('main');
  const second = await repository.commit('second');
  await repository.git('push', '--quiet', 'origin', 'main', 'feature');
  return { environments, repository, first, second, feature };
}

describe('branch=main', () => {
  test('the tip and what comes before it are on it; a branch beside it is not', async () => {
    const { environments, first, second, feature } = await createHistory();
    for (const commit of [second, first]) {
      environments.built(commit);
      const run = await environments.passes('branch=main');
      expect(run.log).toContain(`branch=main: ${commit.slice(0, 7)} is on main`);
    }
    environments.built(feature);
    await environments.refuses('branch=main', [`branch=main: ${feature.slice(0, 7)} is not on main.`]);
    await environments.passes('branch=feature');
    await environments.passes('branch=refs/heads/feature');
  });

  test('the remote counts, and not what is checked out', async () => {
    const { environments, repository } = await createHistory();
    const own = await repository.commit('not pushed');
    environments.built(own);
    await environments.refuses('branch=main', [`branch=main: ${own.slice(0, 7)} is not on main.`]);
    await repository.git('push', '--quiet', 'origin', 'main');
    await environments.passes('branch=main');
  });

  test('a branch that is not there, a commit that nobody knows, and none at all', async () => {
    const { environments, second } = await createHistory();
    environments.built(second);
    const unknown = (sha: string, branch: string) =>
      `branch=${branch}: could not determine whether ${sha.slice(0, 7)} is on ${branch}; give \`github-token\``;
    await environments.refuses('branch=release', [unknown(second, 'release')]);
    const lost = 'e'.repeat(40);
    environments.built(lost);
    await environments.refuses('branch=main', [unknown(lost, 'main')]);
    environments.source.image(['nameless'], {}, 'next');
    await environments.refuses('branch=main', ['branch=main: the image names no commit']);
    // What is no commit id is none, whatever it does to git.
    environments.built('--upload-pack=touch');
    await environments.refuses('branch=main', ['branch=main: the image names no commit']);
  });

  test('the label of an image that is an index counts as its commit', async () => {
    const { environments, second, feature } = await createHistory();
    const platform = (sha: string) => [
      { platform: 'linux/amd64', labels: { 'org.opencontainers.image.revision': sha } },
    ];
    await environments.layout({ platforms: platform(second) });
    await environments.passes('branch=main');
    await environments.layout({ platforms: platform(feature) });
    await environments.refuses('branch=main', ['is not on main']);
  });

  test('a clone that is too shallow does not make a commit one of main', async () => {
    const { environments, repository, first, feature } = await createHistory();
    const workspace = await repository.clone({ depth: 1 });
    for (const commit of [first, feature]) {
      environments.built(commit);
      await environments.refuses('branch=main', ['could not determine'], { options: { workspace } });
    }
  });
});

describe('not-older', () => {
  test('newer passes, older is refused, and so is what diverged', async () => {
    const { environments, first, second, feature } = await createHistory();
    const [one, two] = [environments.built(first, 'one'), environments.built(second, 'two')];
    environments.built(feature, 'beside');
    environments.hold('production', one);
    const run = await environments.passes('not-older', { inputs: { from: 'two' } });
    expect(run.log).toContain(`not-older: ${second.slice(0, 7)} comes after ${first.slice(0, 7)}`);
    environments.hold('production', two);
    const older = `not-older: the environment has ${second.slice(0, 7)}, which is newer than ${first.slice(0, 7)}. Use \`rollback: true\``;
    await environments.refuses('not-older', [older], { inputs: { from: 'one' } });
    const beside = `not-older: neither ${feature.slice(0, 7)} nor ${second.slice(0, 7)}, the image in the environment, comes after`;
    await environments.refuses('not-older', [beside], { inputs: { from: 'beside' } });
    // Without it the older one passes.
    await environments.passes('', { inputs: { from: 'one' } });
  });

  test('the same digest, another build of the commit, and an environment that holds nothing', async () => {
    const { environments, first } = await createHistory();
    const one = environments.built(first, 'one');
    environments.built(first, 'next', 'another build');
    environments.hold('production', one);
    await environments.passes('not-older');
    await environments.passes('not-older', { inputs: { environment: 'fresh' } });
    const same = { inputs: { from: 'one' } };
    expect((await environments.promote('not-older', same)).outputs.outcome).toBe('promoted');
    environments.registry.clearLog();
    expect((await environments.promote('not-older', same)).outputs.outcome).toBe('unchanged');
    expect(environments.registry.writes()).toEqual([]);
  });

  test('commits that nobody knows, and images without one', async () => {
    const { environments, first } = await createHistory();
    const lost = 'e'.repeat(40);
    environments.built(first);
    await environments.refuses('not-older', ['not-older: the image in the environment names no commit']);
    environments.hold('production', environments.built(lost, 'lost'));
    const doubt = `not-older: could not determine whether ${first.slice(0, 7)} comes after ${lost.slice(0, 7)}`;
    await environments.refuses('not-older', [doubt]);
    environments.source.image(['nameless'], {}, 'next');
    await environments.refuses('not-older', ['not-older: the image names no commit']);
  });

  test('is asked of each tag that moves: a new one beside it says nothing of the environment', async () => {
    const { environments, first, second } = await createHistory();
    environments.built(second, 'production');
    environments.built(first);
    for (const environment of ['production', 'qa']) {
      const asked = { inputs: { environment, to: 'fresh\nproduction' } };
      await environments.refuses('not-older', [`the environment has ${second.slice(0, 7)}, which is newer`], asked);
    }
  });

  test('is asked in each repository: one that is ahead refuses for all', async () => {
    const { environments, first, second } = await createHistory();
    const { registry } = environments;
    const [one, two] = [environments.built(first), environments.built(second, 'two')];
    registry.putManifest('org/other', 'production', two.descriptor.mediaType, two.bytes);
    environments.hold('production', one);
    environments.hold('qa', one);
    const third = environments.built(first, 'next', 'another build');
    const to = `${registry.host}/org/app:qa\n${registry.host}/org/other:production`;
    await environments.refuses('not-older', [`the environment has ${second.slice(0, 7)}, which is newer`], {
      inputs: { to },
    });
    expect(registry.tags('org/other').production).toBe(two.descriptor.digest);
    expect(registry.tags('org/app').qa).not.toBe(third.descriptor.digest);
  });

  test('a rollback goes back to an older one, whatever is required of promotions', async () => {
    const { environments, repository, first, second } = await createHistory();
    const policy = { '.github/promotion.yaml': 'require: [not-older, signature]\n' };
    const [one, two] = [environments.built(first, 'one'), environments.built(second, 'two')];
    for (const from of ['one', 'two']) {
      expect((await environments.promote('not-older', { inputs: { from, environment: 'qa' } })).outputs.outcome).toBe(
        'promoted',
      );
    }
    await repository.commit('policy', policy);
    await environments.refuses('', ['signature: '], { inputs: { from: 'two' } });
    expect(environments.registry.tags('org/app').qa).toBe(two.descriptor.digest);
    const back = await environments.promote('not-older\nsignature', {
      inputs: { from: '', environment: 'qa', rollback: 'true' },
    });
    expect(back, back.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'rolled-back' } });
    expect(environments.registry.tags('org/app').qa).toBe(one.descriptor.digest);
  });
});

test('without a checkout, and with a token that GitHub does not answer, nothing is known of commits', async () => {
  const { environments, first, second } = await createHistory();
  const workspace = await mkdtemp(join(tmpdir(), 'empty-'));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  environments.hold('production', environments.built(first, 'one'));
  environments.built(second);
  await using github = await startGitHub({ commits: { [second]: {} } });
  const asked = github.asked({ options: { workspace } });
  await environments.refuses('branch=main', ['branch=main: could not determine'], asked);
  await environments.refuses('not-older', ['not-older: could not determine'], asked);
});
