/** The repository whose workflows run the action. */
export interface WorkflowRepository {
  /** `acme/app` */
  readonly name: string;
  /** Numbers of repository and owner, where they are known. */
  readonly ids: { readonly repository: string; readonly owner: string } | undefined;
  readonly defaultBranch: string;
}

const ISSUER = 'token.actions.githubusercontent.com';

/**
 * Lets workflows of one branch assume a role, with both forms of `sub`: by names, and by names with numbers, which stay when
 * somebody else gets the name. https://docs.github.com/en/actions/reference/security/oidc
 */
export function trustPolicy(
  { name, ids, defaultBranch }: WorkflowRepository,
  { account, partition }: { readonly account: string; readonly partition: string },
): string {
  const [owner = '', repository = ''] = name.split('/');
  const ref = `ref:refs/heads/${defaultBranch}`;
  const subjects = [
    `repo:${name}:${ref}`,
    ...(ids === undefined ? [] : [`repo:${owner}@${ids.owner}/${repository}@${ids.repository}:${ref}`]),
  ];
  const audience = partition === 'aws-cn' ? 'sts.amazonaws.com.cn' : 'sts.amazonaws.com';
  const statement = {
    Sid: 'GitHubActions',
    Effect: 'Allow',
    Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${ISSUER}` },
    Action: 'sts:AssumeRoleWithWebIdentity',
    // Exact texts: with `*` a branch or an environment of another name could have the same beginning.
    Condition: { StringEquals: { [`${ISSUER}:aud`]: audience, [`${ISSUER}:sub`]: subjects } },
  };
  return `${JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)}\n`;
}
