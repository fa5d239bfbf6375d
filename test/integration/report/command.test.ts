import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import type { TestRegistry } from '../../support/registry.ts';
import { freshDirectory } from '../../support/report/directory.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';

const json = (text = '{}') => fieldsOf(JSON.parse(text));
const first = (value: unknown) => fieldsOf(Array.isArray(value) ? value[0] : undefined);

/** What the registry keeps, counted on its own: manifests, and the blobs that they name. */
function storedBytes(registry: TestRegistry, name: string): number {
  const digests = new Map<string, number>();
  for (const digest of registry.digests(name)) {
    const bytes = registry.manifest(name, digest)?.bytes ?? Buffer.of();
    digests.set(digest, bytes.length);
    for (const [named = ''] of bytes.toString().matchAll(/sha256:[0-9a-f]{64}/g)) {
      const blob = registry.blob(name, named);
      if (blob !== undefined) digests.set(named, blob.length);
    }
  }
  return [...digests.values()].reduce((sum, size) => sum + size, 0);
}

describe('command: report', () => {
  it('counts images, tags and bytes, each blob once', async () => {
    const { content, image, registry, name } = await reportScene();
    const shared = content.image('shared');
    content.index([shared, content.image('arm64')], 'v1.0.0', 'latest');
    content.index([shared, content.image('next')], 'v1.1.0');
    const run = await runReport({ images: image });
    expect(run.exitCode).toBe(0);
    const { repositories, outcome } = json(run.outputs.json);
    const { counts, sizes, shared: blobs } = first(repositories);
    expect(outcome).toBe('reported');
    expect(counts).toEqual({ images: 2, tags: 3, manifests: 5, referrers: 0, broken: 0 });
    const distinct = storedBytes(registry, name);
    expect(sizes).toMatchObject({ distinct, isExact: true });
    expect(run.outputs['size-bytes']).toBe(String(distinct));
    expect(blobs).toContainEqual(expect.objectContaining({ digest: shared, images: 2 }));
    expect(run.summary).toContain('## ✅ Report: org/app');
    expect(run.summary).toContain('**2 images with 3 tags');
  });

  it('an image without a scanner is not shown as clean', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const run = await runReport({ images: image });
    expect(run.outputs).toMatchObject({ critical: '', high: '', unscanned: '1' });
    expect(run.summary).toContain('❔ no scanner');
    expect(run.summary).not.toContain('none found');
  });

  it('one unreadable repository leaves the report of the others, as a partial one', async () => {
    const { content, image, registry } = await reportScene();
    content.image('one', 'latest');
    const run = await runReport({ images: `${image}\n${registry.host}/org/absent` });
    expect(run.exitCode).toBe(0);
    expect(run.outputs.outcome).toBe('partial');
    expect(run.summary).toContain('❌ not read');
    expect(run.annotations.some(({ message }) => message.includes('org/absent'))).toBe(true);
    const strict = await runReport({ images: `${image}\n${registry.host}/org/absent`, 'fail-on': 'incomplete' });
    expect(strict.exitCode).toBe(1);
    expect(strict.outputs.outcome).toBe('condition-met');
  });

  it('fails when nothing can be read', async () => {
    const { registry } = await reportScene();
    const run = await runReport({ images: `${registry.host}/org/absent`, 'metrics-file': 'm.prom' });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ outcome: 'registry-failed', images: '', 'size-bytes': '' });
    const metrics = await readFile(join(run.workspace, 'm.prom'), 'utf8');
    expect(metrics).toContain('registry_action_run_success{command="report",image="org/absent"} 0');
    expect(metrics).toContain('registry_report_repository_success{registry=');
    expect(metrics).not.toContain('registry_repository_images');
  });

  it('an index that lacks a platform is broken, not smaller', async () => {
    const { content, image, registry, name } = await reportScene();
    const lost = content.image('lost');
    content.index([content.image('kept'), lost], 'latest');
    registry.drop(name, lost);
    const run = await runReport({ images: image, 'fail-on': 'broken' });
    expect(first(json(run.outputs.json).repositories)).toMatchObject({ counts: { images: 1, broken: 1 } });
    expect(run.outputs.outcome).toBe('condition-met');
    expect(run.summary).toContain('1 broken');
  });

  it('appends to the history, and shows the trend from the second run on', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const workspace = await freshDirectory();
    const inputs = { images: image, 'history-file': 'state/history.jsonl' };
    const before = await runReport(inputs, { workspace });
    expect(before.summary).not.toContain('Storage over the last runs');
    content.image('two', 'v2');
    const after = await runReport(inputs, { workspace });
    expect(after.summary).toContain('Storage over the last runs');
    const lines = (await readFile(join(workspace, 'state/history.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => fieldsOf(JSON.parse(line)).tags)).toEqual([1, 2]);
  });

  it('does not overwrite a file that is no history', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const workspace = await freshDirectory();
    await writeFile(join(workspace, 'README.md'), '# Read me\n');
    const run = await runReport({ images: image, 'history-file': 'README.md' }, { workspace });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(await readFile(join(workspace, 'README.md'), 'utf8')).toBe('# Read me\n');
  });

  it('reports all wrong inputs at once', async () => {
    const run = await runReport({
      images: 'ghcr.io/org/app',
      environments: 'staging,staging,prod=not a reference',
      watch: '[',
      'fail-on': 'critcal',
      scans: 'none,trivy',
    });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toContain('Did you mean `critical`?');
    expect(run.log).toContain('`none` cannot be combined');
    expect(run.log).toContain('"staging" is given more than once');
    expect(run.log).toContain('expected a tag, name=tag or name=image:tag');
    expect(run.log).toContain('has no matching');
  });
});
