import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ActionRun } from '../../support/action.ts';
import { buildingDocker } from '../../support/building-docker.ts';
import { startRegistry } from '../../support/registry.ts';
import { createMergeJob, type MergeJob, single } from './job.ts';

const exec = promisify(execFile);
const MEBIBYTE = 1024 * 1024;
/** More than the disk, and nothing that a compression makes smaller. */
const LARGE = { 'app/data': randomBytes(12 * MEBIBYTE) };

/** A disk of its own needs the right to mount one. */
const canMount = await (async () => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const directory = await mkdtemp(join(tmpdir(), 'mount-'));
  try {
    await exec('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
    await exec('umount', [directory]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
})();

describe.skipIf(!canMount)('a disk that is full', () => {
  let job: MergeJob;
  let small: string;
  let disk: string;
  beforeAll(async () => {
    job = await createMergeJob();
    await job.image(single('linux/amd64'), 'layouts/amd64');
    await job.image(single('linux/arm64', {}, LARGE), 'layouts/arm64');
    await mkdir(join(job.repository.directory, 'tars'));
    for (const arch of ['amd64', 'arm64']) {
      const from = join(job.repository.directory, 'layouts', arch);
      await exec('tar', ['-cf', join(job.repository.directory, 'tars', `${arch}.tar`), '-C', from, '.']);
    }
    small = await realpath(await mkdtemp(join(tmpdir(), 'small-')));
  });
  afterAll(async () => {
    await job[Symbol.asyncDispose]();
    await rm(small, { recursive: true, force: true });
  });
  beforeEach(async () => {
    disk = join(small, 'disk');
    await mkdir(disk);
    await exec('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
  });
  afterEach(async () => {
    await exec('umount', [disk]);
    await rm(disk, { recursive: true });
  });

  function expectClear(run: ActionRun): void {
    expect(run.exitCode, run.log).toBe(1);
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors, run.log).toMatchObject([{ code: 'BUILD_NO_SPACE', message: expect.stringMatching(/space/) }]);
    expect(run.log).toMatch(/larger runner/);
    expect(run.log).toMatch(/on its own runner/);
  }

  test('while a tar is unpacked', async () => {
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const run = await job.merge({ images, layouts: 'tars', scan: 'off' }, { tempDir: disk });
    expectClear(run);
    expect(registry.writes()).toEqual([]);
    await run.post();
    expect(await readdir(disk)).toEqual([]);
  });

  test('while images are fetched by their digests', async () => {
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const digests: string[] = [];
    for (const arch of ['amd64', 'arm64']) {
      const directory = join(job.repository.directory, 'layouts', arch);
      digests.push(await registry.putLayout('org/app', arch, directory));
    }
    registry.clearLog();
    const run = await job.merge({ images, layouts: '', digests: digests.join('\n'), scan: 'off' }, { tempDir: disk });
    expectClear(run);
    expect(registry.writes()).toEqual([]);
  });

  test.each([
    ['`layout-directory`', (path: string) => ({ 'layout-directory': path })],
    ['`export` for OCI tools', (path: string) => ({ export: `oci=${path}/a.tar` })],
    ['`export` for Docker', (path: string) => ({ export: `docker=${path}/a.tar` })],
  ])('under %s, nothing is pushed', async (_, input) => {
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const run = await job.publish({
      images,
      source: 'layouts/arm64',
      scan: 'off',
      ...input(disk),
    });
    expectClear(run);
    expect(registry.tags('org/app')).toEqual({});
  });

  test('while a build is exported', async () => {
    const docker = await realpath(await mkdtemp(join(tmpdir(), 'docker-')));
    const { directory } = await buildingDocker(docker);
    await job.repository.commit('large', {
      Dockerfile: 'FROM scratch\n',
      'dist/app.js': LARGE['app/data'].toString('latin1'),
    });
    const run = await job.publish(
      { images: 'org/app', source: '', push: 'false', scan: 'off', 'github-token': '' },
      { tempDir: disk, env: { PATH: [directory, process.env.TEST_TRIVY_DIR, '/usr/bin', '/bin'].join(delimiter) } },
    );
    expectClear(run);
    await rm(docker, { recursive: true, force: true });
  });

  test('while layouts of another disk are joined', async () => {
    const run = await job.merge({ push: 'false', scan: 'off' }, { tempDir: disk });
    expectClear(run);
    expect(run.log).toContain(`${disk}/`);
  });
});
