import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runAction } from '../../support/action.ts';
import { startRegistry } from '../../support/registry.ts';
import { reportScene } from '../../support/report/scene.ts';
import { pushEvent } from '../../support/repository.ts';
import { createSetting, VULNERABLE } from '../setting.ts';

const read = (folder: string) => readFile(join(folder, 'm.prom'), 'utf8');
/** The value of the only series with these labels. */
const seriesValue = (text: string, name: string, ...labels: readonly string[]) => {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  expect(lines, `${name} ${labels.join()}`).toHaveLength(1);
  return Number(lines[0]?.split(' ').at(-1));
};

async function registry() {
  const started = await startRegistry();
  onTestFinished(started.close);
  return started;
}

describe('metrics of runs', () => {
  it('publish: what was pushed where, and which repository lacks the image', async () => {
    await using setting = await createSetting();
    const [good, bad] = [await registry(), await registry()];
    bad.addFault({
      match: { method: 'PUT', path: /\/manifests\//, nth: 'all' },
      action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } },
    });
    await setting.image();
    const run = await setting.publish({
      images: `${good.host}/org/app\n${bad.host}/org/app`,
      'metrics-file': 'm.prom',
    });
    expect(run.exitCode).toBe(1);
    const text = await read(setting.repository.directory);
    const of = (host: string) => `registry="${host}"`;
    expect(seriesValue(text, 'registry_action_run_success', 'command="publish"')).toBe(0);
    expect(seriesValue(text, 'registry_action_target_success', of(bad.host))).toBe(0);
    expect(seriesValue(text, 'registry_action_errors', 'code="DENIED"')).toBe(1);
    expect(seriesValue(text, 'registry_action_gate_blocking_findings')).toBe(0);
    expect(seriesValue(text, 'registry_action_image_size_bytes', 'platform="linux/arm64"')).toBeGreaterThan(0);
    expect(seriesValue(text, 'registry_action_run_duration_seconds')).toBeGreaterThan(0);
    expect(seriesValue(text, 'registry_action_step_duration_seconds', 'step="Gate"')).toBeGreaterThan(0);
    await bad.close().catch(() => undefined);
  });

  it('publish: a success, and then the same again', async () => {
    await using setting = await createSetting();
    const target = await registry();
    await setting.image();
    const inputs = { images: `${target.host}/org/app`, 'metrics-file': 'm.prom' };
    await setting.publish(inputs);
    const first = await read(setting.repository.directory);
    expect(seriesValue(first, 'registry_action_target_success')).toBe(1);
    expect(seriesValue(first, 'registry_action_pushed_bytes')).toBeGreaterThan(0);
    expect(seriesValue(first, 'registry_action_tags_written')).toBeGreaterThan(0);
    await setting.publish(inputs);
    const again = await read(setting.repository.directory);
    expect(seriesValue(again, 'registry_action_run_success')).toBe(1);
    expect(again).toContain('outcome="unchanged"');
  });

  it('publish: findings that fail the gate', async () => {
    await using setting = await createSetting();
    const target = await registry();
    await setting.image(VULNERABLE);
    const run = await setting.publish({ images: `${target.host}/org/app`, 'metrics-file': 'm.prom' });
    expect(run.outputs.outcome).toBe('findings');
    const text = await read(setting.repository.directory);
    expect(seriesValue(text, 'registry_action_gate_findings', 'severity="CRITICAL"')).toBe(1);
    expect(seriesValue(text, 'registry_action_gate_blocking_findings')).toBeGreaterThan(0);
    expect(text).not.toContain('registry_action_pushed_bytes{');
  });

  it('promote and cleanup', async () => {
    const { content, image, registry: held } = await reportScene({ deletes: 'digests and tags' });
    const event = await (async () => {
      const setting = await createSetting();
      onTestFinished(() => setting[Symbol.asyncDispose]());
      return { workspace: setting.repository.directory, event: await pushEvent(setting.repository) };
    })();
    content.image('one', 'v1');
    content.image('old', 'pr-1');
    const act = async (inputs: Readonly<Record<string, string>>) => {
      const run = await runAction({ inputs: { images: image, 'metrics-file': 'm.prom', ...inputs }, ...event });
      onTestFinished(run.dispose);
      return run;
    };
    const promotion = await act({ command: 'promote', from: 'v1', environment: 'production' });
    expect(promotion.outputs.outcome).toBe('promoted');
    const promoted = await read(event.workspace);
    expect(seriesValue(promoted, 'registry_action_target_success', 'command="promote"', held.host)).toBe(1);
    expect(seriesValue(promoted, 'registry_action_tags_written')).toBe(1);

    const policy = `defaults: { limits: { tagged: 100% } }
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 0d } }`;
    await writeFile(join(event.workspace, 'policy.yaml'), policy);
    await act({ command: 'cleanup', policy: 'policy.yaml' });
    const planned = await read(event.workspace);
    expect(seriesValue(planned, 'registry_action_deleted_manifests', 'command="cleanup"')).toBe(0);
    const cleanup = await act({ command: 'cleanup', policy: 'policy.yaml', 'dry-run': 'false' });
    expect(cleanup.outputs.outcome, cleanup.log).toMatch(/cleaned|unchanged/);
    const cleaned = await read(event.workspace);
    expect(seriesValue(cleaned, 'registry_action_deleted_manifests')).toBe(
      Number(cleanup.outputs['deleted-manifests']),
    );
    expect(seriesValue(cleaned, 'registry_action_freed_bytes')).toBe(Number(cleanup.outputs['freed-bytes']));
  });
});
