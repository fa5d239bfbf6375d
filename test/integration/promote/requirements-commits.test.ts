import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createStages, startGitHub } from './stages.ts';

/** The stages, with two commits on `main` of the remote and one on a branch beside it. */
async function createHistory() {
  const stages = await createStages();
  onTestFinished(stages[Symbol.asyncDispose]);
  const { repository } = stages.job;
  const first = await repository.head();
  await repository.branch('feature');
  const feature = await repository.commit('feature');
  await repository.checkout('main');
  const second = await repository.commit('second');
  await repository.git('push', '--quiet', 'origin', 'main', 'feature');
  return { stages, repository, first, second, feature };
}

describe('branch=main', () => {
  test('the tip and what comes before it are on it; a branch beside it is not', async () => {
    const { stages, first, second, feature } = await createHistory();
    for (const commit of [second, first]) {
      stages.built(commit);
      const run = await stages.passes('branch=main');
      expect(run.log).toContain(`branch=main: ${commit.slice(0, 7)} is on main`);
    }
    stages.built(feature);
    await stages.refuses('branch=main', [`branch=main: ${feature.slice(0, 7)} is not on main.`]);
    await stages.passes('branch=feature');
    await stages.passes('branch=refs/heads/feature');
  });

  test('the remote counts, and not what is checked out', async () => {
    const { stages, repository } = await createHistory();
    const own = await repository.commit('not pushed');
    stages.built(own);
    await stages.refuses('branch=main', [`branch=main: ${own.slice(0, 7)} is not on main.`]);
    await repository.git('push', '--quiet', 'origin', 'main');
    await stages.passes('branch=main');
  });

  test('a branch that is not there, a commit that nobody knows, and none at all', async () => {
    const { stages, second } = await createHistory();
    stages.built(second);
    const unknown = (sha: string, branch: string) =>
      `branch=${branch}: it could not be found out whether ${sha.slice(0, 7)} is on ${branch}; give \`github-token\``;
    await stages.refuses('branch=release', [unknown(second, 'release')]);
    const lost = 'e'.repeat(40);
    stages.built(lost);
    await stages.refuses('branch=main', [unknown(lost, 'main')]);
    stages.source.image(['nameless'], {}, 'next');
    await stages.refuses('branch=main', ['branch=main: the image names no commit']);
    // What is no commit id is none, whatever it does to git.
    stages.built('--upload-pack=touch');
    await stages.refuses('branch=main', ['branch=main: the image names no commit']);
  });

  test('the label of an image that is an index counts as its commit', async () => {
    const { stages, second, feature } = await createHistory();
    const platform = (sha: string) => [
      { platform: 'linux/amd64', labels: { 'org.opencontainers.image.revision': sha } },
    ];
    await stages.layout({ platforms: platform(second) });
    await stages.passes('branch=main');
    await stages.layout({ platforms: platform(feature) });
    await stages.refuses('branch=main', ['is not on main']);
  });

  test('a clone that is too shallow does not make a commit one of main', async () => {
    const { stages, repository, first, feature } = await createHistory();
    const workspace = await repository.clone({ depth: 1 });
    for (const commit of [first, feature]) {
      stages.built(commit);
      await stages.refuses('branch=main', ['it could not be found out'], { options: { workspace } });
    }
  });
});

describe('not-older', () => {
  test('newer passes, older is refused, and so is what diverged', async () => {
    const { stages, first, second, feature } = await createHistory();
    const [one, two] = [stages.built(first, 'one'), stages.built(second, 'two')];
    stages.built(feature, 'beside');
    stages.hold('production', one);
    const run = await stages.passes('not-older', { inputs: { from: 'two' } });
    expect(run.log).toContain(`not-older: ${second.slice(0, 7)} comes after ${first.slice(0, 7)}`);
    stages.hold('production', two);
    const older = `not-older: the stage holds ${second.slice(0, 7)}, which is newer than ${first.slice(0, 7)}. Use \`rollback: true\``;
    await stages.refuses('not-older', [older], { inputs: { from: 'one' } });
    const beside = `not-older: neither ${feature.slice(0, 7)} nor ${second.slice(0, 7)}, which the stage holds, comes after`;
    await stages.refuses('not-older', [beside], { inputs: { from: 'beside' } });
    // Without it the older one passes.
    await stages.passes('', { inputs: { from: 'one' } });
  });

  test('the same digest, another build of the commit, and a stage that holds nothing', async () => {
    const { stages, first } = await createHistory();
    const one = stages.built(first, 'one');
    stages.built(first, 'next', 'another build');
    stages.hold('production', one);
    await stages.passes('not-older');
    await stages.passes('not-older', { inputs: { environment: 'fresh' } });
    const same = { inputs: { from: 'one' } };
    expect((await stages.promote('not-older', same)).outputs.outcome).toBe('promoted');
    stages.registry.clearLog();
    expect((await stages.promote('not-older', same)).outputs.outcome).toBe('unchanged');
    expect(stages.registry.writes()).toEqual([]);
  });

  test('commits that nobody knows, and images without one', async () => {
    const { stages, first } = await createHistory();
    const lost = 'e'.repeat(40);
    stages.built(first);
    await stages.refuses('not-older', ['not-older: what the stage holds names no commit']);
    stages.hold('production', stages.built(lost, 'lost'));
    const doubt = `not-older: it could not be found out whether ${first.slice(0, 7)} comes after ${lost.slice(0, 7)}`;
    await stages.refuses('not-older', [doubt]);
    stages.source.image(['nameless'], {}, 'next');
    await stages.refuses('not-older', ['not-older: the image names no commit']);
  });

  test('is asked of each tag that moves: a new one beside it says nothing of the stage', async () => {
    const { stages, first, second } = await createHistory();
    stages.built(second, 'production');
    stages.built(first);
    for (const environment of ['production', 'qa']) {
      const asked = { inputs: { environment, to: 'fresh\nproduction' } };
      await stages.refuses('not-older', [`the stage holds ${second.slice(0, 7)}, which is newer`], asked);
    }
  });

  test('is asked in each repository: one that is ahead refuses for all', async () => {
    const { stages, first, second } = await createHistory();
    const { registry } = stages;
    const [one, two] = [stages.built(first), stages.built(second, 'two')];
    registry.putManifest('org/other', 'production', two.descriptor.mediaType, two.bytes);
    stages.hold('production', one);
    stages.hold('qa', one);
    const third = stages.built(first, 'next', 'another build');
    const to = `${registry.host}/org/app:qa\n${registry.host}/org/other:production`;
    await stages.refuses('not-older', [`the stage holds ${second.slice(0, 7)}, which is newer`], { inputs: { to } });
    expect(registry.tags('org/other').production).toBe(two.descriptor.digest);
    expect(registry.tags('org/app').qa).not.toBe(third.descriptor.digest);
  });

  test('a rollback goes back to an older one, whatever is required of promotions', async () => {
    const { stages, repository, first, second } = await createHistory();
    const policy = { '.github/promotion.yaml': 'require: [not-older, signature]\n' };
    const [one, two] = [stages.built(first, 'one'), stages.built(second, 'two')];
    for (const from of ['one', 'two']) {
      expect((await stages.promote('not-older', { inputs: { from, environment: 'qa' } })).outputs.outcome).toBe(
        'promoted',
      );
    }
    await repository.commit('policy', policy);
    await stages.refuses('', ['signature: '], { inputs: { from: 'two' } });
    expect(stages.registry.tags('org/app').qa).toBe(two.descriptor.digest);
    const back = await stages.promote('not-older\nsignature', {
      inputs: { from: '', environment: 'qa', rollback: 'true' },
    });
    expect(back, back.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'rolled-back' } });
    expect(stages.registry.tags('org/app').qa).toBe(one.descriptor.digest);
  });
});

test('without a checkout, and with a token that GitHub does not answer, nothing is known of commits', async () => {
  const { stages, first, second } = await createHistory();
  const workspace = await mkdtemp(join(tmpdir(), 'empty-'));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  stages.hold('production', stages.built(first, 'one'));
  stages.built(second);
  await using github = await startGitHub({ commits: { [second]: {} } });
  const asked = github.asked({ options: { workspace } });
  await stages.refuses('branch=main', ['branch=main: it could not be found out'], asked);
  await stages.refuses('not-older', ['not-older: it could not be found out'], asked);
});
