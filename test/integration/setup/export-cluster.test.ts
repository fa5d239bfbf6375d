import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { expect, onTestFinished, test } from 'vitest';
import { kubernetesProblems, resourcesOf } from '../../support/kubernetes.ts';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { filesBelow } from '../../support/setup/exported.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const STATE = `version: 1
who:
  task: [arn:aws:iam::${ACCOUNT}:role/ecs-task, harbor:robot/prod]
registries:
  ecr:
    at: ${ECR_HOST}
    replicate: [{to: [us-east-1], only: [acme/]}]
    cache: [{prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub}]
  harbor:
    at: harbor.acme.example
    cache: [{prefix: quay, from: quay.io}]
repositories:
  - {name: acme/api, pull: [task]}
`;

/** Exports the file with credentials for Amazon ECR, and none for Harbor. */
async function exportAs(format: string, state = STATE) {
  const scene = await ecrScene();
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const inputs = { config: state, export: format, 'registry-type': 'harbor.acme.example=harbor' };
  const run = () => scene.run(inputs, { workspace });
  const first = await run();
  const files = await filesBelow(join(workspace, 'setup-export', format));
  const second = await run();
  expect(await filesBelow(join(workspace, 'setup-export', format))).toEqual(files);
  expect(second.outputs.outcome).toBe(first.outputs.outcome);
  expect(scene.writes()).toEqual([]);
  return { first, files };
}

test('pull secrets of a cluster fit the schemas of Kubernetes, and a second export has the same bytes', async () => {
  const { first, files } = await exportAs('kubernetes');
  expect(first.log).not.toContain('::error');
  expect(first.outputs).toMatchObject({ outcome: 'exported', 'left-out-settings': '0' });
  expect([...files.keys()]).toEqual([
    '.setup-export',
    'README.md',
    'ecr.yaml',
    'harbor.yaml',
    'registry-credentials.yaml',
  ]);
  const yaml = [...files].filter(([path]) => path.endsWith('.yaml')).map(([, text]) => text);
  expect(await kubernetesProblems(yaml.flatMap(resourcesOf))).toEqual([]);
  expect(first.summary).toContain('Files of kubernetes in');
});

test('who cannot pull from a cluster is left out, and the outcome is partial', async () => {
  const state = STATE.replace('harbor:robot/prod]', 'harbor:group/staff]');
  const { first } = await exportAs('kubernetes', state);
  expect(first.outputs).toMatchObject({ outcome: 'partial', 'left-out-settings': '1' });
  expect(first.log).toContain('left out: harbor.acme.example: pull secret for staff.');
});

test('mirrors of containerd are TOML, and credential helpers are those of the clouds', async () => {
  const { first, files } = await exportAs('docker');
  expect(first.outputs).toMatchObject({ outcome: 'exported', 'left-out-settings': '0' });
  const hosts = [...files].filter(([path]) => path.endsWith('hosts.toml'));
  expect(hosts.map(([path]) => path.split('/')[2])).toEqual([ECR_HOST, 'docker.io', 'quay.io']);
  for (const [, text] of hosts) expect(parse(text)).toHaveProperty('host');
  expect(JSON.parse(files.get('docker/config.json') ?? '')).toEqual({ credHelpers: { [ECR_HOST]: 'ecr-login' } });
  expect(first.log).not.toContain('::error');
});
