import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startRegistry } from '../../support/registry.ts';
import { LODASH } from '../setting.ts';
import { createMergeJob, single } from './job.ts';

const AMD = 'linux/amd64';
const AGAIN = /was scanned in this job at/;
const SCANNED = /Trivy .*\n|scanned in \d+ ms/;
const JOB = { ACTIONS_RUNTIME_TOKEN: 'the-token-of-the-job', RUNNER_DEBUG: '1' };

/** A job that has built, scanned and handed over an image. */
async function built(env: Readonly<Record<string, string>> = JOB, files = {}, inputs = {}) {
  const job = await createMergeJob();
  await job.image(single(AMD, {}, files));
  const first = await job.publish({ push: 'false', 'layout-directory': 'out', ...inputs }, { env });
  expect(first, first.log).toMatchObject({ exitCode: 0 });
  return { job, first, source: first.outputs.layout ?? '' };
}

const kept = (temp: string) => join(temp, 'registry-action-scans');

describe('findings that are kept for later steps of the job', () => {
  test('are evaluated again, and the image is not scanned twice', async () => {
    const { job, first, source } = await built();
    await using _ = job;
    await using registry = await startRegistry();
    expect(first.log).not.toMatch(AGAIN);
    const pushed = await job.publish({ images: `${registry.host}/org/app`, source }, { env: JOB });
    expect(pushed.outputs, pushed.log).toMatchObject({ outcome: 'published', digest: first.outputs.digest });
    expect(pushed.log).toMatch(AGAIN);
    expect(pushed.log).not.toMatch(/scanned in \d+ ms/);
    expect(JSON.parse(pushed.outputs.json ?? '{}').gate.scannedAt).toHaveProperty([AMD]);
    expect(pushed.summary).toMatch(/Scanned by an earlier step of this job, evaluated again: linux\/amd64/);
  });

  test('are subject to the policy of the later step', async () => {
    const { job, source } = await built(JOB, LODASH, { scan: 'report' });
    await using _ = job;
    const strict = await job.publish({ push: 'false', source }, { env: JOB });
    expect(strict.log).toMatch(AGAIN);
    expect(strict.outputs, strict.log).toMatchObject({ outcome: 'findings' });
    const entry = (day: string) =>
      job.repository.commit('accept', {
        'accepted.yaml': `vulnerabilities:\n${[...ids(strict.outputs.json)].map((id) => `  - id: ${id}\n    statement: known\n    expired_at: ${day}\n`).join('')}`,
      });
    await entry(new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10));
    const commit = { env: JOB };
    const lenient = await job.publish({ push: 'false', source: 'image', ignorefile: 'accepted.yaml' }, commit);
    expect(lenient.log).toMatch(AGAIN);
    expect(lenient.outputs, lenient.log).toMatchObject({ outcome: 'built' });
    await entry('2026-01-01');
    const expired = await job.publish({ push: 'false', source: 'image', ignorefile: 'accepted.yaml' }, commit);
    expect(expired.log).toMatch(AGAIN);
    expect(expired.outputs, expired.log).toMatchObject({ outcome: 'findings' });
  });

  test.each([
    ['another attempt', { ...JOB, GITHUB_RUN_ATTEMPT: '2' }, {}],
    ['another job', { ...JOB, GITHUB_JOB: 'other' }, {}],
    ['another token', { ...JOB, ACTIONS_RUNTIME_TOKEN: 'forged' }, {}],
    ['no token', { RUNNER_DEBUG: '1' }, {}],
    ['other scanners', JOB, { scanners: 'vuln' }],
  ])('%s: scans again', async (_name, env, inputs) => {
    const { job, source } = await built();
    await using _ = job;
    const again = await job.publish({ push: 'false', source, ...inputs }, { env });
    expect(again, again.log).toMatchObject({ exitCode: 0 });
    expect(again.log).not.toMatch(AGAIN);
    expect(again.log).toMatch(SCANNED);
  });

  test('another image, or a newer database: scans again', async () => {
    const { job, first, source } = await built();
    await using _ = job;
    await job.image(single(AMD, {}, LODASH), 'other');
    const other = await job.publish({ push: 'false', source: 'other' }, { env: JOB });
    expect(other.outputs, other.log).toMatchObject({ outcome: 'findings' });
    expect(other.log).not.toMatch(AGAIN);
    await rm(join(first.runnerTemp, 'registry-action-trivy'), { recursive: true });
    const newer = await job.publish({ push: 'false', source }, { env: JOB });
    expect(newer, newer.log).toMatchObject({ exitCode: 0 });
    expect(newer.log).not.toMatch(AGAIN);
  });

  test('a forged file is not used: the image is scanned again', async () => {
    const { job, first, source } = await built(JOB, LODASH, { scan: 'report' });
    await using _ = job;
    const folder = kept(first.runnerTemp);
    const [name = ''] = await readdir(folder);
    const bytes = await readFile(join(folder, name));
    await writeFile(join(folder, name), Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]));
    const ran = await job.publish({ push: 'false', source }, { env: JOB });
    expect(ran.outputs, ran.log).toMatchObject({ outcome: 'findings' });
    expect(ran.log).toMatch(/was changed since it was written\. linux\/amd64 is scanned again/);
  });
});

function ids(json = '{}'): ReadonlySet<string> {
  const { gate } = JSON.parse(json);
  return new Set(gate.gated.map(({ id }: { readonly id: string }) => id));
}
