import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAction } from '../support/action.ts';
import { fill } from '../support/copy-source.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { tarHeader } from '../support/tar.ts';
import { createPromotionJob } from './promote/job.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'last-words-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function promote(env: Readonly<Record<string, string | undefined>>) {
  await using registry = await startRegistry({ referrers: true });
  fill(registry, 'org/app').image(['a'], {}, 'one');
  await using job = await createPromotionJob();
  return await job.promote({ images: `${registry.host}/org/app`, from: 'one', to: 'two' }, { env });
}

const withoutDebug = (log: string) => log.replaceAll(/^::debug::.*$/gm, '');

describe('P7: whatever is wrong with the files of the runner, the run ends with an outcome and a sentence', () => {
  test.each([
    ['empty', ''],
    ['cut off', '{"ref":'],
  ])('an event file that is %s', async (name, content) => {
    const file = join(root, name);
    await writeFile(file, content);
    const run = await promote({ GITHUB_EVENT_PATH: file });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toContain(`The event payload ${file} is not JSON`);
    expect(withoutDebug(run.log)).not.toMatch(/^ {4}at /m);
  });

  test('a state file that cannot be written: nothing begins, as the post step would begin again', async () => {
    const run = await promote({ GITHUB_STATE: join(root, 'missing', 'state') });
    expect(run.exitCode, run.log).toBe(1);
    expect(run.annotations).toMatchObject([{ level: 'error', message: expect.stringContaining('missing/state') }]);
    expect(withoutDebug(run.log)).not.toMatch(/^ {4}at /m);
  });

  test.each(['is a folder', 'lies in a folder that is not there'])(
    'a summary file that %s: a warning, and the rest of it',
    async (kind) => {
      const folder = join(root, 'folder');
      await mkdir(folder, { recursive: true });
      const file = kind === 'is a folder' ? folder : join(root, 'missing', 'summary');
      const run = await promote({ GITHUB_STEP_SUMMARY: file });
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
      expect(run.annotations).toContainEqual(
        expect.objectContaining({ level: 'warning', message: expect.stringContaining(file) }),
      );
      expect(withoutDebug(run.log)).not.toMatch(/^ {4}at /m);
    },
  );

  test('an output file that cannot be written: the outcome stands in the log, and the step fails', async () => {
    const run = await promote({ GITHUB_OUTPUT: join(root, 'missing', 'output') });
    expect(run.exitCode, run.log).toBe(1);
    expect(run.annotations).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining(join(root, 'missing', 'output')) }),
    );
    expect(run.log).toContain('promoted');
    expect(withoutDebug(run.log)).not.toMatch(/^ {4}at /m);
  });
});

describe('P7: a tar whose entry claims 10^12 bytes ends with an outcome and a sentence', () => {
  const publish = (source: string, registry: TestRegistry, scan: string) =>
    runAction({
      inputs: { images: `${registry.host}/org/app`, tags: 'type=raw,value=1', source, scan },
      env: { TRIVY_OFFLINE: 'true' },
    });

  test.each(['oci-layout', `blobs/sha256/${'a'.repeat(64)}`, 'manifest.json'])('as the source: %s', async (name) => {
    await using registry = await startRegistry();
    const file = join(root, `${name.replaceAll('/', '-')}.tar`);
    await writeFile(file, Buffer.concat([tarHeader(name, 1e12), Buffer.alloc(10_240, 'x')]));
    await using run = await publish(file, registry, 'off');
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: expect.stringMatching(/./) } });
    expect(run.annotations.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(registry.writes()).toEqual([]);
  });
});
