import fc from 'fast-check';
import type { DesiredRegistry, Given } from '../../../src/domain/setup/desired-state.ts';
import type { EcrLive, EcrLiveRepository } from '../../../src/domain/setup/ecr/live.ts';
import { desiredRegistry, type PlainRepository, principals } from './desired.ts';

export const RANDOM_ACCOUNT = '012345678901';
export const RANDOM_HOST = `${RANDOM_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`;
const NAMES = ['acme/api', 'acme/web-app', 'acme/web/app', 'acme/1password', 'tools', 'scanning', 'a.b_c/d--e'];
const role = (name: string) => `arn:aws:iam::${RANDOM_ACCOUNT}:role/${name}`;
const given = <T>(value: T): Given<T> => ({ value, line: 9 });
const ok = <T>(value: T) => ({ ok: true, value }) as const;
const may = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const immutability = fc.constantFrom(
  { mode: 'all' } as const,
  { mode: 'off' } as const,
  { mode: 'except', tags: ['latest', 'sha256-*'] } as const,
  { mode: 'only', tags: ['v*'] } as const,
);
const members = fc.subarray([role('ci'), role('task'), '999988887777', 'o-a1b2c3d4e5']);
const texts = fc.constantFrom('yes', '012345678901', '2012-10-17', '1e3', 'a: b', '1:30', '+1', 'null', '=', '');
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 7 },
      action: { type: 'expire' },
    },
  ],
};

function settings(name: string): fc.Arbitrary<PlainRepository> {
  return fc
    .record({
      immutable: may(immutability),
      scan: may(fc.constantFrom('on-push' as const, 'off' as const)),
      key: may(
        fc.constantFrom(
          'alias/ecr',
          `arn:aws:kms:eu-west-1:${RANDOM_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
        ),
      ),
      labels: may(fc.dictionary(fc.constantFrom('team', 'on', 'cost-center'), fc.oneof(texts, fc.constant(null)))),
      pull: may(members),
      push: may(members),
      access: may(fc.constantFrom('add' as const, 'exact' as const)),
      lifecycle: fc.boolean(),
      creates: fc.boolean(),
    })
    .map(({ lifecycle: hasLifecycle, ...rest }) => ({
      name,
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
      ...(hasLifecycle ? { own: { aws: { lifecyclePolicy: lifecycle } } } : {}),
    }));
}

/** A registry as a file could want it. */
export const randomDesired: fc.Arbitrary<DesiredRegistry> = fc
  .record({
    repositories: fc.subarray(NAMES).chain((names) => fc.tuple(...names.map(settings))),
    newKey: may(fc.constant(given('alias/ecr'))),
    replicate: may(
      fc.constantFrom(
        given([
          {
            to: ['us-east-1', '999988887777/eu-west-1'],
            only: ['acme/'],
            copiesExisting: true,
            deletes: undefined,
            line: 9,
          },
        ]),
        given(null),
      ),
    ),
    receive: may(fc.constant(given([{ from: ['444455556666'], only: ['acme/'], creates: true, line: 9 }]))),
    scanning: may(fc.constantFrom(given('basic' as const), given('enhanced' as const))),
    cache: may(
      members.map((pull) =>
        given([
          {
            prefix: 'hub',
            from: 'docker.io',
            secret: 'ecr-pullthroughcache/hub',
            user: undefined,
            role: undefined,
            pull: principals(...pull),
            line: 9,
          },
          {
            prefix: 'quay',
            from: 'quay.io/org',
            secret: undefined,
            user: undefined,
            role: undefined,
            pull: [],
            line: 9,
          },
        ]),
      ),
    ),
    templates: may(
      fc
        .record({ immutable: immutability, use: fc.constantFrom('replication' as const, 'push' as const) })
        .map(({ immutable, use }) =>
          given([
            {
              prefix: 'acme',
              for: [use],
              role: undefined,
              line: 9,
              settings: { accept: [], own: new Map(), immutable: given(immutable) },
            },
          ]),
        ),
    ),
    signing: may(
      fc.constant(
        given([
          { profile: `arn:aws:signer:eu-west-1:${RANDOM_ACCOUNT}:/signing-profiles/acme`, only: ['acme/*'], line: 9 },
        ]),
      ),
    ),
  })
  .map(({ repositories, ...more }) =>
    desiredRegistry(
      RANDOM_HOST,
      repositories,
      Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    ),
  );

const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'LambdaECRImageRetrievalPolicy',
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      Condition: { StringLike: { 'aws:sourceArn': `arn:aws:lambda:eu-west-1:${RANDOM_ACCOUNT}:function:*` } },
    },
  ],
});

function liveRepository(name: string): fc.Arbitrary<EcrLiveRepository> {
  return fc.record({
    arn: fc.constant(`arn:aws:ecr:eu-west-1:${RANDOM_ACCOUNT}:repository/${name}`),
    mutability: fc.constantFrom('MUTABLE', 'IMMUTABLE'),
    exclusions: fc.constant([]),
    scanOnPush: fc.boolean(),
    encryption: fc.constantFrom(
      { type: 'AES256', key: undefined },
      { type: 'KMS', key: `arn:aws:kms:eu-west-1:${RANDOM_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab` },
    ),
    tags: fc.dictionary(fc.constantFrom('team', 'aws:cloudformation:stack-name', 'theirs'), texts).map(ok),
    policy: fc.constantFrom(ok(null), ok(policy)),
    lifecycle: fc.constantFrom(ok(null), ok(JSON.stringify(lifecycle))),
  });
}

/** A registry as it could be, with what others have set. */
export const randomLive: fc.Arbitrary<EcrLive> = fc
  .record({
    repositories: fc
      .subarray(NAMES)
      .chain((names) => fc.tuple(...names.map((name) => liveRepository(name).map((each) => [name, each] as const)))),
    scanning: fc.constantFrom(
      ok({ scanType: 'BASIC', rules: [] }),
      ok({ scanType: 'BASIC', rules: [{ scanFrequency: 'SCAN_ON_PUSH', filters: ['theirs/*'] }] }),
    ),
    replication: fc.constantFrom(
      ok([]),
      ok([
        {
          destinations: [{ region: 'eu-central-1', registryId: RANDOM_ACCOUNT }],
          filters: ['theirs/'],
          deletes: undefined,
        },
      ]),
    ),
    registryPolicy: fc.constantFrom(
      ok(null),
      ok(
        JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'theirs',
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::555566667777:root' },
              Action: 'ecr:ReplicateImage',
              Resource: `arn:aws:ecr:eu-west-1:${RANDOM_ACCOUNT}:repository/theirs/*`,
            },
          ],
        }),
      ),
    ),
    caches: fc.constantFrom(
      ok([]),
      ok([
        {
          prefix: 'hub',
          url: 'registry-1.docker.io',
          upstream: 'docker-hub',
          upstreamPrefix: undefined,
          credential: `arn:aws:secretsmanager:eu-west-1:${RANDOM_ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf`,
          role: undefined,
        },
      ]),
    ),
  })
  .map(
    ({ repositories, ...rest }): EcrLive => ({
      account: RANDOM_ACCOUNT,
      region: 'eu-west-1',
      partition: 'aws',
      unreadable: new Map(),
      keys: new Map([
        ['alias/ecr', ok(`arn:aws:kms:eu-west-1:${RANDOM_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`)],
      ]),
      repositories: new Map(repositories),
      templates: ok([]),
      signing: ok([]),
      backfills: ok([]),
      ...rest,
    }),
  );
