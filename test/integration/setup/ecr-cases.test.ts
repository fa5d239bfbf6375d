import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST, keyArn } from '../../support/vendors/ecr-settings.ts';

const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const HEAD = `version: 1\nowner: platform\nregistries:\n  ecr: {at: ${ECR_HOST}}\n`;
const one = (settings: string) => `${HEAD}repositories:\n  - {name: acme/api, ${settings}}\n`;
const registry = (settings: string) => HEAD.replace('com}', `com, ${settings}}`);
const APPLY = { 'dry-run': 'false' };
const policy = (...statements: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });
const statementsOf = (text: string | undefined): readonly Record<string, unknown>[] =>
  JSON.parse(text ?? '{}').Statement ?? [];
const LAMBDA = {
  Sid: 'LambdaECRImageRetrievalPolicy',
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
  Condition: { StringLike: { 'aws:sourceArn': `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:*` } },
};

describe('what is fixed at creation', () => {
  test('another key is refused, nothing else of that repository is changed, and the rest is', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    const run = await scene.run({
      config: `${one('key: alias/ecr, immutable: true')}  - {name: acme/web, immutable: true}\n`,
      ...APPLY,
    });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ outcome: 'refused', 'refused-settings': '1' });
    expect(run.log).toContain('The key of a repository cannot change after creation (AES256 → alias/ecr)');
    expect(scene.state.repositories.get('acme/api')?.settings).toEqual({});
    expect(scene.state.repositories.get('acme/web')?.settings).toMatchObject({ imageTagMutability: 'IMMUTABLE' });
  });

  test('the alias of the key that it has is equal; without kms:DescribeKey it is unknown, not a change', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api', { encryptionConfiguration: { encryptionType: 'KMS', kmsKey: keyArn('alias/ecr') } });
    expect((await scene.run({ config: one('key: alias/ecr'), ...APPLY })).outputs.outcome).toBe('unchanged');
    scene.state.denied.add('DescribeKey');
    const run = await scene.run({ config: one('key: alias/ecr'), ...APPLY });
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'denied-settings': '1', 'refused-settings': '0' });
    expect(run.log).toContain('kms:DescribeKey');
    expect(run.exitCode).toBe(0);
  });

  test("the registry's key is for new repositories", async () => {
    const scene = await ecrScene();
    scene.repository('acme/old');
    const config = `${registry('key: alias/ecr')}repositories:\n  - name: acme/old\n  - name: acme/new\n`;
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('applied');
    expect(scene.state.repositories.get('acme/old')?.settings).toEqual({});
    expect(scene.state.repositories.get('acme/new')?.settings).toMatchObject({
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: keyArn('alias/ecr') },
    });
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });
});

describe('access', () => {
  test("Lambda's statement and those of others stay, and a second run writes nothing", async () => {
    const scene = await ecrScene();
    const foreign = {
      Sid: 'theirs',
      Effect: 'Allow',
      Principal: { AWS: 'AROAEXAMPLEID1234567' },
      Action: 'ecr:BatchGetImage',
    };
    const stored = scene.repository('acme/api', {}, { policy: policy(LAMBDA, foreign) });
    const config = one(`pull: ["${role('task')}", "444455556666"]`);
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(run.log).toContain('AROAEXAMPLEID1234567 is the id of a role or user that was deleted');
    expect(run.log).toContain('AWS Lambda pulls from it');
    const sids = statementsOf(stored.policy).map(({ Sid }) => Sid);
    expect(sids).toEqual(['LambdaECRImageRetrievalPolicy', 'theirs', 'setup-platform-pull']);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    expect(scene.writes()).toEqual([]);
    const none = await scene.run({ config: one('pull: none'), ...APPLY });
    expect(none.outputs).toMatchObject({ outcome: 'applied', 'removed-settings': '1' });
    expect(statementsOf(stored.policy).map(({ Sid }) => Sid)).toEqual(['LambdaECRImageRetrievalPolicy', 'theirs']);
  });

  test('`access: exact` takes the others out, except Lambda', async () => {
    const scene = await ecrScene();
    const foreign = { Sid: 'theirs', Effect: 'Allow', Principal: { AWS: role('old') }, Action: 'ecr:BatchGetImage' };
    const stored = scene.repository('acme/api', {}, { policy: policy(LAMBDA, foreign) });
    const config = one(`access: exact, pull: ["${role('task')}"]`);
    await scene.run({ config, ...APPLY });
    expect(statementsOf(stored.policy).map(({ Sid }) => Sid)).toEqual([
      'LambdaECRImageRetrievalPolicy',
      'setup-platform-pull',
    ]);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });

  test('an organization and functions get the statements that AWS documents', async () => {
    const scene = await ecrScene();
    const config = one(
      `pull: [o-a1b2c3d4e5, "arn:aws:lambda:eu-west-1:${ACCOUNT}:function:*"], push: ["${role('ci')}"]`,
    );
    await scene.run({ config, ...APPLY });
    expect(scene.problems).toEqual([]);
    expect(statementsOf(scene.state.repositories.get('acme/api')?.policy)).toMatchObject([
      {
        Sid: 'setup-platform-pull-organization',
        Principal: '*',
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } },
      },
      { Sid: 'setup-platform-pull-lambda', Principal: { Service: 'lambda.amazonaws.com' } },
      { Sid: 'setup-platform-push', Action: expect.arrayContaining(['ecr:PutImage', 'ecr:UploadLayerPart']) },
    ]);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });

  test('a role that was made a moment ago is tried again', async () => {
    const scene = await ecrScene();
    scene.state.unknown.set(role('new'), 1);
    const run = await scene.run({ config: one(`pull: ["${role('new')}"]`), ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(scene.writes().filter((operation) => operation === 'SetRepositoryPolicy')).toHaveLength(2);
  });

  test('another hand between reading and writing is not overwritten', async () => {
    const scene = await ecrScene();
    const stored = scene.repository('acme/api', {}, { policy: policy(LAMBDA) });
    scene.state.onWrite = (operation) => {
      if (operation === 'PutImageTagMutability') stored.policy = policy(LAMBDA, { ...LAMBDA, Sid: 'fresh' });
      return undefined;
    };
    const run = await scene.run({ config: one(`immutable: true, pull: ["${role('task')}"]`), ...APPLY });
    expect(run.outputs.outcome).toBe('refused');
    expect(run.log).toContain('because somebody else changed it since it was read');
    expect(statementsOf(stored.policy).map(({ Sid }) => Sid)).toEqual(['LambdaECRImageRetrievalPolicy', 'fresh']);
  });
});

describe('retention', () => {
  const rule = {
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 1 },
    action: { type: 'expire' },
  };
  const theirs = JSON.stringify({
    rules: [{ rulePriority: 1, description: 'made by hand in the console, to be kept', ...rule }],
  });
  const cleanup =
    'rules:\n  - { name: untagged, select: { tagged: false, kind: any }, remove: { older-than: 7d, since: pushed } }\n  - { name: newest, select: { tags: ["dev-*"] }, remove: { keep-newest: 5 } }\n';
  const withPolicy = async () => {
    const scene = await ecrScene();
    const first = await scene.run({ config: HEAD });
    await writeFile(join(first.workspace, 'cleanup.yaml'), cleanup);
    return { ...scene, options: { workspace: first.workspace } };
  };

  test('a cleanup policy becomes a lifecycle policy; rules that ECR cannot express are named', async () => {
    const { options, ...scene } = await withPolicy();
    const stored = scene.repository('acme/api');
    const run = await scene.run({ config: one('retention: cleanup.yaml'), ...APPLY }, options);
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'created-settings': '1', 'unsupported-settings': '1' });
    expect(run.log).toContain('retention newest');
    expect(stored.lifecycle).toContain('setup-platform: untagged after 7 days');
    const again = await scene.run({ config: one('retention: cleanup.yaml, accept: [retention]'), ...APPLY }, options);
    expect(again.outputs.outcome).toBe('unchanged');
    expect(scene.writes()).toEqual([]);
  });

  test("another owner's policy stays unless the file replaces it", async () => {
    const { options, ...scene } = await withPolicy();
    const stored = scene.repository('acme/api', {}, { lifecycle: theirs });
    const run = await scene.run({ config: one('retention: cleanup.yaml, accept: [retention]'), ...APPLY }, options);
    expect(run.outputs.outcome).toBe('refused');
    expect(stored.lifecycle).toBe(theirs);
    const replaced = await scene.run(
      { config: one('retention: {from: cleanup.yaml, replace: true}, accept: [retention]'), ...APPLY },
      options,
    );
    expect(replaced.outputs.outcome).toBe('applied');
    expect(stored.lifecycle).not.toBe(theirs);
  });

  const WRITTEN = (more = '', days = 30) =>
    one(
      `aws: {${more}lifecyclePolicy: {rules: [{rulePriority: 1, description: dev images, selection: {tagStatus: tagged, tagPatternList: ["dev*"], countType: sinceImagePushed, countUnit: days, countNumber: ${days}}, action: {type: expire}}]}}`,
    );

  test('a policy that the file writes itself carries its owner, and does not replace that of another one unasked', async () => {
    const scene = await ecrScene();
    const stored = scene.repository('acme/api', {}, { lifecycle: theirs });
    const refused = await scene.run({ config: WRITTEN(), ...APPLY });
    expect(refused.outputs).toMatchObject({ outcome: 'refused', 'refused-settings': '1' });
    expect(refused.log).toContain('aws: {lifecyclePolicy: …, replaceLifecyclePolicy: true}');
    // What is in force is shown.
    expect(refused.summary).toContain('untagged');
    expect(stored.lifecycle).toBe(theirs);
    expect(scene.writes()).toEqual([]);

    const replaced = await scene.run({ config: WRITTEN('replaceLifecyclePolicy: true, '), ...APPLY });
    expect(replaced.outputs.outcome).toBe('applied');
    expect(stored.lifecycle).toContain('"description":"setup-platform: dev images"');
    expect((await scene.run({ config: WRITTEN(), ...APPLY })).outputs.outcome).toBe('unchanged');
    const changed = await scene.run({ config: WRITTEN('', 60), ...APPLY });
    expect(changed.outputs.outcome).toBe('applied');
    expect(stored.lifecycle).toContain('"countNumber":60');
    expect(scene.problems).toEqual([]);
  });

  test('a policy that `command: cleanup` set is not replaced either, and the message names it', async () => {
    const { options, ...scene } = await withPolicy();
    const own = theirs.replace('made by hand in the console, to be kept', 'registry-action: untagged');
    const stored = scene.repository('acme/api', {}, { lifecycle: own });
    const run = await scene.run({ config: one('retention: cleanup.yaml, accept: [retention]'), ...APPLY }, options);
    expect(run.outputs.outcome).toBe('refused');
    expect(run.log).toContain('`command: cleanup` set the lifecycle policy in force');
    expect(stored.lifecycle).toBe(own);
  });

  test('a policy is previewed before it is set, and an image of an environment stops it', async () => {
    const scene = await ecrScene();
    const first = await scene.run({ config: HEAD });
    const options = { workspace: first.workspace };
    const text = `version: 1
protect: { tags: ["v*"], in-use: [{ kind: promotions, environments: [production] }] }
repositories:
  - match: "**"
    multi-tag: any
    rules:
      - { name: dev, select: { tags: ["dev-*"], kind: any }, remove: { older-than: 30d } }
`;
    await writeFile(join(first.workspace, 'cleanup.yaml'), text);
    const stored = scene.repository('acme/api');
    const image = { imageDigest: `sha256:${'1'.repeat(64)}`, imageTags: ['dev-1', 'production'] };
    stored.expiring = [image];
    const stopped = await scene.run({ config: one('retention: cleanup.yaml'), ...APPLY }, options);
    expect(stopped.outputs.outcome).toBe('refused');
    expect(stopped.log).toContain('its preview expires images with protected tags: production.');
    expect(stored.lifecycle).toBeUndefined();

    stored.expiring = [{ ...image, imageTags: ['dev-1'] }];
    const done = await scene.run({ config: one('retention: cleanup.yaml'), ...APPLY }, options);
    expect(done.outputs.outcome).toBe('applied');
    const patterns = JSON.parse(stored.lifecycle ?? '').rules.map((rule: Record<string, unknown>) =>
      Object(rule.selection).tagPatternList?.join(),
    );
    // What is protected comes before what expires, and the tag of the environment is protected.
    expect(patterns).toEqual(['v*', 'production', 'sha256-*', 'sha512-*', 'dev-*']);
    expect(done.log).toContain('expires one image at once');
    expect(scene.problems).toEqual([]);
  });

  test('nothing expires by age where Lambda pulls, and `none` removes what is there', async () => {
    const { options, ...scene } = await withPolicy();
    const stored = scene.repository('acme/api', {}, { policy: policy(LAMBDA) });
    const run = await scene.run({ config: one('retention: cleanup.yaml'), ...APPLY }, options);
    expect(run.log).toContain('AWS Lambda pulls from this repository');
    expect(stored.lifecycle).toBeUndefined();
    stored.lifecycle = theirs;
    expect((await scene.run({ config: one('retention: none'), ...APPLY })).outputs['removed-settings']).toBe('1');
    expect(stored.lifecycle).toBeUndefined();
  });
});

describe('settings that teams share', () => {
  const theirs = {
    destinations: [{ region: 'us-east-1', registryId: ACCOUNT }],
    repositoryFilters: [{ filter: 'team-b/', filterType: 'PREFIX_MATCH' }],
    deleteReplication: { enabled: true },
  };

  test('replication rules of others stay as they are, fields that the SDK does not know included', async () => {
    const scene = await ecrScene();
    scene.state.replication = [theirs];
    const config = registry(
      'replicate: [{to: [us-east-1, 444455556666/us-west-2], only: [acme/], deletes: true, existing: copy}]',
    );
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(run.log).toContain('kept replicate team-b/');
    expect(scene.problems).toEqual([]);
    expect(scene.state.replication).toEqual([
      theirs,
      {
        destinations: [
          { region: 'us-west-2', registryId: '444455556666' },
          { region: 'us-east-1', registryId: ACCOUNT },
        ],
        repositoryFilters: [{ filter: 'acme/', filterType: 'PREFIX_MATCH' }],
        deleteReplication: { enabled: true },
      },
    ]);
    expect(scene.state.backfills).toHaveLength(2);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    const none = `${registry('replicate: none')}repositories:\n  - match: acme/*\n  - name: acme/api\n`;
    await scene.run({ config: none, ...APPLY });
    expect(scene.state.replication).toEqual([theirs]);
  });

  test('the last rule leaves an empty list, and an absent key is not compared', async () => {
    const scene = await ecrScene();
    const config = registry('replicate: [{to: [us-east-1], only: [acme/]}]');
    await scene.run({ config, ...APPLY });
    expect((await scene.run({ config: `${HEAD}repositories: [{name: acme/api}]\n` })).outputs['removed-settings']).toBe(
      '0',
    );
    await scene.run({ config: `${registry('replicate: none')}repositories: [{name: acme/api}]\n`, ...APPLY });
    expect(scene.state.replication).toEqual([]);
  });

  test('scanning filters are merged, and a filter of others that covers a repository is enough', async () => {
    const scene = await ecrScene();
    const rule = (...filters: readonly string[]) => ({
      scanFrequency: 'SCAN_ON_PUSH',
      repositoryFilters: filters.map((filter) => ({ filter, filterType: 'WILDCARD' })),
    });
    scene.repository('acme/api');
    scene.state.scanning.rules = [rule('team-b/*')];
    await scene.run({ config: one('scan: on-push'), ...APPLY });
    expect(scene.state.scanning.rules).toEqual([rule('team-b/*', 'acme/api')]);
    expect((await scene.run({ config: one('scan: on-push'), ...APPLY })).outputs.outcome).toBe('unchanged');
    expect((await scene.run({ config: one('scan: off'), ...APPLY })).outputs.outcome).toBe('applied');
    expect(scene.state.scanning.rules).toEqual([rule('team-b/*')]);
    scene.state.scanning.rules = [rule('*')];
    expect((await scene.run({ config: one('scan: on-push'), ...APPLY })).outputs.outcome).toBe('unchanged');
    const off = await scene.run({ config: one('scan: off'), ...APPLY });
    expect(off.outputs.outcome).toBe('refused');
    expect(scene.state.scanning.rules).toEqual([rule('*')]);
  });

  test('continuous scanning needs enhanced scanning, which one key turns on', async () => {
    const scene = await ecrScene();
    const plain = await scene.run({ config: one('scan: continuous') });
    expect(plain.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '1' });
    const config = one('scan: continuous').replace('com}', 'com, scanning: enhanced}');
    await scene.run({ config, ...APPLY });
    expect(scene.state.scanning).toMatchObject({ scanType: 'ENHANCED', rules: [{ scanFrequency: 'CONTINUOUS_SCAN' }] });
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });

  test('registry policy, signing, account settings, templates and exclusions', async () => {
    const scene = await ecrScene();
    const theirs = {
      Sid: 'theirs',
      Effect: 'Allow',
      Principal: { AWS: '777788889999' },
      Action: 'ecr:ReplicateImage',
      Resource: '*',
    };
    const profile = (name: string) => `arn:aws:signer:eu-west-1:${ACCOUNT}:/signing-profiles/${name}`;
    scene.state.registryPolicy = policy(theirs);
    scene.state.signing = [{ signingProfileArn: profile('other') }];
    const config = registry(
      `receive: [{from: ["444455556666"], only: [acme/]}], signing: [{profile: "${profile('ours')}", only: ["acme/*"]}], templates: [{prefix: acme/, for: [replication, push], immutable: {except: [latest]}, labels: {team: a}, role: "${role('ecr')}", pull: ["${role('task')}"]}], aws: {accountSettings: {BLOB_MOUNTING: ENABLED}, pullTimeUpdateExclusions: ["${role('scanner')}"]}`,
    );
    const run = await scene.run({ config, ...APPLY });
    expect(run.log).not.toContain('::error');
    expect(run.outputs.outcome).toBe('applied');
    expect(scene.problems).toEqual([]);
    expect(statementsOf(scene.state.registryPolicy)).toMatchObject([
      { Sid: 'theirs' },
      { Sid: 'setup-platform-receive-1', Resource: `arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/acme/*` },
    ]);
    expect(scene.state.signing).toHaveLength(2);
    expect(scene.state.account.get('BLOB_MOUNTING')).toBe('ENABLED');
    expect(scene.state.exclusions).toEqual([role('scanner')]);
    expect(scene.state.templates.get('acme/')).toMatchObject({
      appliedFor: ['REPLICATION', 'CREATE_ON_PUSH'],
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    });
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    expect(scene.writes()).toEqual([]);
    await scene.run({ config: registry('receive: none, signing: none'), ...APPLY });
    expect(statementsOf(scene.state.registryPolicy)).toMatchObject([{ Sid: 'theirs' }]);
  });

  test('the upstream of a cache cannot change, its credentials can', async () => {
    const scene = await ecrScene();
    scene.state.caches.set('hub', {
      ecrRepositoryPrefix: 'hub',
      upstreamRegistryUrl: 'quay.io',
      upstreamRepositoryPrefix: 'ROOT',
    });
    const cache = (secret: string) =>
      registry(`cache: [{prefix: hub, from: docker.io, secret: ecr-pullthroughcache/${secret}}]`);
    expect((await scene.run({ config: cache('hub'), ...APPLY })).outputs.outcome).toBe('refused');
    expect(scene.writes()).toEqual([]);
    scene.state.caches.set('hub', {
      ecrRepositoryPrefix: 'hub',
      upstreamRegistryUrl: 'registry-1.docker.io',
      credentialArn: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf`,
    });
    expect((await scene.run({ config: cache('hub'), ...APPLY })).outputs.outcome).toBe('unchanged');
    expect((await scene.run({ config: cache('other'), ...APPLY })).outputs.outcome).toBe('applied');
  });
});

describe('what is not in the file, and what may not be read', () => {
  test('a repository that the file does not name stays and is shown', async () => {
    const scene = await ecrScene();
    scene.repository('acme/old');
    const run = await scene.run({ config: one('immutable: true'), ...APPLY });
    expect(run.log).toContain('unlisted: acme/old stays');
    expect(scene.state.repositories.has('acme/old')).toBe(true);
    expect(scene.writes().some((operation) => operation.startsWith('Delete'))).toBe(false);
  });

  test('a match sets what exists and creates nothing', async () => {
    const scene = await ecrScene();
    for (const name of ['acme/a', 'acme/b', 'other/c']) scene.repository(name);
    const config = `${HEAD}repositories:\n  - {match: acme/*, immutable: true}\n`;
    const plan = await scene.run({ config });
    expect(plan.summary).toContain('2 repositories: acme/a, acme/b');
    await scene.run({ config, ...APPLY });
    expect([...scene.state.repositories].map(([name, { settings }]) => [name, settings.imageTagMutability])).toEqual([
      ['acme/a', 'IMMUTABLE'],
      ['acme/b', 'IMMUTABLE'],
      ['other/c', undefined],
    ]);
  });

  test('a denied read hides one setting, and the rest is applied', async () => {
    const scene = await ecrScene();
    scene.state.denied.add('DescribeRegistry');
    const config = `${registry('replicate: [{to: [us-east-1], only: [acme/]}]')}repositories: [{name: acme/api, immutable: true}]\n`;
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'denied-settings': '1' });
    expect(run.exitCode).toBe(0);
    expect(run.log).toContain('grant `ecr:DescribeRegistry`');
    expect(scene.state.repositories.get('acme/api')?.settings).toMatchObject({ imageTagMutability: 'IMMUTABLE' });
  });

  test('a denied write fails, and the rest is applied', async () => {
    const scene = await ecrScene();
    scene.state.denied.add('PutReplicationConfiguration');
    const config = `${registry('replicate: [{to: [us-east-1], only: [acme/]}]')}repositories: [{name: acme/api, immutable: true}]\n`;
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs.outcome).toBe('partial');
    expect(run.exitCode).toBe(1);
    expect(run.log).toContain('aws iam create-service-linked-role');
    expect(scene.state.repositories.has('acme/api')).toBe(true);
  });

  test('without the right to list, repositories are read by name', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    scene.state.onWrite = undefined;
    scene.state.listDenied = true;
    const run = await scene.run({ config: one('immutable: true'), ...APPLY });
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'changed-settings': '1' });
  });

  test('made by another run between reading and writing, it is compared again and set', async () => {
    const scene = await ecrScene();
    scene.state.onWrite = (operation) => {
      if (operation === 'CreateRepository' && !scene.state.repositories.has('acme/api')) scene.repository('acme/api');
      return undefined;
    };
    const run = await scene.run({ config: one('immutable: true'), ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(scene.state.repositories.get('acme/api')?.settings).toMatchObject({ imageTagMutability: 'IMMUTABLE' });
  });

  test('what Amazon ECR lacks is unsupported with an alternative, and can be accepted', async () => {
    const scene = await ecrScene();
    const lacking = 'visibility: public, description: An app, quota: 5GB';
    const run = await scene.run({ config: one(lacking) });
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '3' });
    expect(run.log).toContain('use Amazon ECR Public');
    const accepted = await scene.run({ config: one(`${lacking}, accept: [visibility, description, quota]`) });
    expect(accepted.outputs).toMatchObject({ outcome: 'planned', 'unsupported-settings': '0' });
  });
});

describe('plan, approve, apply', () => {
  const config = one(`immutable: true, labels: {team: a}, pull: ["${role('task')}"]`);
  const planned = async () => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    const plan = await scene.run({ config, 'plan-file': 'setup-plan.json' });
    const apply = (more: string = config) =>
      scene.run({ config: more, plan: 'setup-plan.json' }, { workspace: plan.workspace });
    return { ...scene, plan, apply };
  };

  test('exactly the plan is applied, once', async () => {
    const { apply, ...scene } = await planned();
    const run = await apply();
    expect(run.outputs).toMatchObject({ outcome: 'applied', 'created-settings': '2', 'changed-settings': '1' });
    expect(run.outputs['plan-digest']).toBe(scene.plan.outputs['plan-digest']);
    expect((await apply()).outputs.outcome).toBe('unchanged');
    expect(scene.writes()).toEqual([]);
  });

  test('the plan of another file is refused, comments and lines do not count', async () => {
    const { apply, ...scene } = await planned();
    const other = await apply(config.replace('team: a', 'team: b'));
    expect(other.outputs.outcome).toBe('invalid-input');
    expect(other.log).toContain('for another desired state');
    expect(scene.writes()).toEqual([]);
    expect((await apply(`# a comment\n\n${config}`)).outputs.outcome).toBe('applied');
  });

  test('an edited plan is refused', async () => {
    const { apply, plan, ...scene } = await planned();
    await writeFile(join(plan.workspace, 'setup-plan.json'), '{"digest":"sha256:0","plan":{}}');
    expect((await apply()).outputs.outcome).toBe('invalid-input');
    expect(scene.writes()).toEqual([]);
  });

  test('what was changed since the plan is left alone, and what differs only since then waits', async () => {
    const { apply, ...scene } = await planned();
    const stored = scene.state.repositories.get('acme/api');
    if (stored !== undefined) stored.policy = policy({ ...LAMBDA, Sid: 'theirs' });
    const run = await apply();
    expect(run.outputs.outcome).toBe('refused');
    expect(run.log).toContain('acme/api policy: changed since the plan was made');
    expect(stored?.settings).toMatchObject({ imageTagMutability: 'IMMUTABLE' });
    expect(statementsOf(stored?.policy).map(({ Sid }) => Sid)).toEqual(['theirs']);
  });

  test('a scheduled run is a drift alarm', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api', { imageTagMutability: 'MUTABLE' });
    const event = { name: 'schedule', ref: 'refs/heads/main', sha: 'c'.repeat(40), payload: {} };
    const run = await scene.run({ config: one('immutable: true') }, { event });
    expect(run.outputs).toMatchObject({ outcome: 'drift', drift: 'true' });
    expect(run.exitCode).toBe(1);
    expect(scene.writes()).toEqual([]);
    expect((await scene.run({ config: one('immutable: false') }, { event })).outputs).toMatchObject({
      outcome: 'planned',
      drift: 'false',
    });
  });
});
