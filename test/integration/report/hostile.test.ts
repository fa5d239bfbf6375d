import { execFileSync } from 'node:child_process';
import { lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { freshDirectory } from '../../support/report/directory.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';

const EVIL = 'v1\n::error::pwned\n::set-output name=x::y | <img src=x> `$(id)` "}\\';
const first = (value: unknown) => fieldsOf(Array.isArray(value) ? value[0] : undefined);
const repositoryOf = (json = '{}') => first(fieldsOf(JSON.parse(json)).repositories);

describe('hostile content', () => {
  it('texts of images reach neither the log as commands, nor the summary as markup, nor metrics as lines', async () => {
    const { content, image } = await reportScene();
    const annotations = { 'org.opencontainers.image.version': EVIL, 'org.opencontainers.image.revision': EVIL };
    for (const [at, tag] of ['staging', 'production'].entries()) {
      const child = content.image(tag);
      content.put(
        MEDIA_TYPES.ociIndex,
        {
          manifests: [
            {
              mediaType: MEDIA_TYPES.ociManifest,
              digest: child,
              size: 1,
              platform: { os: 'linux', architecture: `amd64 | ${EVIL}${at}` },
            },
          ],
          annotations,
        },
        [tag],
      );
    }
    const run = await runReport({ images: image, environments: 'staging,production', 'metrics-file': 'm.prom' });
    expect(run.exitCode).toBe(0);
    expect(run.log).not.toMatch(/^::(?:error|set-output)/m);
    expect(run.summary).not.toContain('<img');
    expect(run.summary).not.toMatch(/^::error/m);
    for (const row of run.summary.split('\n').filter((line) => line.startsWith('| staging')))
      expect(row.match(/(?<!\\)\|/g)?.length).toBeLessThanOrEqual(9);
    const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
    for (const line of metrics.trim().split('\n'))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE|UNIT) |# EOF$|registry_\w+\{.*\} [\d.e+-]+$)/);
  });

  it.each(['a', `A${'_'.repeat(127)}`, 'sha256-nothing', '0', '--', '..-'.replace('..-', 'v.-'), 'latest.sig'])(
    'a tag %s is counted',
    async (tag) => {
      const { content, image } = await reportScene();
      content.image('one', tag);
      const run = await runReport({ images: image, watch: '**', 'metrics-file': 'm.prom' });
      expect(run.outputs.outcome).toBe('reported');
      expect(repositoryOf(run.outputs.json).counts).toMatchObject({ images: 1, tags: 1 });
    },
  );

  it('an image built in the future or at the beginning of time has an age that makes sense', async () => {
    const { content, image, registry, name } = await reportScene();
    const dated = (created: string, tag: string) => {
      const bytes = Buffer.from(JSON.stringify({ os: 'linux', created }));
      const digest = registry.putBlob(name, bytes);
      content.put(
        MEDIA_TYPES.ociManifest,
        { config: { mediaType: MEDIA_TYPES.ociConfig, digest, size: bytes.length }, layers: [] },
        [tag],
      );
    };
    dated('2099-01-01T00:00:00Z', 'future');
    dated('1970-01-01T00:00:00Z', 'reproducible');
    dated('not a time', 'broken');
    dated('0001-01-01T00:00:00Z', 'none');
    const run = await runReport({ images: image, watch: '**', 'metrics-file': 'm.prom' });
    expect(run.outputs.outcome).toBe('reported');
    const { ages } = repositoryOf(run.outputs.json);
    const groups = Array.isArray(ages) ? ages.map(fieldsOf) : [];
    expect(groups.find(({ name: group }) => group === 'up to 7 days')).toMatchObject({ images: 1 });
    expect(groups.find(({ name: group }) => group === 'unknown')).toMatchObject({ images: 3 });
    expect(run.summary).not.toMatch(/NaN|Invalid|-\d+ [hdy]\b/);
  });

  it('a registry that fails in the middle of the list gives a partial report of it, and no numbers as metrics', async () => {
    const { content, image, registry } = await reportScene();
    content.image('one', 'a');
    content.image('two', 'b');
    registry.addFault({
      match: { path: /\/manifests\/b$/, nth: 'all' },
      action: { status: 500, body: { errors: [{ code: 'UNKNOWN', message: 'broken' }] } },
    });
    const run = await runReport({ images: image, 'metrics-file': 'm.prom' });
    const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
    expect(['partial', 'registry-failed']).toContain(run.outputs.outcome);
    expect(metrics).toMatch(/registry_report_repository_success\{.*\} 0/);
    expect(metrics).not.toContain('registry_repository_images{');
    expect(metrics).not.toContain('registry_repository_size_bytes{');
  });

  it('an expired or wrong login is an error of the login, not an empty registry', async () => {
    const { image, registry, content } = await reportScene({ auth: { basic: { username: 'ci', password: 'right' } } });
    content.image('one', 'latest');
    const run = await runReport({ images: image, registry: registry.host, username: 'ci', password: 'wrong' });
    expect(run.exitCode).toBe(1);
    expect(run.outputs.images).toBe('');
    expect(run.log).toMatch(/UNAUTHORIZED/);
  });
});

describe('files of the run', () => {
  it.each([
    ['/dev/null/m.prom', '/dev/null is not a folder'],
    ['/dev/null', 'is no regular file'],
    ['.', 'is a folder'],
    ['/proc/none/m.prom', 'belongs to the kernel'],
    ['/proc/self/fd/none/m.prom', 'belongs to the kernel'],
    ['linked/none/m.prom', 'belongs to the kernel'],
    ['fifo', 'is no regular file'],
  ])('metrics-file %s, which can never be written, fails before any request', async (path, reason) => {
    const { registry, content, image } = await reportScene();
    content.image('one', 'latest');
    registry.clearLog();
    const workspace = await freshDirectory();
    await symlink('/proc', join(workspace, 'linked'));
    execFileSync('mkfifo', [join(workspace, 'fifo')]);
    const run = await runReport({ images: image, 'metrics-file': path }, { workspace });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toContain('metrics-file');
    expect(run.log).toContain(reason);
    expect(registry.log).toEqual([]);
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('replaces the metrics of the last run, and leaves no other file behind', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const workspace = await freshDirectory();
    await writeFile(join(workspace, 'm.prom'), 'old\n');
    await runReport({ images: image, 'metrics-file': 'm.prom' }, { workspace });
    const text = await readFile(join(workspace, 'm.prom'), 'utf8');
    expect(text).not.toContain('old');
    expect(await readdir(workspace)).toEqual(['m.prom']);
  });

  it('a run with wrong inputs writes its metrics, so that the failure is seen', async () => {
    const run = await runReport({ images: 'not an image', 'metrics-file': 'm.prom' });
    expect(run.outputs.outcome).toBe('invalid-input');
    const text = await readFile(join(run.workspace, 'm.prom'), 'utf8');
    expect(text).toContain('registry_action_run_outcome{command="report",image="",outcome="invalid-input"} 1');
  });

  it('a history with lines of another form keeps its entries and drops the rest', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const workspace = await freshDirectory();
    const entry = { at: '2026-01-01T00:00:00.000Z', repository: image, images: 1, tags: 1, bytes: 5 };
    await writeFile(join(workspace, 'h'), `${JSON.stringify(entry)}\n{"at":1}\nnonsense\n<<<<<<< HEAD\n`);
    const run = await runReport({ images: image, 'history-file': 'h' }, { workspace });
    expect(run.outputs.outcome).toBe('reported');
    expect(run.log).toContain('3 lines were no entries');
    const lines = (await readFile(join(workspace, 'h'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toEqual(entry);
  });
});

it('a cancelled run says so, and what it had found until then', async () => {
  const { content, image, registry } = await reportScene();
  content.image('one', 'latest');
  registry.addFault({ match: { path: /\/org\/slow\/tags\/list/ }, action: { hang: 'before' }, optional: true });
  const run = await runReport(
    { images: `${image}\n${registry.host}/org/slow`, 'metrics-file': 'm.prom' },
    { signalAfter: { line: /Read .*org\/slow/, signal: 'SIGTERM' } },
  );
  expect(run.outputs).toMatchObject({ outcome: 'cancelled', images: '1' });
  const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
  expect(metrics).toContain('outcome="cancelled"');
});
