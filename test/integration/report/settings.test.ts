import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const FILE = `version: 1
registries:
  ecr: {at: ${ECR_HOST}}
repositories:
  - {name: acme/api, immutable: true, scan: on-push}
  - {name: acme/web, immutable: true}
`;

async function scene() {
  const { image, content } = await reportScene();
  content.image('a', 'v1');
  const ecr = await ecrScene();
  const report = (more: Readonly<Record<string, string>> = {}, file = FILE) =>
    ecr.run({ command: 'report', images: image, setup: file, ...more });
  return { ...ecr, image, report };
}

const settingsOf = (json = '{}') => {
  const { settings } = fieldsOf(JSON.parse(json));
  return Array.isArray(settings) ? settings.map(fieldsOf) : [];
};

describe('registries compared with the setup file', () => {
  it('shows each setting that differs, and writes nothing', async () => {
    const { repository, report, writes, problems } = await scene();
    repository('acme/api', { imageTagMutability: 'MUTABLE' });
    repository('acme/web', { imageTagMutability: 'IMMUTABLE' });
    const run = await report({ 'metrics-file': 'm.prom', 'fail-on': 'drift' });
    expect(run.outputs.outcome, run.log).toBe('reported');
    expect(run.outputs['settings-drift']).toBe('2');
    expect(settingsOf(run.outputs.json)).toMatchObject([
      {
        registry: ECR_HOST,
        differences: [
          { setting: 'acme/api immutable', is: 'false', should: 'true', line: 5 },
          { setting: 'acme/api scan', should: 'on-push' },
        ],
      },
    ]);
    expect(run.summary).toContain('### Settings');
    expect(run.summary).toContain('acme/api immutable');
    expect(await readFile(join(run.workspace, 'm.prom'), 'utf8')).toContain(
      `registry_settings_different{registry="${ECR_HOST}"} 2`,
    );
    expect(writes()).toEqual([]);
    expect(problems).toEqual([]);
    const strict = await report({ 'fail-on': 'settings' });
    expect(strict.outputs.outcome).toBe('condition-met');
    expect(strict.log).toContain(`${ECR_HOST}: acme/api immutable is false, and should be true.`);
  });

  it('a registry that is as the file has it', async () => {
    const { repository, report } = await scene();
    repository('acme/api', { imageTagMutability: 'IMMUTABLE', imageScanningConfiguration: { scanOnPush: true } });
    repository('acme/web', { imageTagMutability: 'IMMUTABLE' });
    const run = await report({ 'fail-on': 'settings' });
    expect(run.outputs, run.log).toMatchObject({ outcome: 'reported', 'settings-drift': '0' });
    expect(run.summary).toContain('✅ none');
  });

  it('a registry that cannot be read is unknown, and not the same', async () => {
    const { image, content } = await reportScene();
    content.image('a', 'v1');
    const run = await runReport(
      { images: image, setup: FILE, 'metrics-file': 'm.prom' },
      { env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', HTTPS_PROXY: 'http://127.0.0.1:9' } },
    );
    expect(run.outputs, run.log).toMatchObject({ outcome: 'partial', images: '1', 'settings-drift': '' });
    expect(run.summary).toContain('🔒 not readable');
    expect(await readFile(join(run.workspace, 'm.prom'), 'utf8')).not.toContain('registry_settings_different');
  });

  it('a mistake in the file is a mistake in the inputs, with its line', async () => {
    const { report } = await scene();
    const run = await report({}, FILE.replace('immutable', 'imutable'));
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toMatch(/5[\s\S]*imutable/);
    const missing = await report({}, 'no-such-file.yaml');
    expect(missing.outputs.outcome).toBe('invalid-input');
    expect(missing.log).toContain('no-such-file.yaml cannot be read');
  });
});
