import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ecrIam, ecrPublicIam } from '../../../../../src/domain/setup/export/iam/ecr-iam.ts';
import { trustPolicy } from '../../../../../src/domain/setup/export/iam/trust.ts';
import { workflowRepository } from '../../../../../src/runtime/event.ts';
import { cfnLint } from '../../../../support/cfn-lint.ts';
import { blocksOf, desiredRegistry, type PlainRepository } from '../../../../support/setup/desired.ts';
import { RANDOM_ACCOUNT, RANDOM_HOST, randomDesired } from '../../../../support/setup/random-ecr.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

const PLACE = { account: RANDOM_ACCOUNT, region: 'eu-west-1', partition: 'aws' };
const ARN = `arn:aws:ecr:eu-west-1:${RANDOM_ACCOUNT}:repository`;
/** Operations of the API that the list of cfn-lint 1.58 does not have yet. */
const NEWER = new Set(['ecr:ListReplicationBackfills', 'ecr:StartReplicationBackfill']);
const given = <T>(value: T) => ({ value, line: 9 });
const read = (text = '{"Statement": []}'): readonly Statement[] => JSON.parse(text).Statement;

function policies(repositories: readonly PlainRepository[], more: Parameters<typeof desiredRegistry>[2] = {}) {
  const desired = desiredRegistry(RANDOM_HOST, repositories, more);
  return ecrIam({ desired, ...PLACE, repositories: repositories.map(({ name }) => name) });
}

describe('policies', () => {
  test('to pull and to push are for these repositories, and the login for all', () => {
    const found = policies([{ name: 'acme/web' }, { name: 'acme/api' }]);
    expect([...found.keys()]).toEqual(['pull.json', 'push.json', 'cleanup.json', 'setup.json']);
    expect(read(found.get('pull.json'))).toEqual([
      { Sid: 'Login', Effect: 'Allow', Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
      {
        Sid: 'Pull',
        Effect: 'Allow',
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        Resource: [`${ARN}/acme/api`, `${ARN}/acme/web`],
      },
    ]);
    expect(read(found.get('push.json'))[1]?.Action).toEqual([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:CompleteLayerUpload',
      'ecr:DescribeRepositories',
      'ecr:GetDownloadUrlForLayer',
      'ecr:InitiateLayerUpload',
      'ecr:PutImage',
      'ecr:UploadLayerPart',
    ]);
  });

  test('to pull through a cache also make the repository', () => {
    const entry = {
      prefix: 'hub',
      from: 'docker.io',
      secret: 'ecr-pullthroughcache/hub',
      user: undefined,
      role: undefined,
      pull: [],
      line: 9,
    };
    const found = policies([], { cache: given([entry]) });
    expect(read(found.get('pull.json'))[1]).toMatchObject({
      Action: expect.arrayContaining(['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository']),
      Resource: [`${ARN}/hub/*`],
    });
    expect(read(found.get('setup.json'))).toContainEqual({
      Sid: 'Secrets',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: [`arn:aws:secretsmanager:eu-west-1:${RANDOM_ACCOUNT}:secret:ecr-pullthroughcache/hub-??????`],
    });
  });

  test('to set up have what the file has a use for, and nothing else', () => {
    const actions = (repository: PlainRepository, more = {}) =>
      read(policies([repository], more).get('setup.json'))
        .flatMap(({ Action }) => Action)
        .filter((name) => !/:(?:Get|List|Describe)/.test(name));
    expect(actions({ name: 'a1', creates: false })).toEqual([]);
    expect(actions({ name: 'a1', creates: true, immutable: { mode: 'all' } })).toEqual([
      'ecr:CreateRepository',
      'ecr:PutImageTagMutability',
    ]);
    const settings = { accountSettings: { BLOB_MOUNTING: 'ENABLED' } };
    expect(actions({ name: 'a1', creates: false }, { own: blocksOf({ aws: settings }) })).toEqual([
      'ecr:PutAccountSetting',
    ]);
    expect(read(policies([{ name: 'a1', key: 'alias/ecr' }]).get('setup.json'))).toContainEqual({
      Sid: 'KeysByAlias',
      Effect: 'Allow',
      Action: ['kms:CreateGrant', 'kms:DescribeKey', 'kms:RetireGrant'],
      Resource: [`arn:aws:kms:eu-west-1:${RANDOM_ACCOUNT}:key/*`],
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': ['alias/ecr'] } },
    });
  });

  test('are split where one would be larger than a managed policy may be, and together name every repository', () => {
    const names = Array.from({ length: 200 }, (_, index) => ({ name: `acme/service-${index}` }));
    const parts = [...policies(names)].filter(([name]) => name.startsWith('pull-')).map(([, text]) => text);
    expect(parts.length).toBeGreaterThan(1);
    for (const text of parts) expect(text.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(6144);
    const resources = parts.flatMap((text) => read(text)[1]?.Resource ?? []);
    expect(resources.toSorted()).toEqual(names.map(({ name }) => `${ARN}/${name}`).toSorted());
  });

  test('of Amazon ECR Public also need the token of STS for the login', () => {
    const found = ecrPublicIam({ account: RANDOM_ACCOUNT, repositories: ['tools'] });
    expect(read(found.get('push.json'))).toMatchObject([
      { Action: ['ecr-public:GetAuthorizationToken', 'sts:GetServiceBearerToken'], Resource: ['*'] },
      { Resource: [`arn:aws:ecr-public::${RANDOM_ACCOUNT}:repository/tools`] },
    ]);
  });
});

describe('the trust policy', () => {
  const conditionOf = (env: Record<string, string>, partition = 'aws') => {
    const workflow = workflowRepository(env);
    if (workflow === undefined) return undefined;
    return JSON.parse(trustPolicy(workflow, { account: RANDOM_ACCOUNT, partition })).Statement[0].Condition;
  };
  const issuer = 'token.actions.githubusercontent.com';

  test('names one branch exactly, with the numbers where they are known', () => {
    const env = { GITHUB_REPOSITORY: 'acme/app', GITHUB_EVENT_NAME: 'schedule', GITHUB_REF_NAME: 'trunk' };
    expect(conditionOf(env)).toEqual({
      StringEquals: {
        [`${issuer}:aud`]: 'sts.amazonaws.com',
        [`${issuer}:sub`]: ['repo:acme/app:ref:refs/heads/trunk'],
      },
    });
    const numbers = { GITHUB_REPOSITORY_ID: '456', GITHUB_REPOSITORY_OWNER_ID: '123' };
    expect(conditionOf({ GITHUB_REPOSITORY: 'acme/app', ...numbers }, 'aws-cn')).toEqual({
      StringEquals: {
        [`${issuer}:aud`]: 'sts.amazonaws.com.cn',
        [`${issuer}:sub`]: ['repo:acme/app:ref:refs/heads/main', 'repo:acme@123/app@456:ref:refs/heads/main'],
      },
    });
  });

  test.each(['', 'acme', 'acme/app/x', '*/app', 'acme/*'])('is for no repository such as %j', (name) => {
    expect(conditionOf({ GITHUB_REPOSITORY: name })).toBeUndefined();
  });
});

test("every action is in AWS's own list, and is for repositories where the list says so", {
  timeout: 400_000,
}, async () => {
  const { actions } = await cfnLint();
  const services = new Map<string, ReadonlyMap<string, boolean>>();
  for (const name of ['ecr', 'ecr-public', 'sts', 'kms', 'iam', 'secretsmanager', 'inspector2'])
    services.set(name, await actions(name));
  const registries = fc.sample(randomDesired, 100);
  const all = registries.flatMap((desired) => {
    const repositories = desired.repositories.map(({ name }) => name);
    return [
      ...ecrIam({ desired, ...PLACE, repositories }).values(),
      ...ecrPublicIam({ account: RANDOM_ACCOUNT, repositories }).values(),
    ];
  });
  const statements = all.flatMap((text) => read(text));
  expect(statements.length).toBeGreaterThan(500);
  for (const { Action, Resource } of statements) {
    for (const action of Action) {
      const [service = '', name = ''] = action.toLowerCase().split(':');
      if (NEWER.has(action)) continue;
      const isForRepositories = services.get(service)?.get(name);
      expect(isForRepositories, action).toBeDefined();
      if (service.startsWith('ecr'))
        expect(
          Resource.some((arn) => arn.includes(':repository/')),
          action,
        ).toBe(isForRepositories);
    }
  }
});
