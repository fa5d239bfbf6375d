import { sorted } from '../../compare.ts';

/** A statement of an identity policy. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html */
export interface IamStatement {
  readonly sid: string;
  readonly actions: readonly string[];
  /** `repositories` stands for the ARNs of the policy's repositories. */
  readonly on: 'repositories' | readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Of a managed policy, without white space. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MAX_LENGTH = 6_144;

/**
 * Policies with these statements, as few as the size of a managed policy allows: where the repositories are too many for one, each has
 * some of them.
 * @param repositories ARNs
 */
export function iamPolicies(statements: readonly IamStatement[], repositories: readonly string[]): readonly string[] {
  const whole = policyOf(statements, repositories);
  if (lengthOf(whole) <= MAX_LENGTH || repositories.length < 2) return [whole];
  const middle = Math.ceil(repositories.length / 2);
  return [
    ...iamPolicies(statements, repositories.slice(0, middle)),
    ...iamPolicies(statements, repositories.slice(middle)),
  ];
}

const lengthOf = (text: string) => text.replaceAll(/\s/g, '').length;

function policyOf(statements: readonly IamStatement[], repositories: readonly string[]): string {
  const list = statements.flatMap(({ sid, actions, on, condition }) => {
    const resources = on === 'repositories' ? repositories : on;
    if (actions.length === 0 || resources.length === 0) return [];
    return [
      {
        Sid: sid,
        Effect: 'Allow',
        Action: sorted(actions),
        Resource: sorted(resources),
        ...(condition === undefined ? {} : { Condition: condition }),
      },
    ];
  });
  return `${JSON.stringify({ Version: '2012-10-17', Statement: list }, null, 2)}\n`;
}
