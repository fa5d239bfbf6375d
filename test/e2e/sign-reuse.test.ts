import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLEAN, GOOD } from '../integration/setting.ts';
import type { WorkflowEvent } from '../support/action.ts';
import { buildingDocker } from '../support/building-docker.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import type { Claims } from './sigstore/issuer.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
let root: string;
let docker: Awaited<ReturnType<typeof buildingDocker>>;
let event: WorkflowEvent;
let run = 0;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sign-reuse-')));
  docker = await buildingDocker(join(root, 'docker'));
  for (const name of ['signing-config.json', 'trusted-root.json']) {
    await chmod(join(job.setting.repository.directory, name), 0o644);
  }
  await job.setting.repository.commit('the app', {
    Dockerfile: 'FROM scratch AS debug\n',
    '.gitignore': 'dist\n',
    // The build's context is exactly the commit.
    'signing-config.json': await readFile(job.scene.sigstore.signingConfig, 'utf8'),
    'trusted-root.json': await readFile(job.scene.sigstore.trustedRoot, 'utf8'),
  });
  event = await job.setting.tag('v1.2.3');
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A run of its own that builds with docker and signs. */
async function build(
  images: readonly string[],
  claims: Claims | undefined,
  inputs: Readonly<Record<string, string>> = {},
) {
  run += 1;
  const path = `${docker.directory}:${process.env.TEST_TRIVY_DIR}:/usr/bin:/bin`;
  return job.setting.publish(
    {
      ...{ source: '', 'github-token': '', scan: 'off', images: images.join('\n') },
      ...{ 'signing-config': 'signing-config.json', 'trusted-root': 'trusted-root.json', ...inputs },
    },
    {
      event,
      env: { PATH: path, GITHUB_RUN_ID: String(1000 + run), ...(claims === undefined ? {} : job.token(claims)) },
    },
  );
}

const RELEASE: Claims = {};
const RELEASE_REF = 'acme/app/.github/workflows/release.yml@refs/heads/main';

/** Two registries with the same image, of which the second has lost everything since. */
async function publishAndLose(claims: Claims | undefined, inputs: Readonly<Record<string, string>> = {}) {
  const full = job.fresh('fallback');
  const lost = await startRegistry();
  const images = [full.image, `${lost.host}/${full.name}`];
  const first = await build(images, claims, inputs);
  expect(first.outputs.outcome, first.log).toBe('published');
  for (const reference of [...Object.keys(lost.tags(full.name)), ...lost.digests(full.name)]) {
    lost.drop(full.name, reference);
  }
  expect(lost.digests(full.name)).toEqual([]);
  return { first, lost, name: full.name, images, [Symbol.asyncDispose]: () => lost.close() };
}

describe('P13: an image that another registry has', () => {
  it('is taken over when this workflow signed it for this commit, and is not built again', async () => {
    await using scene = await publishAndLose(RELEASE);
    const before = (await docker.builds()).length;
    const second = await build(scene.images, RELEASE);
    const { digest } = scene.first.outputs;
    expect(second.outputs, second.log).toMatchObject({ outcome: 'published', digest });
    expect(second.log).toContain('was signed by this workflow for this commit');
    expect(await docker.builds()).toHaveLength(before);
    expect(scene.lost.tags(scene.name)['1.2.3']).toBe(digest);
    await using verified = await job.verify(`${scene.images[1]}:1.2.3`, { require: 'signature, provenance' });
    expect(verified.outputs.outcome, verified.log).toBe('verified');
  });

  const OTHER = 'acme/app/.github/workflows/pr.yml@refs/heads/main';
  it.each<[string, Claims | undefined, RegExp]>([
    ['nobody signed', undefined, /It is not signed/],
    ['another workflow signed', { job_workflow_ref: OTHER }, /its identity is .*pr\.yml/],
    [
      'another repository signed',
      { repository: 'evil/app', repository_id: '9', job_workflow_ref: RELEASE_REF },
      /its repository is/,
    ],
    ['was signed for another commit', { sha: 'b'.repeat(40) }, /its commit is/],
    ['a pull request signed', { event_name: 'pull_request_target' }, /its trigger is .*pull_request_target/],
  ])('is not when %s', async (_what, claims, reason) => {
    await using scene = await publishAndLose(claims, claims === undefined ? { sign: 'off', 'signing-config': '' } : {});
    const second = await build(scene.images, RELEASE);
    expect(second.outputs.outcome, second.log).toBe('tag-conflict');
    expect(second.log).toMatch(/is not copied there from another repository/);
    expect(second.log).toMatch(reason);
    expect(scene.lost.tags(scene.name)).toEqual({});
  });

  it('is not when the job cannot tell who it is', async () => {
    await using scene = await publishAndLose(RELEASE);
    const second = await build(scene.images, undefined, { 'signing-config': '' });
    expect(second.outputs.outcome, second.log).toBe('tag-conflict');
    expect(second.log).toContain('its own signatures are unknown');
  });

  it('`if-published: keep` copies what this workflow signed, and nothing that was put there', async () => {
    const [full, empty, planted] = [job.fresh('fallback'), job.fresh('fallback'), job.fresh('fallback')];
    const first = await build([full.image], RELEASE);
    const keep = { 'if-published': 'keep', pull: 'true' };
    const kept = await build([full.image, empty.image], RELEASE, keep);
    expect(kept.outputs, kept.log).toMatchObject({ outcome: 'published', digest: first.outputs.digest });
    const revision = { 'org.opencontainers.image.revision': await job.setting.repository.head() };
    const { directory } = await writeLayout(join(root, 'planted'), {
      ...{
        platforms: GOOD.platforms.map((each) => ({ ...each, files: { ...CLEAN, evil: '1' } })),
        annotations: revision,
      },
    });
    const put = await job.setting.publish(
      { source: directory, images: planted.image, sign: 'off', scan: 'off', 'github-token': '' },
      { event },
    );
    expect(put.outputs.outcome, put.log).toBe('published');
    const refused = await build([planted.image, job.fresh('fallback').image], RELEASE, keep);
    expect(refused.outputs.outcome, refused.log).toBe('tag-conflict');
    expect(refused.log).toContain('without a signature of this workflow: It is not signed');
  });
});
