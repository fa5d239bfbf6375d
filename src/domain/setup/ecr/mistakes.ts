import { quoted } from '../../suggestion.ts';
import { cosignWarnings, EXCEPT_SIGNATURES } from '../cosign-tags.ts';
import type { DesiredRegistry, RepositorySettings, Retention } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import type { Mistake } from '../setting.ts';
import { ROLES } from './access-statements.ts';
import { lifecycleMistake } from './lifecycle-mistakes.ts';
import { replicationTarget } from './replication.ts';
import { ownLifecycle, REPLACE } from './retention.ts';
import { signingMistakes } from './signing-mistakes.ts';
import { statementMistakes } from './statement-mistakes.ts';
import { isSecretReference, UPSTREAMS, upstreamOf } from './upstream.ts';

const MAX_DESTINATIONS = 25;
const MAX_RULES = 25;
const FIELDS = {
  registry: ['accountSettings', 'policyStatements', 'pullTimeUpdateExclusions'],
  repository: ['policyStatements', 'lifecyclePolicy', 'lifecyclePolicyText', REPLACE],
};

type Settings = RepositorySettings<readonly Principal[], Retention>;

/** The usual mistakes with Amazon ECR, found before any request. */
export function ecrMistakes(
  desired: DesiredRegistry,
  { account, region }: { readonly account: string; readonly region: string },
): readonly Mistake[] {
  const found: Mistake[] = [
    ...desired.repositories.flatMap(({ settings }) => settingsMistakes(settings)),
    ...(desired.templates?.value ?? []).flatMap((each) => [
      ...settingsMistakes(each.settings),
      ...templateMistakes(each),
    ]),
    ...replicationMistakes(desired, account, region),
    ...cacheMistakes(desired),
    ...signingMistakes(desired),
    ...unknownFields(desired.own.get('aws'), FIELDS.registry),
    ...(desired.receive?.value ?? []).flatMap(({ only, line }) => prefixWarnings(only, line)),
    ...statementsIn(desired.own.get('aws')?.get('policyStatements')),
  ];
  const texts = new Set<string>();
  return found.filter(({ line, message }) => {
    const text = `${line} ${message}`;
    return !texts.has(text) && texts.add(text);
  });
}

function statementsIn(given: { readonly value: Json; readonly line: number } | undefined): readonly Mistake[] {
  return given === undefined ? [] : statementMistakes(given.value, given.line);
}

function settingsMistakes(settings: Settings): readonly Mistake[] {
  const { immutable, own } = settings;
  const lifecycle = ownLifecycle(own);
  const found: Mistake[] = [
    ...statementsIn(own.get('aws')?.get('policyStatements')),
    ...unknownFields(own.get('aws'), FIELDS.repository),
  ];
  const error = (line: number, message: string) => found.push({ severity: 'error', line, message });
  if (immutable !== undefined && (immutable.value.mode === 'except' || immutable.value.mode === 'only')) {
    const { tags, mode } = immutable.value;
    if (tags.length > 5)
      error(immutable.line, `\`immutable.${mode}\` has ${tags.length} patterns, and Amazon ECR takes 5`);
    for (const tag of tags) {
      if (!/^[\w.*-]{1,128}$/.test(tag))
        error(
          immutable.line,
          `${quoted(tag)}: Amazon ECR takes patterns of at most 128 letters, digits, \`.\` \`_\` \`-\` and \`*\``,
        );
      else if (tag.split('*').length - 1 > 2)
        error(immutable.line, `${quoted(tag)}: Amazon ECR takes at most 2 \`*\` in a pattern`);
    }
  }
  found.push(...cosignWarnings([{ settings }], EXCEPT_SIGNATURES));
  for (const [key, { value, line }] of settings.labels ?? []) {
    if (/^aws:/i.test(key)) error(line, `${quoted(key)}: tags that begin with \`aws:\` are for AWS itself`);
    if ((value?.length ?? 0) > 256) error(line, `${quoted(key)}: the value of a tag has at most 256 characters`);
  }
  if (settings.labels !== undefined && settings.labels.size > 50) {
    const [first] = settings.labels.values();
    error(first?.line ?? 1, `there are ${settings.labels.size} \`labels\`, and AWS takes 50 tags`);
  }
  if (lifecycle !== undefined) {
    if (settings.retention !== undefined && settings.retention.line >= lifecycle.line)
      error(lifecycle.line, '`aws.lifecyclePolicy` and `retention` are the same setting: leave one of them out');
    const mistake = lifecycleMistake(lifecycle.value);
    if (mistake !== undefined) error(lifecycle.line, mistake);
  }
  for (const role of ROLES)
    for (const mistake of accessMistakes(role, settings[role]?.value ?? [])) found.push(mistake);
  return found;
}

function accessMistakes(role: (typeof ROLES)[number], members: readonly Principal[]): readonly Mistake[] {
  return members.flatMap(({ kind, id, line }): readonly Mistake[] => {
    if (kind === 'aws-function' && role !== 'pull')
      return [
        {
          severity: 'error',
          line,
          message: `${quoted(id)}: a Lambda function can only pull, and \`${role}\` names it`,
        },
      ];
    if (kind === 'aws-organization' && role !== 'pull')
      return [
        {
          severity: 'warning',
          line,
          message: `\`${role}\` names the organization ${id}: every account of it could push`,
        },
      ];
    return [];
  });
}

function templateMistakes({
  prefix,
  role,
  for: uses,
  settings,
  line,
}: NonNullable<NonNullable<DesiredRegistry['templates']>['value']>[number]): readonly Mistake[] {
  const needsRole = [...(settings.labels === undefined ? [] : ['labels']), ...(settings.key?.value ? ['key'] : [])];
  return [
    ...(role === undefined && needsRole.length > 0
      ? [
          {
            severity: 'error',
            line,
            message: `the template ${quoted(prefix)} sets ${needsRole.map((name) => `\`${name}\``).join(' and ')} and has no \`role\`: what the registry makes by it would fail. Name a role that Amazon ECR may assume`,
          } as const,
        ]
      : []),
    ...(uses.includes('push')
      ? [
          {
            severity: 'warning',
            line,
            message: `the template ${quoted(prefix)} lets everybody who may push make repositories by a push`,
          } as const,
        ]
      : []),
    ...(settings.key?.value && !/^arn:/.test(settings.key.value)
      ? [
          {
            severity: 'error',
            line: settings.key.line,
            message: `${quoted(settings.key.value)}: a template takes the ARN of a key`,
          } as const,
        ]
      : []),
  ];
}

function replicationMistakes({ replicate }: DesiredRegistry, account: string, region: string): readonly Mistake[] {
  const entries = replicate?.value ?? [];
  const found: Mistake[] = [];
  const targets = new Set<string>();
  for (const { to, only, line } of entries) {
    for (const text of to) {
      if (!/^(?:\d{12}\/)?[a-z]{2,4}(?:-[a-z]+)+-\d$/.test(text)) {
        found.push({
          severity: 'error',
          line,
          message: `${quoted(text)}: expected a region such as \`us-east-1\`, or \`<account>/<region>\``,
        });
        continue;
      }
      const target = replicationTarget(text, account);
      targets.add(`${target.registryId}/${target.region}`);
      if (target.registryId === account && target.region === region)
        found.push({
          severity: 'error',
          line,
          message: `${quoted(text)} is the registry itself: Amazon ECR does not replicate to its own region`,
        });
    }
    found.push(...prefixWarnings(only, line));
    for (const prefix of only.filter((each) => each.length < 2))
      found.push({ severity: 'error', line, message: `${quoted(prefix)}: a prefix has at least 2 characters` });
  }
  const line = replicate?.line ?? 1;
  if (targets.size > MAX_DESTINATIONS)
    found.push({
      severity: 'error',
      line,
      message: `\`replicate\` has ${targets.size} destinations, and Amazon ECR takes ${MAX_DESTINATIONS}`,
    });
  if (entries.length > MAX_RULES)
    found.push({
      severity: 'error',
      line,
      message: `\`replicate\` has ${entries.length} entries, and Amazon ECR takes ${MAX_RULES}`,
    });
  return found;
}

function prefixWarnings(only: readonly string[], line: number): readonly Mistake[] {
  return only
    .filter((prefix) => !/[/_.-]$/.test(prefix))
    .map((prefix) => ({
      severity: 'warning',
      line,
      message: `the prefix ${quoted(prefix)} also matches ${quoted(`${prefix}2/…`)}: write ${quoted(`${prefix}/`)}, unless that is meant`,
    }));
}

function cacheMistakes({ cache }: DesiredRegistry): readonly Mistake[] {
  return (cache?.value ?? []).flatMap(({ prefix, from, secret, line, pull }): readonly Mistake[] => {
    const [host = ''] = from.split('/');
    const upstream = upstreamOf(host);
    const error = (message: string) => [{ severity: 'error', line, message } as const];
    if (upstream === undefined)
      return error(`${quoted(from)}: Amazon ECR has no cache for it, only for ${UPSTREAMS.join(', ')}`);
    if (prefix.length < 2 || prefix.length > 30)
      return error(`${quoted(prefix)}: the prefix of a cache has 2 to 30 characters`);
    if (secret === undefined && upstream.needsSecret) {
      return error(
        `a cache of ${quoted(from)} needs credentials: write \`secret: ecr-pullthroughcache/<name>\`, a secret of AWS Secrets Manager with the keys \`username\` and \`accessToken\``,
      );
    }
    if (secret !== undefined && !isSecretReference(secret))
      return error(`${quoted(secret)}: Amazon ECR only reads secrets whose name begins with \`ecr-pullthroughcache/\``);
    return pull.some(({ kind }) => kind === 'aws-function')
      ? error('AWS Lambda does not pull through a cache: pull the image once, and name its repository')
      : [];
  });
}

/** Fields of `aws` that this file has no use for. */
function unknownFields(
  own: ReadonlyMap<string, { readonly line: number }> | undefined,
  known: readonly string[],
): readonly Mistake[] {
  return [...(own ?? [])].flatMap(([name, { line }]): readonly Mistake[] =>
    known.includes(name)
      ? []
      : [
          {
            severity: 'error',
            line,
            message: `\`aws.${name}\` is not a known field here, expected ${known.map((each) => `\`${each}\``).join(', ')}`,
          },
        ],
  );
}
