import { compared, denied, isDue, type Part, sorted } from '../compare.ts';
import type { DesiredRegistry } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import { type Setting, settingId } from '../setting.ts';
import { extraStatements } from './access.ts';
import type { EcrLive } from './live.ts';
import { normalized, policyText, type Statement, sidOf, statementsOf } from './policy-document.ts';
import type { EcrRequest } from './request.ts';

interface Wanted {
  readonly name: string;
  readonly line: number;
  readonly sids: (sid: string) => boolean;
  readonly statements: readonly Statement[];
  readonly should: Json;
}

/**
 * The policy of the registry: who may replicate into it, and who may pull through its caches. One document, merged by the names of
 * statements. https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
 */
export function planRegistryPolicy(desired: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const wanted = wantedStatements(desired, live);
  const reading = live.registryPolicy;
  if (wanted.length === 0 || reading === undefined) return { settings: [] };
  const present = reading.ok ? statementsOf(reading.value) : undefined;
  if (!reading.ok || present === undefined) {
    const reason = reading.ok ? 'The policy of the registry is not JSON that could be merged with.' : reading.reason;
    return { settings: wanted.map(({ name, line, should }) => denied({ subject: '', name, line }, should, reason)) };
  }
  const own = new Set<Statement>();
  const settings = wanted.map(({ name, line, sids, statements, should }): Setting => {
    const before = present.filter((each) => sids(sidOf(each) ?? ''));
    for (const each of before) own.add(each);
    const texts = (list: readonly Statement[]) =>
      sorted(list.map((each) => normalized(each, live.partition))).join('\n');
    const is =
      before.length === 0
        ? null
        : before.map(({ Principal: who, Resource }): Json => ({ who: who ?? null, on: Resource ?? null }));
    const setting = compared({ subject: '', name, line }, is, statements.length === 0 ? null : should);
    return before.length === statements.length && texts(before) === texts(statements)
      ? { ...setting, action: 'equal' }
      : { ...setting, action: statements.length === 0 ? 'remove' : before.length === 0 ? 'create' : 'change' };
  });
  const kept = present.filter((each) => !own.has(each));
  const foreign = kept.map(
    (each): Setting => ({
      subject: '',
      name: `registry policy ${sidOf(each) ?? '(without Sid)'}`,
      is: each,
      action: 'kept-foreign',
      reason: 'Kept: somebody else wrote it.',
    }),
  );
  const due = settings.filter(isDue);
  if (due.length === 0) return { settings: [...settings, ...foreign] };
  const statements = [...kept, ...wanted.flatMap((each) => each.statements)];
  return {
    settings: [...settings, ...foreign],
    steps: [
      {
        id: 'registry policy',
        subject: '',
        settings: due.map(settingId),
        request: {
          operation: 'PutRegistryPolicy',
          input: { policyText: statements.length === 0 ? null : policyText(statements) },
          before: reading.value,
        },
      },
    ],
  };
}

function wantedStatements(desired: DesiredRegistry, { account, region, partition }: EcrLive): readonly Wanted[] {
  const { owner, receive, cache } = desired;
  const resources = (prefixes: readonly string[]) =>
    (prefixes.length === 0 ? [''] : sorted(prefixes)).map(
      (prefix) => `arn:${partition}:ecr:${region}:${account}:repository/${prefix}*`,
    );
  const extra = desired.own.get('aws')?.get('policyStatements');
  const extras = extra === undefined ? [] : extraStatements(extra.value, owner);
  return [
    ...(receive === undefined
      ? []
      : [
          {
            name: 'receive',
            line: receive.line,
            sids: (sid: string) => sid.startsWith(`setup-${owner}-receive-`),
            statements: (receive.value ?? []).map(
              ({ from, only, creates }, index): Statement => ({
                Sid: `setup-${owner}-receive-${index + 1}`,
                Effect: 'Allow',
                Principal: { AWS: sorted(from).map((id) => `arn:${partition}:iam::${id}:root`) },
                Action: [...(creates ? ['ecr:CreateRepository'] : []), 'ecr:ReplicateImage'],
                Resource: resources(only),
              }),
            ),
            should: (receive.value ?? []).map(({ from, only, creates }): Json => ({ from, only, creates })),
          },
        ]),
    ...(cache === undefined
      ? []
      : [
          {
            name: 'cache.pull',
            line: cache.line,
            sids: (sid: string) => sid.startsWith(`setup-${owner}-cache-`),
            statements: (cache.value ?? []).flatMap(({ prefix, pull }) =>
              cacheStatements(
                `setup-${owner}-cache-${prefix.replaceAll('/', '-')}`,
                pull,
                resources([`${prefix.replace(/\/$/, '')}/`]),
                partition,
              ),
            ),
            should: (cache.value ?? []).flatMap(({ prefix, pull }): readonly Json[] =>
              pull.length === 0 ? [] : [{ prefix, pull: sorted(pull.map(({ id }) => id)) }],
            ),
          },
        ]),
    ...(extra === undefined
      ? []
      : [
          {
            name: 'aws.policyStatements',
            line: extra.line,
            sids: (sid: string) => extras.some((each) => sidOf(each) === sid),
            statements: extras,
            should: extras,
          },
        ]),
  ];
}

/** What a pull through a cache needs besides the right to pull. */
function cacheStatements(
  sid: string,
  members: readonly Principal[],
  resource: readonly string[],
  partition: string,
): readonly Statement[] {
  const ids = (kind: Principal['kind']) => members.filter((each) => each.kind === kind).map(({ id }) => id);
  const arns = sorted([...ids('aws-role'), ...ids('aws-account').map((id) => `arn:${partition}:iam::${id}:root`)]);
  const organizations = sorted(ids('aws-organization'));
  const common = {
    Effect: 'Allow',
    Action: ['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'],
    Resource: resource,
  };
  return [
    ...(arns.length === 0 ? [] : [{ Sid: sid, Principal: { AWS: arns }, ...common }]),
    ...(organizations.length === 0
      ? []
      : [
          {
            Sid: `${sid}-organization`,
            Principal: '*',
            ...common,
            Condition: { StringEquals: { 'aws:PrincipalOrgID': organizations } },
          },
        ]),
  ];
}
