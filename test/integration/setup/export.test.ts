import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { filesBelow } from '../../support/setup/exported.ts';
import { ACCOUNT, ECR_HOST, keyArn } from '../../support/vendors/ecr-settings.ts';

const STATE = `version: 1
owner: platform
who:
  task: [arn:aws:iam::${ACCOUNT}:role/ecs-task]
registries:
  ecr:
    at: ${ECR_HOST}
    replicate:
      - {to: [us-east-1], only: [acme/]}
    cache:
      - {prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub, pull: [o-a1b2c3d4e5]}
repositories:
  - name: acme/api
    immutable: {except: [latest]}
    scan: on-push
    key: alias/ecr
    labels: {owner: platform}
    pull: [task]
  - name: acme/new
    immutable: true
    key: alias/ecr
`;

const LAMBDA = {
  Sid: 'LambdaECRImageRetrievalPolicy',
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
};

async function workspaceFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One repository of the file exists, with a policy that Lambda wrote. */
async function exportScene() {
  const scene = await ecrScene();
  scene.repository(
    'acme/api',
    {
      imageTagMutability: 'MUTABLE',
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: keyArn('alias/ecr') },
    },
    { policy: JSON.stringify({ Version: '2012-10-17', Statement: [LAMBDA] }) },
  );
  return { ...scene, workspace: await workspaceFolder() };
}

test('Terraform imports what exists and keeps what others wrote, from reads only; a second export has the same bytes', async () => {
  const { run, writes, problems, workspace } = await exportScene();
  const first = await run({ config: STATE, export: 'terraform' }, { workspace });
  expect(first.log).not.toContain('::error');
  expect(first.outputs).toMatchObject({
    outcome: 'exported',
    'export-directory': join(workspace, 'setup-export/terraform'),
    'left-out-settings': '0',
    plan: '',
    drift: '',
  });
  expect(writes()).toEqual([]);
  expect(problems).toEqual([]);
  const files = await filesBelow(join(workspace, 'setup-export/terraform'));
  expect([...files.keys()]).toEqual([
    '.setup-export',
    'ecr/access.tf',
    ...['cleanup', 'pull', 'push', 'setup', 'trust'].map((each) => `ecr/iam/${each}.json`),
    ...['imports', 'outputs', 'providers', 'registry', 'repositories', 'versions'].map((each) => `ecr/${each}.tf`),
  ]);
  expect(files.get('ecr/imports.tf')).toMatch(/to = aws_ecr_repository\.acme_api\n {2}id = "acme\/api"/);
  expect(files.get('ecr/imports.tf')).not.toContain('acme/new');
  expect(files.get('ecr/access.tf')).toContain('LambdaECRImageRetrievalPolicy');
  expect(files.get('ecr/access.tf')).toContain('setup-platform-pull');
  const repositories = files.get('ecr/repositories.tf') ?? '';
  // Its key as AWS has it: another text would be a new repository.
  expect(repositories).toContain(`kms_key         = "${keyArn('alias/ecr')}"`);
  expect(repositories).toContain('kms_key         = data.aws_kms_alias.alias_ecr.target_key_arn');
  expect(repositories.match(/prevent_destroy = true/g)).toHaveLength(2);
  expect(files.get('ecr/registry.tf')).toContain(
    'credential_arn        = data.aws_secretsmanager_secret.ecr_pullthroughcache_hub.arn',
  );

  const second = await run({ config: STATE, export: 'terraform' }, { workspace });
  expect(second.outputs).toMatchObject({ outcome: 'exported' });
  expect(await filesBelow(join(workspace, 'setup-export/terraform'))).toEqual(files);
});

test('without credentials nothing is read and nothing imported, and the run says so', async () => {
  const { run, state, workspace } = await exportScene();
  const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const done = await run({ config: STATE, export: 'terraform' }, { workspace, env });
  expect(done.outputs).toMatchObject({ outcome: 'exported' });
  expect(state.asked).toEqual([]);
  const files = await filesBelow(join(workspace, 'setup-export/terraform'));
  expect([...files.keys()]).not.toContain('ecr/imports.tf');
  expect(files.get('ecr/repositories.tf')).toContain('"acme/api"');
  expect(done.log).toContain(`${ECR_HOST} was not read, because there are no credentials for it`);
});

test('a registry that cannot be read writes nothing: code that does not know what exists would replace it', async () => {
  const { run, state, workspace } = await exportScene();
  state.onWrite = undefined;
  const done = await run(
    { config: STATE, export: 'terraform' },
    { workspace, env: { AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' } },
  );
  expect(done.exitCode).toBe(1);
  await expect(filesBelow(join(workspace, 'setup-export'))).rejects.toThrow();
});

test('other files are never overwritten, and files of an earlier export that are no longer part of it are removed', async () => {
  const { run, workspace } = await exportScene();
  const own = join(workspace, 'infra/ecr/versions.tf');
  await mkdir(join(workspace, 'infra/ecr'), { recursive: true });
  await writeFile(own, 'terraform {}\n');
  const inputs = { config: STATE, export: 'terraform', 'export-directory': 'infra' };
  const refused = await run(inputs, { workspace });
  expect(refused.outputs).toMatchObject({ outcome: 'refused' });
  expect(refused.log).toContain('infra/ecr/versions.tf: its first lines lack');
  expect([...(await filesBelow(join(workspace, 'infra'))).keys()]).toEqual(['ecr/versions.tf']);

  await rm(own);
  await writeFile(join(workspace, 'infra/ecr/backend.tf'), 'terraform {}\n');
  expect((await run(inputs, { workspace })).outputs).toMatchObject({ outcome: 'exported' });
  const renamed = { ...inputs, config: STATE.replace('  ecr:\n', '  main:\n') };
  const done = await run(renamed, { workspace });
  const after = [...(await filesBelow(join(workspace, 'infra'))).keys()];
  expect(after).toContain('main/versions.tf');
  expect(after.filter((path) => path.startsWith('ecr/'))).toEqual(['ecr/backend.tf']);
  expect(JSON.parse(done.outputs.json ?? '').export.removed).toContain('ecr/versions.tf');
  expect(await readFile(join(workspace, 'infra/ecr/backend.tf'), 'utf8')).toBe('terraform {}\n');
});

test.each([
  ['../elsewhere', /is outside of the workspace/],
  ['/tmp/elsewhere', /is outside of the workspace/],
  ['.git/hooks', /is part of git's own folder/],
  ['link/below', /is outside of the workspace/],
])('the folder %s is refused', async (directory, message) => {
  const { run, workspace } = await exportScene();
  await symlink(tmpdir(), join(workspace, 'link'));
  const done = await run({ config: STATE, export: 'terraform', 'export-directory': directory }, { workspace });
  expect(done.outputs).toMatchObject({ outcome: 'invalid-input' });
  expect(done.log).toMatch(message);
});

test('a link in the place of a file is not followed', async () => {
  const { run, workspace } = await exportScene();
  const target = join(workspace, 'precious.txt');
  await writeFile(target, '# Generated: change x, not this file.\n');
  await mkdir(join(workspace, 'infra/ecr'), { recursive: true });
  await symlink(target, join(workspace, 'infra/ecr/versions.tf'));
  const done = await run({ config: STATE, export: 'terraform', 'export-directory': 'infra' }, { workspace });
  expect(done.outputs).toMatchObject({ outcome: 'refused' });
  expect(await readFile(target, 'utf8')).toBe('# Generated: change x, not this file.\n');
});

test.each([
  [{ export: 'terrafrom' }, /Did you mean `terraform`/],
  [{ export: 'terraform', 'dry-run': 'false' }, /Remove `dry-run: false`/],
  [{ export: 'terraform', plan: 'plan.json' }, /Remove `plan`/],
  [{ 'export-directory': 'infra' }, /`export-directory` is set, and `export` is not/],
])('inputs that contradict each other: %o', async (inputs, message) => {
  const { run, workspace } = await exportScene();
  await writeFile(join(workspace, 'plan.json'), '{}');
  const done = await run({ config: STATE, ...inputs }, { workspace });
  expect(done.exitCode).toBe(1);
  expect(done.log).toMatch(message);
});

test('nothing in the code would replace a repository that exists, or differ in every plan', async () => {
  const { run, repository, workspace } = await exportScene();
  const rule = (rulePriority: number) => ({
    rulePriority,
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: rulePriority },
    action: { type: 'expire' },
  });
  repository(
    'acme/old',
    { imageTagMutability: 'IMMUTABLE', encryptionConfiguration: { encryptionType: 'AES256' } },
    {
      lifecycle: JSON.stringify({ rules: [rule(10), rule(2)] }),
      tags: { team: 'a', 'aws:cloudformation:stack-name': 'x' },
    },
  );
  const config = `${STATE}  - name: acme/old\n    labels: {team: b}\n`;
  const done = await run({ config, export: 'terraform' }, { workspace });
  expect(done.outputs.outcome, done.log).toBe('exported');
  const files = await filesBelow(join(workspace, 'setup-export/terraform'));
  const old = /resource "aws_ecr_repository" "acme_old" \{\n[\s\S]*?\n\}\n/.exec(
    files.get('ecr/repositories.tf') ?? '',
  )?.[0];
  // A block with the default is a replacement, and what the file says nothing about stays as it is.
  expect(old).not.toContain('encryption_configuration');
  expect(old).toContain('image_tag_mutability = "IMMUTABLE"');
  expect(old).toContain('team = "b"');
  expect(old).not.toContain('aws:cloudformation');
  const access = files.get('ecr/access.tf') ?? '';
  const priorities = [...access.matchAll(/rulePriority = (\d+)/g)].map(([, priority]) => priority);
  expect(priorities).toEqual(['2', '10']);
  expect(files.get('ecr/imports.tf')).toMatch(/to = aws_ecr_lifecycle_policy\.acme_old\n {2}id = "acme\/old"/);
});

test('a repository that needs to be recreated is left out with the reason, and all others are exported', async () => {
  const { run, repository, workspace } = await exportScene();
  repository('acme/new', { encryptionConfiguration: { encryptionType: 'AES256' } });
  const done = await run({ config: STATE, export: 'terraform' }, { workspace });
  expect(done.outputs).toMatchObject({ outcome: 'partial', 'left-out-settings': '1' });
  expect(JSON.parse(done.outputs.json ?? '').export.leftOut[0]).toMatchObject({
    what: `${ECR_HOST}: acme/new key`,
    reason: expect.stringContaining('cannot change after creation'),
  });
  const files = await filesBelow(join(workspace, 'setup-export/terraform'));
  expect(files.get('ecr/repositories.tf')).not.toContain('"acme/new"');
  expect(files.get('ecr/repositories.tf')).toContain('"acme/api"');
  expect(done.summary).toContain('Left out');
});

test('tags that may not be read stay as they are', async () => {
  const { run, state, workspace } = await exportScene();
  state.denied.add('ListTagsForResource');
  const done = await run({ config: STATE, export: 'terraform' }, { workspace });
  expect(done.outputs.outcome, done.log).toBe('partial');
  const files = await filesBelow(join(workspace, 'setup-export/terraform'));
  expect(files.get('ecr/repositories.tf')).toContain('ignore_changes  = [encryption_configuration, tags]');
});

test('an export after an apply has the same documents as the one before: Terraform would take away what is missing', async () => {
  const { run, repository, workspace } = await exportScene();
  repository('acme/old', { encryptionConfiguration: { encryptionType: 'AES256' } });
  const config = `${STATE}  - name: acme/old\n    scan: on-push\n`;
  const registry = async () => {
    const done = await run({ config, export: 'terraform' }, { workspace });
    expect(done.outputs.outcome, done.log).toBe('exported');
    expect(done.summary).toMatch(/^\*\*Files of terraform in <code>.*<\/code>: \d+\*\*$/m);
    return (await filesBelow(join(workspace, 'setup-export/terraform'))).get('ecr/registry.tf') ?? '';
  };
  const before = await registry();
  expect(before).toContain('resource "aws_ecr_registry_scanning_configuration" "this"');
  expect((await run({ config, 'dry-run': 'false' }, { workspace })).outputs.outcome).toBe('applied');
  const types = (text: string) => text.match(/^resource "\w+"/gm);
  expect(types(await registry())).toEqual(types(before));
});
