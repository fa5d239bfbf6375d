import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const role = `arn:aws:iam::${ACCOUNT}:role/app`;
const file = (registry: string, repository = '') =>
  `version: 1\nregistries:\n  ecr: {at: ${ECR_HOST}${registry}}\n${repository === '' ? '' : `repositories:\n  - {name: acme/api, ${repository}}\n`}`;

/** What people paste from guides, and what is told before a request is sent. */
const MISTAKES: readonly (readonly [string, string, string | RegExp])[] = [
  ['replication to itself', file(', replicate: [{to: [eu-west-1]}]'), '"eu-west-1" is the registry itself'],
  ['a region that is none', file(', replicate: [{to: [europe]}]'), '"europe": expected a region such as `us-east-1`'],
  ['a prefix with a star', file(', replicate: [{to: [us-east-1], only: ["acme/*"]}]'), 'a prefix has no `*`'],
  [
    'too many destinations',
    file(
      `, replicate: [{to: [${Array.from({ length: 26 }, (_, at) => `"${100000000000 + at}/us-east-1"`).join(', ')}]}]`,
    ),
    '`replicate` has 26 destinations, and Amazon ECR takes 25',
  ],
  [
    'Docker Hub without a secret',
    file(', cache: [{prefix: hub, from: docker.io}]'),
    'needs credentials: write `secret: ecr-pullthroughcache/<name>`',
  ],
  [
    'a secret by another name',
    file(', cache: [{prefix: hub, from: docker.io, secret: hub}]'),
    'whose name begins with `ecr-pullthroughcache/`',
  ],
  [
    'an upstream that ECR has no cache for',
    file(', cache: [{prefix: x1, from: registry.example.com}]'),
    'Amazon ECR has no cache for it',
  ],
  [
    'six exceptions',
    file('', 'immutable: {except: [a, b, c, d, e, f]}'),
    '`immutable.except` has 6 patterns, and Amazon ECR takes 5',
  ],
  ['three stars', file('', 'immutable: {except: ["a*b*c*"]}'), '"a*b*c*": Amazon ECR takes at most 2 `*` in a pattern'],
  [
    'a class of characters',
    file('', 'immutable: {except: ["v[0-9]"]}'),
    'Amazon ECR takes patterns of at most 128 letters',
  ],
  [
    'mistakes in a match',
    `version: 1\nregistries: {ecr: {at: ${ECR_HOST}}}\nrepositories:\n  - {match: acme/*, immutable: {except: ["a*b*c*"]}}\n`,
    'at most 2 `*`',
  ],
  [
    'any before others',
    file(
      '',
      'aws: {lifecyclePolicy: {rules: [{rulePriority: 1, selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 9}, action: {type: expire}}, {rulePriority: 2, selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}, action: {type: expire}}]}}',
    ),
    'the rule with `tagStatus: any` must have the highest `rulePriority`; write the rules in the order 1: untagged, 2: any',
  ],
  [
    'an action that does not exist',
    file(
      '',
      `aws: {policyStatements: [{Effect: Allow, Principal: {AWS: "${role}"}, Action: [ecr:GetDownloadUrlForLayer, ecr:BatchGetImage, ecr:GetImage]}]}`,
    ),
    '"ecr:GetImage" is no action of Amazon ECR. Did you mean `ecr:BatchGetImage`?',
  ],
  [
    'a push without upload actions',
    file(
      '',
      `aws: {policyStatements: [{Effect: Allow, Principal: {AWS: "${role}"}, Action: [ecr:PutImage, ecr:InitiateLayerUpload]}]}`,
    ),
    'without ecr:CompleteLayerUpload, ecr:UploadLayerPart: every push would be denied',
  ],
  [
    'a login in a repository policy',
    file(
      '',
      `aws: {policyStatements: [{Effect: Allow, Principal: {AWS: "${role}"}, Action: ecr:GetAuthorizationToken}]}`,
    ),
    '`ecr:GetAuthorizationToken` has no effect in this policy',
  ],
  [
    'a role as the source',
    file(
      '',
      `aws: {policyStatements: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Condition: {StringLike: {"aws:sourceArn": "${role}"}}}]}`,
    ),
    'never that of a role',
  ],
  [
    'the session of a role',
    file('', `pull: ["arn:aws:sts::${ACCOUNT}:assumed-role/app/i-0abc"]`),
    `write the role, \`arn:aws:iam::${ACCOUNT}:role/app\``,
  ],
  ['all roles of an account', file('', `pull: ["arn:aws:iam::${ACCOUNT}:*"]`), 'AWS takes no `*` in a principal'],
  [
    'a function that pushes',
    file('', `push: ["arn:aws:lambda:eu-west-1:${ACCOUNT}:function:f"]`),
    'a Lambda function can only pull',
  ],
  [
    'a principal of another vendor',
    file('', 'pull: ["harbor:robot/ci"]'),
    '"harbor:robot/ci" has no principal for `ecr`',
  ],
  [
    'an ARN as the name',
    file('', 'labels: {}').replace('acme/api', `"arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/acme/api"`),
    'write `acme/api`, not the ARN',
  ],
  [
    'labels of a template without a role',
    file(', templates: [{prefix: acme/, for: [cache], labels: {a: b}}]'),
    'sets `labels` and has no `role`',
  ],
  ['a field of another vendor', file(', azure: {sku: Premium}'), '`azure` has no meaning'],
  [
    'a field that setup does not know',
    file('', 'aws: {imageTagMutability: IMMUTABLE}'),
    '`aws.imageTagMutability` is no',
  ],
  ['a tag of AWS', file('', 'labels: {"aws:owner": x}'), 'tags that begin with `aws:` are for AWS itself'],
  [
    'a filter of signing with capitals',
    file(
      `, signing: [{profile: "arn:aws:signer:eu-west-1:${ACCOUNT}:/signing-profiles/acme", only: ["acme/*", "Acme/*"]}]`,
    ),
    '"Acme/*": a signing filter has lower-case letters',
  ],
  [
    'a filter of signing with two dashes',
    file(
      `, signing: [{profile: "arn:aws:signer:eu-west-1:${ACCOUNT}:/signing-profiles/acme", only: ["acme/*", "acme/a--b"]}]`,
    ),
    '"acme/a--b": a signing filter has lower-case letters',
  ],
  [
    'a filter of signing with a slash at its end',
    file(
      `, signing: [{profile: "arn:aws:signer:eu-west-1:${ACCOUNT}:/signing-profiles/acme", only: ["acme/*", "acme/"]}]`,
    ),
    '"acme/": a signing filter has lower-case letters',
  ],
  [
    'a filter of signing with a class of characters',
    file(
      `, signing: [{profile: "arn:aws:signer:eu-west-1:${ACCOUNT}:/signing-profiles/acme", only: ["acme/*", "acme/[ab]"]}]`,
    ),
    '"acme/[ab]": a signing filter has lower-case letters',
  ],
  ['a path after the host', file('').replace(ECR_HOST, `${ECR_HOST}/acme`), '`at` of Amazon ECR is a host'],
];

test.each(MISTAKES)('%s is told with file and line, before any request', async (_name, config, message) => {
  const scene = await ecrScene();
  const run = await scene.run({ config, 'dry-run': 'false' });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain(message);
  expect(run.log).toMatch(/config:\d+:/);
  expect(scene.cloud.requests).toEqual([]);
});

test('every mistake is told at once, sorted by line', async () => {
  const scene = await ecrScene();
  const run = await scene.run({ config: file(', replicate: [{to: [eu-west-1]}]', 'immutable: {except: ["a*b*c*"]}') });
  expect(run.log).toMatch(/2 problems with the desired state:.*config:3: .*itself.*config:5: .*at most 2/s);
});

test('a prefix that matches more is a warning', async () => {
  const scene = await ecrScene();
  const run = await scene.run({ config: file(', replicate: [{to: [us-east-1], only: [acme]}]') });
  expect(run.outputs.outcome).toBe('planned');
  expect(run.log).toContain(
    '::warning::config:3: the prefix "acme" also matches "acme2/…": write "acme/", unless that is meant',
  );
});

test.each([
  ['a path', 'aws: {lifecyclePolicy: "file:../other/key.pem"}', 'is outside of the workspace'],
  ['a link', 'aws: {lifecyclePolicy: "file:link/key.pem"}', 'is outside of the workspace'],
  ['a cleanup policy', 'retention: ../other/key.pem', 'is outside of the workspace'],
  ["git's folder", 'aws: {lifecyclePolicy: "file:.git/config"}', "is part of git's own folder"],
])('a desired state does not read files of the runner: %s', async (_name, repository, message) => {
  const root = await mkdtemp(join(tmpdir(), 'setup-outside-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const workspace = join(root, 'workspace');
  await mkdir(join(workspace, '.git'), { recursive: true });
  await mkdir(join(root, 'other'));
  await writeFile(join(root, 'other/key.pem'), 'PRIVATE');
  await writeFile(join(workspace, '.git/config'), 'PRIVATE');
  await symlink(join(root, 'other'), join(workspace, 'link'));
  const scene = await ecrScene();
  const run = await scene.run({ config: file('', repository) }, { workspace });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain(message);
  expect(run.log).toContain('(line 5 of the desired state)');
  expect(run.log + run.summary).not.toContain('PRIVATE');
  expect(scene.cloud.requests).toEqual([]);
});

test.each([
  [
    'nested too deep',
    `version: 1\nwho: ${'['.repeat(20_000)}`,
    ['config:2:', 'the file is nested more than 20 levels deep'],
  ],
  ['another version', file('').replace('version: 1', 'version: 2'), ['config:1:10: expected the number 1, found "2"']],
])('what is wrong is told once and in plain words: %s', async (_name, config, messages) => {
  const scene = await ecrScene();
  const run = await scene.run({ config: `${config}\n` });
  expect(run.outputs.outcome).toBe('invalid-input');
  for (const message of messages) expect(run.log).toContain(message);
  expect(run.log).not.toMatch(/call stack|problems with/);
});
