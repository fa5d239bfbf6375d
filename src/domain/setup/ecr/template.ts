import type { CreateRepositoryCreationTemplateRequest, RCTAppliedFor } from '@aws-sdk/client-ecr';
import { canonicalJson } from '../../canonical-json.ts';
import { combined, compared, denied, type Part, sorted, unsupported } from '../compare.ts';
import { type DesiredRegistry, type Retention, TEMPLATE_USES, type Template } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import { type Setting, settingId } from '../setting.ts';
import { extraStatements } from './access.ts';
import { accessStatements, ROLES } from './access-statements.ts';
import type { CreationTemplate, EcrLive } from './live.ts';
import { immutabilityJson, mutabilityInput, mutabilityJson } from './mutability.ts';
import { normalized, policyText, statementsOf } from './policy-document.ts';
import type { EcrRequest } from './request.ts';
import { lifecycleOf } from './retention.ts';

type EcrTemplate = Template<readonly Principal[], Retention>;

const APPLIED: Readonly<Record<EcrTemplate['for'][number], RCTAppliedFor>> = {
  replication: 'REPLICATION',
  cache: 'PULL_THROUGH_CACHE',
  push: 'CREATE_ON_PUSH',
};

/** Templates of repositories that the registry makes itself, by prefix. Others stay. */
export function planTemplates(desired: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const reading = live.templates;
  const wanted = wantedTemplates(desired);
  if (wanted.length === 0 || reading === undefined) return { settings: [] };
  if (!reading.ok) {
    return {
      settings: wanted.map((each) =>
        denied({ subject: '', name: `template ${each.prefix}`, line: each.line }, [...each.for], reading.reason),
      ),
    };
  }
  const others = reading.value.filter(({ prefix }) => !wanted.some((each) => each.prefix === prefix));
  return combined([
    ...wanted.map((each) =>
      planTemplate(
        desired,
        each,
        reading.value.find(({ prefix }) => prefix === each.prefix),
        live,
      ),
    ),
    {
      settings: others.map(
        ({ prefix, appliedFor }): Setting => ({
          subject: '',
          name: `template ${prefix}`,
          is: sorted(appliedFor),
          action: 'kept-foreign',
          reason: 'Kept: the file does not name it.',
        }),
      ),
    },
  ]);
}

/** Those of the file, and one for each cache whose pullers it names: without it they could not read what the cache makes. */
function wantedTemplates({ templates, cache }: DesiredRegistry): readonly EcrTemplate[] {
  const named = templates?.value ?? [];
  const implied = (cache?.value ?? []).flatMap(({ prefix, pull, line }): readonly EcrTemplate[] => {
    if (pull.length === 0 || named.some((each) => each.prefix === prefix && each.for.includes('cache'))) return [];
    return [
      {
        prefix,
        for: ['cache'],
        role: undefined,
        line,
        settings: { accept: [], own: new Map(), pull: { value: pull, line } },
      },
    ];
  });
  return [...named, ...implied];
}

function planTemplate(
  desired: DesiredRegistry,
  entry: EcrTemplate,
  present: CreationTemplate | undefined,
  live: EcrLive,
): Part<EcrRequest> {
  const { owner, host } = desired;
  const { settings, prefix, line, role } = entry;
  const lifecycle = lifecycleOf(prefix === 'ROOT' ? 'ROOT' : prefix, settings, { host, owner });
  const key = settings.key?.value ?? undefined;
  const statements = [
    ...ROLES.flatMap((each) => accessStatements(owner, each, settings[each]?.value ?? [], live.partition)),
    ...extraStatements(settings.own.get('aws')?.get('policyStatements')?.value ?? [], owner),
  ];
  const tags = [...(settings.labels ?? [])].flatMap(([Key, { value }]) =>
    value === null ? [] : [{ Key, Value: value }],
  );
  const text = lifecycle?.lifecycle?.text;
  const input: CreateRepositoryCreationTemplateRequest = {
    prefix,
    appliedFor: TEMPLATE_USES.flatMap((each) => (entry.for.includes(each) ? [APPLIED[each]] : [])),
    ...(settings.description?.value ? { description: settings.description.value } : {}),
    ...(settings.immutable === undefined ? {} : mutabilityInput(settings.immutable.value)),
    ...(key === undefined ? {} : { encryptionConfiguration: { encryptionType: 'KMS', kmsKey: key } }),
    ...(text === undefined ? {} : { lifecyclePolicy: text }),
    ...(statements.length === 0 ? {} : { repositoryPolicy: policyText(statements) }),
    ...(tags.length === 0 ? {} : { resourceTags: tags }),
    ...(role === undefined ? {} : { customRoleArn: role }),
  };
  const should: Json = {
    for: sorted(entry.for),
    ...(settings.description?.value ? { description: settings.description.value } : {}),
    ...(settings.immutable === undefined ? {} : { immutable: immutabilityJson(settings.immutable.value) }),
    ...(key === undefined ? {} : { key }),
    ...(text === undefined ? {} : { lifecycle: parsedJson(text) }),
    ...(statements.length === 0 ? {} : { policy: sorted(statements.map((each) => normalized(each, live.partition))) }),
    ...(tags.length === 0 ? {} : { labels: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])) }),
    ...(role === undefined ? {} : { role }),
  };
  const is = present === undefined ? null : presentJson(present, should, live.partition);
  const setting = compared({ subject: '', name: `template ${prefix}`, line }, is, should);
  const left = (lifecycle?.lifecycle?.left ?? []).map(({ rule, reason }) =>
    unsupported(
      { subject: '', name: `template ${prefix} retention ${rule}`, line },
      rule,
      `Amazon ECR cannot apply this rule: ${reason}.`,
      [...desired.accept, ...settings.accept],
    ),
  );
  if (setting.action === 'equal') return { settings: [setting, ...left] };
  const request: EcrRequest =
    present === undefined
      ? { operation: 'CreateRepositoryCreationTemplate', input }
      : { operation: 'UpdateRepositoryCreationTemplate', input };
  return {
    settings: [setting, ...left],
    steps: [{ id: setting.name, subject: '', settings: [settingId(setting)], request }],
  };
}

/** Only what the file has something to say about. */
function presentJson(present: CreationTemplate, should: Json, partition: string): Json {
  const keys = new Set(typeof should === 'object' && should !== null ? Object.keys(should) : []);
  const all: Readonly<Record<string, Json | undefined>> = {
    for: sorted(
      present.appliedFor.map((each) => Object.entries(APPLIED).find(([, applied]) => applied === each)?.[0] ?? each),
    ),
    description: present.description,
    immutable: mutabilityJson(present),
    key: present.encryption.key ?? present.encryption.type,
    lifecycle: present.lifecyclePolicy === undefined ? undefined : parsedJson(present.lifecyclePolicy),
    policy:
      present.repositoryPolicy === undefined
        ? undefined
        : sorted((statementsOf(present.repositoryPolicy) ?? []).map((each) => normalized(each, partition))),
    labels: present.tags,
    role: present.role,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined || !keys.has(name) ? [] : [[name, value]])),
  );
}

function parsedJson(text: string): Json {
  try {
    const value: Json = JSON.parse(canonicalJson(JSON.parse(text)));
    return value;
  } catch {
    return text;
  }
}
