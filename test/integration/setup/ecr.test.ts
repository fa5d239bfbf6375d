import { expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST, keyArn } from '../../support/vendors/ecr-settings.ts';

const HEAD = `version: 1
owner: platform
registries:
  ecr: {at: ${ECR_HOST}}
`;

const GUIDE = `version: 1
owner: platform
who:
  task: [arn:aws:iam::${ACCOUNT}:role/ecs-task]
registries:
  ecr:
    at: ${ECR_HOST}
    replicate:
      - {to: [us-east-1, ap-northeast-1], only: [acme/]}
    cache:
      - {prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub, pull: [o-a1b2c3d4e5]}
repositories:
  - name: acme/api
    immutable: {except: [latest]}
    scan: on-push
    key: alias/ecr
    labels: {owner: platform}
    pull: [task]
    aws:
      lifecyclePolicy:
        rules:
          - {rulePriority: 1, selection: {tagStatus: tagged, tagPatternList: ["release*"], countType: imageCountMoreThan, countNumber: 20}, action: {type: expire}}
          - {rulePriority: 2, selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}, action: {type: expire}}
          - {rulePriority: 3, selection: {tagStatus: tagged, tagPatternList: ["dev*"], countType: sinceImagePushed, countUnit: days, countNumber: 30}, action: {type: expire}}
`;

test('what guides show comes from one file; planned it only reads, applied it is there, and once more nothing is written', async () => {
  const scene = await ecrScene();
  const plan = await scene.run({ config: GUIDE });
  expect(plan.outputs).toMatchObject({ outcome: 'planned', drift: 'true' });
  expect(plan.exitCode).toBe(0);
  expect(scene.writes()).toEqual([]);
  expect(scene.state.repositories.size).toBe(0);

  const apply = await scene.run({ config: GUIDE, 'dry-run': 'false' });
  expect(apply.log).not.toContain('::error');
  expect(apply.outputs).toMatchObject({ outcome: 'applied' });
  expect(scene.problems).toEqual([]);
  const api = scene.state.repositories.get('acme/api');
  expect(api).toMatchObject({
    settings: {
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest' }],
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: keyArn('alias/ecr') },
      imageScanningConfiguration: { scanOnPush: true },
    },
    tags: { owner: 'platform' },
  });
  expect(JSON.parse(api?.policy ?? '')).toMatchObject({
    Statement: [{ Sid: 'setup-platform-pull', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/ecs-task` } }],
  });
  expect(JSON.parse(api?.lifecycle ?? '').rules).toHaveLength(3);
  expect(scene.state.replication).toEqual([
    {
      destinations: [
        { region: 'ap-northeast-1', registryId: ACCOUNT },
        { region: 'us-east-1', registryId: ACCOUNT },
      ],
      repositoryFilters: [{ filter: 'acme/', filterType: 'PREFIX_MATCH' }],
    },
  ]);
  expect(scene.state.caches.get('hub')).toMatchObject({
    upstreamRegistryUrl: 'registry-1.docker.io',
    credentialArn: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:ecr-pullthroughcache/hub`,
  });
  expect(JSON.parse(scene.state.registryPolicy ?? '').Statement[0]).toMatchObject({
    Sid: 'setup-platform-cache-hub-organization',
    Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } },
  });
  expect(scene.state.templates.get('hub')).toMatchObject({ appliedFor: ['PULL_THROUGH_CACHE'] });

  const again = await scene.run({
    config: GUIDE,
    'dry-run': 'false',
  });
  expect(scene.writes()).toEqual([]);
  expect(again.outputs).toMatchObject({ outcome: 'unchanged', drift: 'false' });
  expect(again.summary).toContain('As they should be');
});

test('a repository that exists as wished is equal and not touched', async () => {
  const scene = await ecrScene();
  scene.repository('acme/api', { imageTagMutability: 'IMMUTABLE' });
  const run = await scene.run({
    config: `${HEAD}repositories:\n  - {name: acme/api, immutable: true}\n`,
    'dry-run': 'false',
  });
  expect(run.outputs.outcome).toBe('unchanged');
  expect(scene.writes()).toEqual([]);
});
