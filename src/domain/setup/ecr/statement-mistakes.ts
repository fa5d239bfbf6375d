import { fieldsOf, isFields } from '../../fields.ts';
import { didYouMean, quoted } from '../../suggestion.ts';
import type { Json } from '../json.ts';
import { parsePrincipal } from '../principal.ts';
import type { Mistake } from '../setting.ts';
import { PULL_ACTIONS, UPLOAD_ACTIONS } from './access-statements.ts';
import { ECR_ACTIONS } from './actions.ts';

/** What is wrong with statements that a file writes itself: AWS accepts some of it, and the pull or push fails later. */
export function statementMistakes(value: Json, line: number): readonly Mistake[] {
  const found: Mistake[] = [];
  const add = (severity: Mistake['severity'], message: string) => found.push({ severity, line, message });
  const list = [value].flat();
  for (const [index, statement] of list.entries()) {
    const where = `statement ${index + 1} of \`aws.policyStatements\``;
    if (!isFields(statement)) {
      add('error', `${where} is no map`);
      continue;
    }
    const { Effect, Action, Principal } = statement;
    const actions = [Action].flat().flatMap((each) => (typeof each === 'string' ? [each] : []));
    if (Effect !== 'Allow' && Effect !== 'Deny') add('error', `${where} needs \`Effect: Allow\` or \`Effect: Deny\``);
    if (Principal === undefined && statement.NotPrincipal === undefined) add('error', `${where} needs a \`Principal\``);
    if (actions.length === 0 && statement.NotAction === undefined) add('error', `${where} needs an \`Action\``);
    for (const action of actions) {
      const wrong = wrongAction(action);
      if (wrong !== undefined) add('error', `${where}: ${wrong}`);
    }
    const granted = (name: string) => actions.some((action) => covers(action, name));
    if (Effect === 'Allow' && granted('ecr:PutImage')) {
      const missing = UPLOAD_ACTIONS.filter((name) => !granted(name));
      if (missing.length > 0)
        add('error', `${where} lets push images without ${missing.join(', ')}: every push would be denied`);
    }
    if (Effect === 'Allow' && granted('ecr:BatchGetImage') && !granted('ecr:GetDownloadUrlForLayer'))
      add(
        'error',
        `${where} lets pull images without ecr:GetDownloadUrlForLayer: every pull would be denied. A pull needs ${PULL_ACTIONS.join(', ')}`,
      );
    for (const id of [fieldsOf(Principal).AWS].flat()) {
      if (typeof id !== 'string' || id === '*') continue;
      const principal = parsePrincipal(id);
      if (!principal.ok) add('error', `${where}: ${quoted(id)}: ${principal.problems.join('; ')}`);
    }
    const sources = Object.values(fieldsOf(statement.Condition)).flatMap((each) => Object.entries(fieldsOf(each)));
    for (const [key, values] of sources) {
      if (key.toLowerCase() !== 'aws:sourcearn') continue;
      for (const arn of [values].flat().map(String))
        if (/^arn:[a-z-]+:iam::\d{12}:role\//.test(arn))
          add(
            'error',
            `${where}: \`${key}\` is the ARN of what AWS acts for, such as a Lambda function, never that of a role (${quoted(arn)})`,
          );
    }
  }
  return found;
}

function wrongAction(action: string): string | undefined {
  if (action === '*') return undefined;
  const [service = '', name = ''] = action.split(':');
  if (service.toLowerCase() !== 'ecr') return `${quoted(action)} is no action of Amazon ECR`;
  if (name.toLowerCase() === 'getauthorizationtoken')
    return '`ecr:GetAuthorizationToken` has no effect in this policy: grant it to the principal in IAM, on all resources';
  if (/[*?]/.test(name)) {
    return ECR_ACTIONS.some((known) => covers(action, `ecr:${known}`))
      ? undefined
      : `${quoted(action)} matches no action of Amazon ECR`;
  }
  if (ECR_ACTIONS.some((known) => known.toLowerCase() === name.toLowerCase())) return undefined;
  const instead =
    name === 'GetImage' ? ' Did you mean `ecr:BatchGetImage`?' : didYouMean(name, ECR_ACTIONS).replace('`', '`ecr:');
  return `${quoted(action)} is no action of Amazon ECR.${instead}`.replace(/\.$/, '');
}

/** Whether an action, perhaps with `*`, includes another. IAM compares without case. */
function covers(action: string, name: string): boolean {
  const parts = action
    .toLowerCase()
    .split(/\*+/)
    .map((part) => part.replaceAll(/[^\w]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`).test(name.toLowerCase());
}
