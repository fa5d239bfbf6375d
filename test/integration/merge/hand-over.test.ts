import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startRegistry } from '../../support/registry.ts';
import { LODASH } from '../setting.ts';
import { createMergeJob, single } from './job.ts';

const exec = promisify(execFile);

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';

describe('`layout-directory`', () => {
  test('hands over from the jobs of a matrix to a merge: same bytes, and who built what', {
    timeout: 60_000,
  }, async () => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const built = new Map<string, string>();
    for (const [platform, arch] of [
      [AMD, 'X64'],
      [ARM, 'ARM64'],
    ] as const) {
      const { digest } = await job.image(single(platform));
      const run = await job.publish(
        { images, push: 'false', 'layout-directory': 'layouts' },
        { env: { RUNNER_ARCH: arch, RUNNER_NAME: `runner-${arch}`, GITHUB_JOB: 'build' } },
      );
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built', digest } });
      const layout = `layouts/image-${platform.replaceAll('/', '-')}`;
      expect(run.outputs.layout).toBe(layout);
      expect(run.summary).toContain(layout);
      const facts = JSON.parse(await readFile(join(job.repository.directory, layout, 'registry-action.json'), 'utf8'));
      expect(facts).toMatchObject({
        digest,
        platforms: [platform],
        commit: await job.repository.head(),
        run: { id: '4242', attempt: 1, job: 'build' },
        gate: { mode: 'gate', passed: true, blocking: 0 },
      });
      // It is still there after the job's post step.
      await run.post();
      built.set(platform, digest);
    }
    expect(registry.writes()).toEqual([]);
    const run = await job.merge({ images });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(JSON.parse(run.outputs.json ?? '{}').parts).toMatchObject([
      { digest: built.get(AMD), builtBy: { run: { runner: 'runner-X64, Linux X64' } } },
      { digest: built.get(ARM), builtBy: { run: { runner: 'runner-ARM64, Linux ARM64' } } },
    ]);
    expect(run.summary).toMatch(/runner-ARM64, Linux ARM64 \| 4242, attempt 1/);
  });

  test('gets nothing when the gate fails', async () => {
    await using job = await createMergeJob();
    await job.image(single(AMD, {}, LODASH));
    const run = await job.publish({ push: 'false', 'layout-directory': 'layouts', export: 'oci=image.tar' });
    expect(run.outputs, run.log).toMatchObject({ outcome: 'findings', layout: '' });
    await expect(readFile(join(job.repository.directory, 'layouts'))).rejects.toThrow(/ENOENT/);
    await expect(readFile(join(job.repository.directory, 'image.tar'))).rejects.toThrow(/ENOENT/);
  });

  test('replaces an earlier layout, and nothing else', async () => {
    await using job = await createMergeJob();
    const inputs = { push: 'false', 'layout-directory': 'layouts', scan: 'off' };
    await job.image(single(AMD));
    const first = await job.publish(inputs);
    await job.image(single(AMD, {}, { other: 'content' }));
    const second = await job.publish(inputs);
    expect(second, second.log).toMatchObject({ exitCode: 0 });
    expect(second.outputs.digest).not.toBe(first.outputs.digest);
    const source = await job.publish({ ...inputs, source: 'layouts/image-linux-amd64' });
    expect(source.outputs, source.log).toMatchObject({ digest: second.outputs.digest, outcome: 'built' });

    const precious = join(job.repository.directory, 'work/image-linux-amd64');
    await mkdir(precious, { recursive: true });
    await writeFile(join(precious, 'thesis.txt'), 'years of work');
    const refused = await job.publish({ ...inputs, 'layout-directory': 'work' });
    expect(JSON.parse(refused.outputs.json ?? '{}').errors, refused.log).toMatchObject([{ code: 'INPUT_INVALID' }]);
    expect(await readFile(join(precious, 'thesis.txt'), 'utf8')).toBe('years of work');
  });
});

describe('build, test, push', () => {
  test('the digest that was handed over is the digest that is pushed, and it is scanned again', async () => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    await job.image();
    const built = await job.publish({ images, push: 'false', 'layout-directory': 'out' });
    const { layout = '', digest = '' } = built.outputs;
    const pushed = await job.publish({ images, source: layout });
    expect(pushed.outputs, pushed.log).toMatchObject({ outcome: 'published', digest });
    expect(registry.tags('org/app').main).toBe(digest);
    // A file in the workspace can be changed by any step in between: it proves nothing.
    expect(pushed.log).toMatch(/Trivy \d/);
  });

  test('a step that changes the layout in between is found, whatever the file beside it says', async () => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    await job.image();
    const built = await job.publish({ images, push: 'false', 'layout-directory': 'out' });
    const { layout = '' } = built.outputs;
    const { digest } = await job.image({ platforms: [{ platform: AMD, files: LODASH }] }, 'other');
    const file = join(job.repository.directory, layout, 'registry-action.json');
    const facts = JSON.parse(await readFile(file, 'utf8'));
    await exec('cp', ['-r', '-T', join(job.repository.directory, 'other'), join(job.repository.directory, layout)]);
    await writeFile(file, JSON.stringify({ ...facts, digest }));
    const pushed = await job.publish({ images, source: layout });
    expect(pushed.outputs, pushed.log).toMatchObject({ outcome: 'findings' });
    expect(registry.writes()).toEqual([]);
  });
});

describe('`export`', () => {
  test('writes the image as it is, the same bytes each time', { timeout: 60_000 }, async () => {
    await using job = await createMergeJob();
    const { digest, platforms } = await job.image();
    const run = await job.publish({
      images: 'org/app\nghcr.io/org/app',
      push: 'false',
      export: 'oci=out/image.tar\ndocker=out/docker.tar',
    });
    expect(run, run.log).toMatchObject({ exitCode: 0 });
    const file = join(job.repository.directory, 'out/image.tar');
    const bytes = await readFile(file);
    await job.publish({ images: 'org/app\nghcr.io/org/app', push: 'false', export: 'oci=out/image.tar' });
    expect((await readFile(file)).equals(bytes)).toBe(true);

    const again = await job.publish({ source: 'out/image.tar', push: 'false' });
    expect(again.outputs, again.log).toMatchObject({ outcome: 'built', digest });
    // The platform of the runner, under the digest of its manifest.
    const one = await job.publish({ source: 'out/docker.tar', push: 'false' });
    expect(one.outputs, one.log).toMatchObject({ outcome: 'built', digest: platforms[0]?.digest });
    const { stdout } = await exec('tar', [
      '-xOf',
      join(job.repository.directory, 'out/docker.tar'),
      'manifest.json',
      'index.json',
    ]);
    expect(stdout).toMatch(/"RepoTags":\["org\/app:main","org\/app:sha-\w+","ghcr.io\/org\/app:main"/);
    expect(stdout).toMatch(/"io.containerd.image.name":"docker.io\/org\/app:main"/);
  });

  test.each([
    ['zip=a.zip', /expected `oci=<path>` or `docker=<path>`/],
    ['dokcer=a.tar', /Did you mean `?docker/],
    ['oci=', /expected `oci=<path>`/],
    ['oci=a.tar\ndocker=a.tar', /more than once/],
  ])('%s is an input error', async (text, message) => {
    await using job = await createMergeJob();
    const run = await job.publish({ push: 'false', export: text });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toMatch(message);
  });

  test('for an engine of another platform names both', async () => {
    await using job = await createMergeJob();
    await job.image({ platforms: [ARM, 'linux/s390x'].flatMap((platform) => single(platform).platforms) });
    const run = await job.publish({ push: 'false', export: 'docker=a.tar' });
    expect(JSON.parse(run.outputs.json ?? '{}').errors, run.log).toMatchObject([
      {
        code: 'PLATFORM_MISSING',
        message: expect.stringMatching(/is for linux\/amd64, and the image has linux\/arm64, linux\/s390x/),
      },
    ]);
  });
});
