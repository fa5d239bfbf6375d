import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { EcrLive, EcrLiveRepository } from '../../../../../src/domain/setup/ecr/live.ts';
import { planEcr } from '../../../../../src/domain/setup/ecr/plan.ts';
import { plannedState } from '../../../../../src/domain/setup/ecr/planned-state.ts';
import { logicalIds } from '../../../../../src/domain/setup/export/cloudformation/logical-id.ts';
import { ecrPublicStacks, ecrStacks } from '../../../../../src/domain/setup/export/cloudformation/registry-files.ts';
import { blocksOf, desiredRegistry, type PlainRepository } from '../../../../support/setup/desired.ts';
import { RANDOM_HOST, randomDesired, randomLive } from '../../../../support/setup/random-ecr.ts';

const ok = <T>(value: T) => ({ ok: true, value }) as const;
const given = <T>(value: T) => ({ value, line: 9 });
const ACCOUNT = '012345678901';
const KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const LAMBDA = {
  Sid: 'LambdaECRImageRetrievalPolicy',
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
};
const POLICY = JSON.stringify({ Version: '2012-10-17', Statement: [LAMBDA] });

const present = (name: string, more: Partial<EcrLiveRepository> = {}): readonly [string, EcrLiveRepository] => [
  name,
  {
    arn: `arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/${name}`,
    mutability: 'MUTABLE',
    exclusions: [],
    scanOnPush: false,
    encryption: { type: 'AES256', key: undefined },
    tags: ok({}),
    policy: ok(null),
    lifecycle: ok(null),
    ...more,
  },
];

const live = (
  repositories: readonly (readonly [string, EcrLiveRepository])[] = [],
  more: Partial<EcrLive> = {},
): EcrLive => ({
  account: ACCOUNT,
  region: 'eu-west-1',
  partition: 'aws',
  repositories: new Map(repositories),
  unreadable: new Map(),
  keys: new Map(),
  scanning: ok({ scanType: 'BASIC', rules: [] }),
  replication: ok([]),
  registryPolicy: ok(null),
  caches: ok([]),
  templates: ok([]),
  ...more,
});

interface Template {
  readonly Parameters?: Record<string, { readonly Type: string; readonly Default?: string }>;
  readonly Resources: Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>;
}

function written(
  repositories: readonly PlainRepository[],
  state: EcrLive,
  more: Parameters<typeof desiredRegistry>[2] = {},
) {
  const { files, leftOut } = ecrStacks(desiredRegistry(RANDOM_HOST, repositories, more), state, 'setup.yml');
  const text = (path: string) => files.find((each) => each.path === path)?.text;
  // As CloudFormation reads it.
  const read = (path: string): Template => parse(text(path) ?? '{}', { version: '1.1' });
  const toImport = JSON.parse(text('resources-to-import.json') ?? '[]');
  return { files, leftOut, text, template: read('template.yaml'), imported: read('import.yaml'), toImport };
}

describe('what exists', () => {
  test('is imported as it is, with what others wrote, and changed by the template only', () => {
    const state = live([
      present('acme/api', { policy: ok(POLICY), tags: ok({ theirs: 'x', 'aws:cloudformation:stack-id': 'y' }) }),
    ]);
    const result = written(
      [
        { name: 'acme/api', immutable: { mode: 'all' }, labels: { team: 'a' }, pull: ['999988887777'] },
        { name: 'acme/new' },
      ],
      state,
    );
    expect(Object.keys(result.imported.Resources)).toEqual(['AcmeApi']);
    expect(result.imported.Resources.AcmeApi?.Properties).toEqual({
      RepositoryName: 'acme/api',
      ImageTagMutability: 'MUTABLE',
      ImageScanningConfiguration: { ScanOnPush: false },
      RepositoryPolicyText: { Version: '2012-10-17', Statement: [LAMBDA] },
      Tags: [{ Key: 'theirs', Value: 'x' }],
    });
    expect(result.toImport).toEqual([
      {
        ResourceType: 'AWS::ECR::Repository',
        LogicalResourceId: 'AcmeApi',
        ResourceIdentifier: { RepositoryName: 'acme/api' },
      },
    ]);
    expect(Object.keys(result.template.Resources)).toEqual(['AcmeApi', 'AcmeNew']);
    expect(result.template.Resources.AcmeApi?.Properties).toMatchObject({
      ImageTagMutability: 'IMMUTABLE',
      RepositoryPolicyText: { Statement: [LAMBDA, { Sid: 'setup-platform-pull' }] },
      Tags: [
        { Key: 'team', Value: 'a' },
        { Key: 'theirs', Value: 'x' },
      ],
    });
  });

  test('keeps its encryption, because another one would replace it with all its images', () => {
    const state = live([present('a1'), present('b2', { encryption: { type: 'KMS', key: KEY } })]);
    const wanted = [
      { name: 'a1', key: 'alias/ecr' },
      { name: 'b2', key: 'AES256' },
      { name: 'c3', key: 'alias/ecr' },
    ];
    const { template, imported } = written(wanted, state);
    const encryptionOf = ({ Resources }: Template, id: string) => Resources[id]?.Properties.EncryptionConfiguration;
    for (const each of [template, imported]) {
      expect(encryptionOf(each, 'A1')).toBeUndefined();
      expect(encryptionOf(each, 'B2')).toEqual({ EncryptionType: 'KMS', KmsKey: KEY });
    }
    expect(encryptionOf(template, 'C3')).toEqual({ EncryptionType: 'KMS', KmsKey: 'alias/ecr' });
  });

  test('is left out when its policy may not be read, because an import would remove it', () => {
    const denied = { ok: false, reason: 'It may not be read: grant `ecr:GetRepositoryPolicy`.' } as const;
    const { files, leftOut } = written([{ name: 'acme/api' }], live([present('acme/api', { policy: denied })]));
    expect(files.some(({ text }) => text.includes('acme/api'))).toBe(false);
    expect(leftOut).toMatchObject([{ what: 'acme/api', reason: expect.stringContaining('ecr:GetRepositoryPolicy') }]);
  });

  test('is left out with a tag without a value, which a template cannot have', () => {
    const { files, leftOut } = written([{ name: 'acme/api' }], live([present('acme/api', { tags: ok({ seen: '' }) })]));
    expect(files).toEqual([]);
    expect(leftOut).toMatchObject([{ what: 'acme/api', reason: expect.stringContaining('`seen`') }]);
  });

  test('of registries as a whole is found by the account, and only where the file has something to say about it', () => {
    const theirs = {
      destinations: [{ region: 'eu-north-1', registryId: ACCOUNT }],
      filters: ['b/'],
      deletes: undefined,
    };
    const state = live([], { replication: ok([theirs]), registryPolicy: ok(POLICY) });
    const replicate = given([{ to: ['us-east-1'], only: ['a/'], copiesExisting: false, deletes: undefined, line: 9 }]);
    const { template, toImport } = written([], state, { replicate });
    expect(toImport).toEqual([
      {
        ResourceType: 'AWS::ECR::ReplicationConfiguration',
        LogicalResourceId: 'Replication',
        ResourceIdentifier: { RegistryId: ACCOUNT },
      },
    ]);
    expect(template.Resources.Replication?.Properties).toMatchObject({
      ReplicationConfiguration: {
        Rules: [
          { Destinations: [{ Region: 'eu-north-1' }] },
          { Destinations: [{ Region: 'us-east-1', RegistryId: ACCOUNT }] },
        ],
      },
    });
    expect(Object.keys(template.Resources)).toEqual(['Replication']);
  });
});

describe('what CloudFormation cannot express is left out, with the reason', () => {
  const rule = { destinations: [{ region: 'us-east-1', registryId: ACCOUNT }], filters: ['a/'], deletes: true };
  const copy = { to: ['us-east-1'], only: ['a/'], copiesExisting: true, deletes: undefined, line: 9 };

  test.each([
    ['replication', 'copies deletions', live([], { replication: ok([rule]) }), { replicate: given([copy]) }],
    ['replicate.existing us-east-1', 'does not copy', live(), { replicate: given([copy]) }],
    [
      'scanning',
      'MANUAL',
      live([], { scanning: ok({ scanType: 'BASIC', rules: [{ scanFrequency: 'MANUAL', filters: ['x'] }] }) }),
      { scanning: given('basic' as const) },
    ],
    [
      'scanning',
      '`a--b`',
      live([], { scanning: ok({ scanType: 'BASIC', rules: [{ scanFrequency: 'SCAN_ON_PUSH', filters: ['a--b'] }] }) }),
      { scanning: given('basic' as const) },
    ],
    [
      'account setting BLOB_MOUNTING',
      'no resource type',
      live(),
      { own: blocksOf({ aws: { accountSettings: { BLOB_MOUNTING: 'ENABLED' } } }) },
    ],
    [
      'replication',
      'to be removed',
      live([], { replication: ok([{ ...rule, deletes: false, filters: ['acme/'] }]) }),
      { replicate: given(null) },
    ],
  ] as const)('%s: %s', (what, reason, state, more) => {
    const { leftOut } = written([{ name: 'acme/api', creates: false }], state, more);
    expect(leftOut.filter((each) => each.what === what).map((each) => each.reason)).toEqual([
      expect.stringContaining(reason),
    ]);
  });

  test('a secret or role that a cache is to have instead of another', () => {
    const credential = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:ecr-pullthroughcache/old-AbCdEf`;
    const rule = {
      prefix: 'hub',
      url: 'registry-1.docker.io',
      upstream: 'docker-hub',
      upstreamPrefix: undefined,
      credential,
      role: undefined,
    };
    const entry = {
      prefix: 'hub',
      from: 'docker.io',
      secret: 'ecr-pullthroughcache/new',
      user: undefined,
      role: undefined,
      pull: [],
      line: 9,
    };
    const { template, leftOut } = written([], live([], { caches: ok([rule]) }), { cache: given([entry]) });
    expect(template.Resources.CacheHub?.Properties).toMatchObject({ CredentialArn: credential });
    expect(leftOut).toMatchObject([{ what: 'cache hub', reason: expect.stringContaining('cannot change the secret') }]);
  });

  test.each(['{{resolve:secretsmanager:prod}}', 'a {{resolve:ssm:x}}'])('a text that it would replace: %s', (text) => {
    const { files, leftOut } = written([{ name: 'acme/api', labels: { team: text } }], live());
    expect(files).toEqual([]);
    expect(leftOut).toMatchObject([{ what: 'acme/api', reason: expect.stringContaining('{{resolve:') }]);
  });
});

describe('secrets', () => {
  const entry = { prefix: 'hub', from: 'docker.io', user: undefined, role: undefined, pull: [], line: 9 };

  test('of which only the name is known are a parameter, since CloudFormation needs the ARN with its suffix', () => {
    const { template } = written([], live(), { cache: given([{ ...entry, secret: 'ecr-pullthroughcache/hub' }]) });
    expect(template.Parameters).toMatchObject({ CacheHubCredentialArn: { Type: 'String' } });
    expect(template.Resources.CacheHub?.Properties.CredentialArn).toEqual({ Ref: 'CacheHubCredentialArn' });
  });

  test('that the file names by their whole ARN are written', () => {
    const secret = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf`;
    const { template } = written([], live(), { cache: given([{ ...entry, secret }]) });
    expect(template.Parameters).toBeUndefined();
    expect(template.Resources.CacheHub?.Properties.CredentialArn).toBe(secret);
  });
});

describe('templates', () => {
  test('are read as they were meant by a reader of YAML 1.1', () => {
    const labels = {
      on: 'yes',
      account: '012345678901',
      date: '2012-10-17',
      time: '12:30',
      float: '1e3',
      n: 'null',
      text: `it's "so": # !Ref x`,
      '=': '<<',
    };
    const { template } = written([{ name: 'acme/api', labels }], live());
    const tags = template.Resources.AcmeApi?.Properties.Tags;
    const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(tags).toEqual(sorted.map(([Key, Value]) => ({ Key, Value })));
  });

  test('retain everything, and say where each resource comes from', () => {
    const { text } = written([{ name: 'acme/api' }], live());
    expect(text('template.yaml')).toMatch(/^# setup\.yml:3 registry\. Generated: change setup\.yml, not this file\.\n/);
    expect(text('template.yaml')).toContain('  # setup.yml:7 acme/api on registry\n  AcmeApi:\n');
    expect(text('template.yaml')).toContain('    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n');
  });

  test('are split where one would have more than 500 resources, and say when they are too long for a request', () => {
    const names = Array.from({ length: 501 }, (_, index) => ({ name: `acme/a${index}` }));
    const { files } = written(names, live());
    const count = (text: string) => Object.keys(parse(text).Resources).length;
    expect(files.map(({ path, text }) => [path, count(text)])).toEqual([
      ['template-1.yaml', 500],
      ['template-2.yaml', 1],
    ]);
    expect(files[0]?.text).toContain('# Longer than 51200 bytes: upload it to Amazon S3');
    expect(files[1]?.text).not.toContain('51200');
  });

  test('have the same bytes whatever order AWS answers in', () => {
    const one = live([
      present('a', { exclusions: ['x', 'y'], mutability: 'IMMUTABLE_WITH_EXCLUSION', tags: ok({ b: '1', a: '2' }) }),
    ]);
    const other = live([
      present('a', { exclusions: ['y', 'x'], mutability: 'IMMUTABLE_WITH_EXCLUSION', tags: ok({ a: '2', b: '1' }) }),
    ]);
    expect(written([{ name: 'a' }], one).files).toEqual(written([{ name: 'a' }], other).files);
  });
});

test('a logical id stays when other names are added', () => {
  const ids = (...names: readonly string[]) => Object.fromEntries(logicalIds(names));
  expect(ids('acme/api', 'acme/web-app', '1password')).toEqual({
    'acme/api': 'AcmeApi',
    'acme/web-app': 'AcmeWebApp',
    '1password': expect.stringMatching(/^R1passwordX[0-9a-f]{8}$/),
  });
  expect(ids('acme-api', 'acme/api')['acme/api']).toBe('AcmeApi');
  expect(ids('acme/api', 'acme-api')['acme-api']).toMatch(/^AcmeApiX[0-9a-f]{8}$/);
  expect(ids('replication', ':replication')).toEqual({
    replication: 'Replication',
    ':replication': expect.stringMatching(/^ReplicationX/),
  });
  const long = `a${'b'.repeat(254)}c`;
  expect(ids(long)[long]?.length).toBeLessThanOrEqual(255);
});

test('Amazon ECR Public: catalog data, tags and policy of what exists stay', () => {
  const repository = {
    arn: `arn:aws:ecr-public::${ACCOUNT}:repository/tools`,
    tags: ok({ team: 'a' }),
    policy: ok(POLICY),
    catalog: ok({ aboutText: 'About', architectures: ['x86-64', 'ARM 64'] }),
  };
  const desired = desiredRegistry('public.ecr.aws/acme', [{ name: 'tools', description: 'Tools' }, { name: 'new' }]);
  const { files } = ecrPublicStacks(desired, { repositories: new Map([['tools', repository]]) }, 'setup.yml');
  const read = (path: string) => parse(files.find((each) => each.path === path)?.text ?? '');
  const properties = {
    RepositoryName: 'tools',
    RepositoryCatalogData: { AboutText: 'About', Architectures: ['ARM 64', 'x86-64'] },
    RepositoryPolicyText: { Version: '2012-10-17', Statement: [LAMBDA] },
    Tags: [{ Key: 'team', Value: 'a' }],
  };
  expect(read('import.yaml').Resources).toMatchObject({
    Tools: { Type: 'AWS::ECR::PublicRepository', Properties: properties },
  });
  expect(read('template.yaml').Resources).toMatchObject({
    Tools: { Properties: { RepositoryCatalogData: { RepositoryDescription: 'Tools', AboutText: 'About' } } },
    New: { Properties: { RepositoryName: 'new' } },
  });
});

test('what a plan comes to needs no further write', () => {
  fc.assert(
    fc.property(randomDesired, randomLive, (desired, state) => {
      const { steps } = planEcr(desired, state);
      const after = plannedState(
        state,
        steps.map(({ request }) => request),
      );
      expect(planEcr(desired, after).steps).toEqual([]);
    }),
  );
});

test('no template changes what CloudFormation can only replace', () => {
  fc.assert(
    fc.property(randomDesired, randomLive, (desired, state) => {
      const { files } = ecrStacks(desired, state, 'setup.yml');
      const read = (path: string): Template => parse(files.find((each) => each.path === path)?.text ?? 'Resources: {}');
      const { Resources } = read('template.yaml');
      for (const [id, { Type, Properties }] of Object.entries(read('import.yaml').Resources)) {
        const fixed = (from: Record<string, unknown> | undefined) =>
          Type === 'AWS::ECR::PullThroughCacheRule'
            ? from
            : [from?.RepositoryName, from?.Prefix, from?.EncryptionConfiguration];
        if (Type !== 'AWS::ECR::RepositoryCreationTemplate')
          expect(fixed(Resources[id]?.Properties)).toEqual(fixed(Properties));
      }
    }),
  );
});
