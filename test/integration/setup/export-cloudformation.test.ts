import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { cfnLint } from '../../support/cfn-lint.ts';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { filesBelow } from '../../support/setup/exported.ts';
import { ACCOUNT, ECR_HOST, keyArn } from '../../support/vendors/ecr-settings.ts';

const STATE = `version: 1
owner: platform
registries:
  ecr:
    at: ${ECR_HOST}
    key: alias/ecr
    replicate:
      - {to: [us-east-1], only: [acme/], existing: copy}
    receive:
      - {from: ["444455556666"], only: [acme/]}
    cache:
      - {prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub, pull: [o-a1b2c3d4e5]}
  ghcr: {at: ghcr.io/acme}
repositories:
  - match: acme/*
    on: [ecr]
    immutable: {except: [latest]}
  - name: acme/api
    on: [ecr]
    scan: on-push
    labels: {owner: platform}
    pull: [arn:aws:iam::${ACCOUNT}:role/ecs-task]
  - name: acme/new
    on: [ecr]
`;

const LAMBDA = {
  Sid: 'LambdaECRImageRetrievalPolicy',
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
};

/** Some of the file exists, with what others wrote. */
async function exportScene() {
  const scene = await ecrScene();
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [LAMBDA] });
  scene.repository('acme/api', {}, { policy, tags: { theirs: '012345678901' } });
  const encryptionConfiguration = { encryptionType: 'KMS', kmsKey: keyArn('alias/old') };
  scene.repository('acme/worker', { encryptionConfiguration });
  scene.repository('foreign');
  scene.state.replication.push({
    destinations: [{ region: 'eu-north-1', registryId: ACCOUNT }],
    repositoryFilters: [{ filter: 'theirs/', filterType: 'PREFIX_MATCH' }],
  });
  scene.state.registryPolicy = policy;
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const run = (config = STATE) => scene.run({ config, export: 'cloudformation' }, { workspace });
  const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const runWithoutKeys = () => scene.run({ config: STATE, export: 'cloudformation' }, { workspace, env });
  const apply = (config: string) => scene.run({ config, 'dry-run': 'false' }, { workspace });
  return { ...scene, run, runWithoutKeys, apply, folder: join(workspace, 'setup-export/cloudformation') };
}

test('an import takes over exactly what exists, and the template adds what the file asks for; only reads', async () => {
  const { run, writes, problems, folder } = await exportScene();
  const first = await run();
  expect(first.log).not.toContain('::error');
  expect(first.outputs).toMatchObject({ outcome: 'partial', 'left-out-settings': '2' });
  expect(first.log).toContain('left out: ghcr.io/acme. CloudFormation has no resource types for');
  expect(first.log).toContain('does not copy what was pushed before');
  expect(writes()).toEqual([]);
  expect(problems).toEqual([]);
  const files = await filesBelow(folder);
  expect([...files.keys()]).toEqual([
    '.setup-export',
    ...['cleanup', 'pull', 'push', 'setup', 'trust'].map((name) => `ecr/iam/${name}.json`),
    'ecr/import.yaml',
    'ecr/resources-to-import.json',
    'ecr/template.yaml',
  ]);
  expect(JSON.parse(files.get('ecr/resources-to-import.json') ?? '')).toEqual([
    {
      ResourceType: 'AWS::ECR::RegistryPolicy',
      LogicalResourceId: 'RegistryPolicy',
      ResourceIdentifier: { RegistryId: ACCOUNT },
    },
    {
      ResourceType: 'AWS::ECR::ReplicationConfiguration',
      LogicalResourceId: 'Replication',
      ResourceIdentifier: { RegistryId: ACCOUNT },
    },
    {
      ResourceType: 'AWS::ECR::Repository',
      LogicalResourceId: 'AcmeApi',
      ResourceIdentifier: { RepositoryName: 'acme/api' },
    },
    {
      ResourceType: 'AWS::ECR::Repository',
      LogicalResourceId: 'AcmeWorker',
      ResourceIdentifier: { RepositoryName: 'acme/worker' },
    },
  ]);
  const imported = parse(files.get('ecr/import.yaml') ?? '').Resources;
  expect(Object.keys(imported)).toEqual(['RegistryPolicy', 'Replication', 'AcmeApi', 'AcmeWorker']);
  expect(imported.AcmeApi.Properties).toMatchObject({
    ImageTagMutability: 'MUTABLE',
    RepositoryPolicyText: { Statement: [LAMBDA] },
    Tags: [{ Key: 'theirs', Value: '012345678901' }],
  });
  const wanted = parse(files.get('ecr/template.yaml') ?? '').Resources;
  expect(wanted.AcmeApi.Properties).toMatchObject({
    ImageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    RepositoryPolicyText: { Statement: [LAMBDA, { Sid: 'setup-platform-pull' }] },
    Tags: [
      { Key: 'owner', Value: 'platform' },
      { Key: 'theirs', Value: '012345678901' },
    ],
  });
  expect(wanted.AcmeApi.Properties).not.toHaveProperty('EncryptionConfiguration');
  expect(wanted.AcmeWorker.Properties.EncryptionConfiguration).toEqual({
    EncryptionType: 'KMS',
    KmsKey: keyArn('alias/old'),
  });
  expect(wanted.AcmeNew.Properties.EncryptionConfiguration).toEqual({ EncryptionType: 'KMS', KmsKey: 'alias/ecr' });
  expect(wanted.Replication.Properties.ReplicationConfiguration.Rules).toHaveLength(2);
  const { lint } = await cfnLint();
  expect(await lint(folder)).toBe('');
  await run();
  expect(await filesBelow(folder)).toEqual(files);
  const page = await readFile(new URL('../../../docs/setup.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/file:\/\/([\w./-]+)/g)].map(([, name]) => `ecr/${name}`);
  expect(new Set(named)).toEqual(
    new Set(
      ['import.yaml', 'resources-to-import.json', 'template.yaml', 'iam/trust.json', 'iam/push.json'].map(
        (name) => `ecr/${name}`,
      ),
    ),
  );
  expect(named.filter((name) => !files.has(name))).toEqual([]);
}, 400_000);

test('after the plan is applied, import and template are the same', async () => {
  const { run, folder, apply } = await exportScene();
  const config = STATE.replace('  ghcr: {at: ghcr.io/acme}\n', '');
  expect((await apply(config)).outputs.outcome).toBe('applied');
  await run(config);
  const read = async (name: string) => parse(await readFile(join(folder, 'ecr', name), 'utf8')).Resources;
  expect(await read('template.yaml')).toEqual(await read('import.yaml'));
});

test('without credentials, the templates are left for a new stack only, and the run says so', async () => {
  const { runWithoutKeys, folder, state } = await exportScene();
  const result = await runWithoutKeys();
  expect(result.outputs.outcome).toBe('partial');
  expect(result.log).toContain('Export with credentials before a stack that exists is updated.');
  expect(state.asked).toEqual([]);
  expect([...(await filesBelow(folder)).keys()]).not.toContain('ecr/import.yaml');
});

test('what may not be read is left out instead of being removed by CloudFormation', async () => {
  const { run, folder, state } = await exportScene();
  state.denied.add('GetRepositoryPolicy');
  const result = await run();
  expect(result.outputs.outcome).toBe('partial');
  expect(result.log).toContain('grant `ecr:GetRepositoryPolicy`');
  const template = await readFile(join(folder, 'ecr/template.yaml'), 'utf8');
  expect(template).not.toContain('RepositoryName: acme/api');
  expect(template).toContain('RepositoryName: acme/new');
});
