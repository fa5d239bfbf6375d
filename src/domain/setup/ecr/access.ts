import { fieldsOf, isFields } from '../../fields.ts';
import { compared, denied, isDue, type Part, type Reading, sorted, unsupported } from '../compare.ts';
import type { DesiredRepository } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import { type Setting, settingId } from '../setting.ts';
import { accessStatements, isSidOf, ROLES, type Service } from './access-statements.ts';
import { isStatement, normalized, policyText, type Statement, sidOf, statementsOf } from './policy-document.ts';
import type { EcrRequest } from './request.ts';

const MAX_POLICY_LENGTH = 10_240;
/** What Lambda writes when a function is made of an image of the same account. */
const LAMBDA_SID = 'LambdaECRImageRetrievalPolicy';

interface AccessContext {
  readonly owner: string;
  readonly partition: string;
  /** Step that makes the repository, if it is to be made. */
  readonly after: readonly string[];
  readonly service?: Service;
}

type PolicyRequest = Extract<EcrRequest, { readonly operation: 'SetRepositoryPolicy' }>;

/** The repository's policy, merged by the names of statements: what others wrote stays. */
export function planAccess(
  { name: subject, settings, line }: DesiredRepository,
  live: Reading<string | null>,
  { owner, partition, after, service = 'ecr' }: AccessContext,
): Part<PolicyRequest> {
  const extra = settings.own.get('aws')?.get('policyStatements');
  const roles = ROLES.flatMap((role) => {
    const wanted = settings[role];
    return wanted === undefined ? [] : [{ role, wanted }];
  });
  const isExact = settings.access?.value === 'exact';
  if (roles.length === 0 && extra === undefined && !isExact) return { settings: [] };
  const present = live.ok ? statementsOf(live.value) : undefined;
  if (!live.ok || present === undefined) {
    const reason = live.ok ? 'The policy of the repository is not JSON that could be merged with.' : live.reason;
    return {
      settings: [
        ...roles.map(({ role, wanted }) =>
          denied({ subject, name: role, line: wanted.line }, idsOf(wanted.value), reason),
        ),
        ...(extra === undefined
          ? []
          : [denied({ subject, name: 'aws.policyStatements', line: extra.line }, extra.value, reason)]),
      ],
    };
  }

  const found: Setting[] = [];
  const own = new Set<Statement>();
  const wantedStatements: Statement[] = [];
  for (const { role, wanted } of roles) {
    const before = present.filter((each) => isSidOf(sidOf(each), owner, role));
    const desired = accessStatements(owner, role, wanted.value ?? [], partition, service);
    for (const each of before) own.add(each);
    wantedStatements.push(...desired);
    found.push(
      comparedStatements({ subject, name: role, line: wanted.line }, before, desired, wanted.value, partition),
    );
  }
  if (extra !== undefined) {
    const desired = extraStatements(extra.value, owner);
    const sids = new Set(desired.map(sidOf));
    const before = present.filter((each) => sids.has(sidOf(each)));
    for (const each of before) own.add(each);
    wantedStatements.push(...desired);
    const isEqual = same(before, desired, partition);
    found.push({
      subject,
      name: 'aws.policyStatements',
      line: extra.line,
      is: before.length === 0 ? null : before,
      should: desired,
      action: isEqual ? 'equal' : before.length === 0 ? 'create' : 'change',
    });
  }
  const foreign = present.filter((each) => !own.has(each));
  const kept = foreign.filter((each) => !isExact || sidOf(each) === LAMBDA_SID);
  for (const each of foreign) found.push(foreignSetting(subject, each, kept.includes(each), owner));

  if (!found.some(isDue)) return { settings: found };
  const statements = [...kept, ...wantedStatements];
  const text = statements.length === 0 ? null : policyText(statements);
  if ((text?.length ?? 0) > MAX_POLICY_LENGTH) {
    const reason = `The policy would have ${text?.length} characters, and Amazon ECR takes ${MAX_POLICY_LENGTH}: grant an account or an organization instead of single roles.`;
    return {
      settings: found.map((each) =>
        isDue(each) ? unsupported(each, each.should ?? null, reason, settings.accept) : each,
      ),
    };
  }
  const due = found.filter(isDue);
  return {
    settings: found,
    steps: [
      {
        id: `${subject} policy`,
        subject,
        settings: due.map(settingId),
        request: {
          operation: 'SetRepositoryPolicy',
          input: { repositoryName: subject, policyText: text },
          before: live.value,
        },
        ...(after.length === 0 ? {} : { after }),
      },
    ],
    warnings: hints(
      subject,
      line,
      foreign,
      roles.flatMap(({ wanted }) => wanted.value ?? []),
    ),
  };
}

function comparedStatements(
  name: { readonly subject: string; readonly name: string; readonly line: number },
  before: readonly Statement[],
  desired: readonly Statement[],
  members: readonly Principal[] | null,
  partition: string,
): Setting {
  const should = idsOf(members);
  const is = before.length === 0 ? null : sorted(before.flatMap(principalsOf));
  const setting = compared(name, is, should);
  if (same(before, desired, partition)) return { ...setting, action: 'equal' };
  // The same principals with other actions or conditions: show what differs.
  if (setting.action === 'equal') return { ...setting, is: before, should: desired, action: 'change' };
  return setting;
}

function same(before: readonly Statement[], desired: readonly Statement[], partition: string): boolean {
  const texts = (list: readonly Statement[]) => sorted(list.map((each) => normalized(each, partition))).join('\n');
  return before.length === desired.length && texts(before) === texts(desired);
}

function foreignSetting(subject: string, statement: Statement, isKept: boolean, owner: string): Setting {
  const sid = sidOf(statement);
  const name = `policy ${sid ?? '(without Sid)'}`;
  if (!isKept) return { subject, name, is: statement, should: null, action: 'remove' };
  const whose =
    sid === LAMBDA_SID
      ? 'AWS Lambda wrote it, and its functions would stop without it'
      : sid?.startsWith(`setup-${owner}-`) === true
        ? 'it is ours, and the file leaves this role alone'
        : 'somebody else wrote it';
  const gone = principalsOf(statement).filter((id) => /^(?:AROA|AIDA)[A-Z0-9]+$/.test(id));
  const dead = gone.length === 0 ? '' : ` ${gone.join(', ')} is the id of a role or user that was deleted.`;
  return { subject, name, is: statement, action: 'kept-foreign', reason: `Kept: ${whose}.${dead}` };
}

/** Principals of a statement as a file would list them. */
function principalsOf({ Principal: who, Condition }: Statement): readonly string[] {
  const conditions = fieldsOf(Condition);
  const values = (operator: string, key: string): readonly string[] =>
    Object.entries(fieldsOf(conditions[operator])).flatMap(([name, value]) =>
      name.toLowerCase() === key ? [value].flat().map(String) : [],
    );
  const organizations = values('StringEquals', 'aws:principalorgid');
  const functions = [...values('StringLike', 'aws:sourcearn'), ...values('ArnLike', 'aws:sourcearn')];
  if (organizations.length > 0) return organizations;
  if (functions.length > 0) return functions;
  if (!isFields(who)) return who === undefined ? [] : [String(who)];
  return Object.values(who).flatMap((ids) =>
    [ids].flat().map((id) => /^arn:[a-z-]+:iam::(\d{12}):root$/.exec(String(id))?.[1] ?? String(id)),
  );
}

const idsOf = (members: readonly Principal[] | null): Json =>
  members === null || members.length === 0 ? null : sorted(members.map(({ id }) => id));

/** Statements that the file writes itself; those without a Sid get ours, by which they are found again. */
export function extraStatements(value: Json, owner: string): readonly Statement[] {
  const list: readonly Json[] = isList(value) ? value : [value];
  return list
    .filter(isStatement)
    .map((own, index) =>
      typeof own.Sid === 'string' ? own : { Sid: `setup-${owner}-statement-${index + 1}`, ...own },
    );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function hints(
  subject: string,
  line: number,
  foreign: readonly Statement[],
  members: readonly Principal[],
): readonly string[] {
  const hasLambda = foreign.some((each) => sidOf(each) === LAMBDA_SID);
  if (!hasLambda || members.some(({ kind }) => kind === 'aws-function')) return [];
  return [
    `${subject} (line ${line}): AWS Lambda pulls from it and writes its statement only when a function is created; add the function's ARN to \`pull\` so that it stays.`,
  ];
}
