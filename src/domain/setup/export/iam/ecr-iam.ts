import type { DesiredRegistry } from '../../desired-state.ts';
import { PULL_ACTIONS, UPLOAD_ACTIONS } from '../../ecr/access-statements.ts';
import { type IamStatement, iamPolicies } from './policy.ts';
import { setupStatements } from './setup-statements.ts';

interface EcrIamSource {
  readonly desired: DesiredRegistry;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** Those that exist or are to be made. */
  readonly repositories: readonly string[];
}

const LOGIN: IamStatement = { sid: 'Login', actions: ['ecr:GetAuthorizationToken'], on: ['*'] };

/**
 * Identity policies for the repositories of a registry: to pull, to push (`publish`, `mirror`, `promote`, `merge`), to clean up, and to
 * set up. By the name of their file.
 */
export function ecrIam(source: EcrIamSource): ReadonlyMap<string, string> {
  const { desired, account, region, partition, repositories } = source;
  const arnOf = (name: string) => `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
  const cached = (desired.cache?.value ?? []).map(({ prefix }) =>
    arnOf(prefix === 'ROOT' ? '*' : `${prefix.replace(/\/$/, '')}/*`),
  );
  return policyFiles(repositories.map(arnOf), {
    pull: [
      LOGIN,
      { sid: 'Pull', actions: PULL_ACTIONS, on: 'repositories' },
      {
        sid: 'PullThroughCache',
        actions: [...PULL_ACTIONS, 'ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'],
        on: cached,
      },
    ],
    push: [
      LOGIN,
      // Which tags are immutable is in the description of a repository.
      { sid: 'Push', actions: [...PULL_ACTIONS, ...UPLOAD_ACTIONS, 'ecr:DescribeRepositories'], on: 'repositories' },
    ],
    cleanup: [
      LOGIN,
      {
        sid: 'CleanUp',
        actions: [
          ...PULL_ACTIONS,
          'ecr:BatchDeleteImage',
          'ecr:DescribeImages',
          'ecr:DescribeRepositories',
          'ecr:GetLifecyclePolicy',
          'ecr:GetLifecyclePolicyPreview',
          'ecr:PutLifecyclePolicy',
          'ecr:DeleteLifecyclePolicy',
          'ecr:StartLifecyclePolicyPreview',
        ],
        on: 'repositories',
      },
    ],
    setup: setupStatements(desired, source),
  });
}

interface EcrPublicIamSource {
  readonly account: string;
  readonly repositories: readonly string[];
}

/** ECR Public: the login needs a token of STS. https://docs.aws.amazon.com/AmazonECR/latest/public/public-repository-policies.html */
const PUBLIC_LOGIN: IamStatement = {
  sid: 'Login',
  actions: ['ecr-public:GetAuthorizationToken', 'sts:GetServiceBearerToken'],
  on: ['*'],
};

/** As {@link ecrIam}; everybody may pull, and the login only raises the limits. */
export function ecrPublicIam({ account, repositories }: EcrPublicIamSource): ReadonlyMap<string, string> {
  const named = (...names: readonly string[]) => names.map((name) => `ecr-public:${name}`);
  const registry = `arn:aws:ecr-public::${account}:registry/*`;
  const arns = repositories.map((name) => `arn:aws:ecr-public::${account}:repository/${name}`);
  const uploads = UPLOAD_ACTIONS.map((name) => name.replace('ecr:', ''));
  return policyFiles(arns, {
    pull: [PUBLIC_LOGIN],
    push: [
      PUBLIC_LOGIN,
      {
        sid: 'Push',
        actions: named('BatchCheckLayerAvailability', 'DescribeRepositories', ...uploads),
        on: 'repositories',
      },
    ],
    cleanup: [
      PUBLIC_LOGIN,
      { sid: 'Alias', actions: named('DescribeRegistries'), on: [registry] },
      { sid: 'CleanUp', actions: named('BatchDeleteImage', 'DescribeImages', 'DescribeImageTags'), on: 'repositories' },
    ],
    setup: [
      { sid: 'Alias', actions: named('DescribeRegistries'), on: [registry] },
      { sid: 'List', actions: named('DescribeRepositories'), on: [`arn:aws:ecr-public::${account}:repository/*`] },
      {
        sid: 'Repositories',
        actions: named(
          'CreateRepository',
          'DeleteRepositoryPolicy',
          'GetRepositoryCatalogData',
          'GetRepositoryPolicy',
          'ListTagsForResource',
          'PutRepositoryCatalogData',
          'SetRepositoryPolicy',
          'TagResource',
          'UntagResource',
        ),
        on: 'repositories',
      },
    ],
  });
}

function policyFiles(
  repositories: readonly string[],
  policies: Readonly<Record<string, readonly IamStatement[]>>,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(policies).flatMap(([name, statements]) => {
      const texts = iamPolicies(statements, repositories);
      return texts.map((text, index) => [`${name}${texts.length === 1 ? '' : `-${index + 1}`}.json`, text] as const);
    }),
  );
}
