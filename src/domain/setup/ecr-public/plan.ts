import type {
  CreateRepositoryRequest,
  PutRepositoryCatalogDataRequest,
  RepositoryCatalogDataInput,
} from '@aws-sdk/client-ecr-public';
import { fieldsOf } from '../../fields.ts';
import { combined, compared, denied, isDue, type Part, type Reading, unsupported } from '../compare.ts';
import type { DesiredRegistry, DesiredRepository } from '../desired-state.ts';
import { planAccess } from '../ecr/access.ts';
import type { EcrRequest } from '../ecr/request.ts';
import { planTags } from '../ecr/tags.ts';
import type { Json } from '../json.ts';
import { type RegistryPlan, type Setting, type SetupStep, settingId } from '../setting.ts';

/** The writes of setup to Amazon ECR Public. */
export type EcrPublicRequest =
  | Extract<EcrRequest, { readonly operation: 'SetRepositoryPolicy' | 'TagResource' | 'UntagResource' }>
  | { readonly operation: 'CreateRepository'; readonly input: CreateRepositoryRequest }
  | { readonly operation: 'PutRepositoryCatalogData'; readonly input: PutRepositoryCatalogDataRequest };

export interface EcrPublicLive {
  readonly unlistable?: string;
  readonly repositories: ReadonlyMap<string, EcrPublicRepository>;
}

export interface EcrPublicRepository {
  readonly arn: string;
  readonly tags?: Reading<Readonly<Record<string, string>>>;
  readonly policy?: Reading<string | null>;
  readonly catalog?: Reading<CatalogData>;
}

/** What the gallery shows, by the names of the API. */
type CatalogData = Readonly<Record<string, Json>>;

/** Texts of the gallery that `aws: {catalogData: …}` may set. */
export const CATALOG_FIELDS = ['architectures', 'operatingSystems', 'aboutText', 'usageText'] as const;

/** What a registry of Amazon ECR Public lacks of the file. */
export function planEcrPublic(desired: DesiredRegistry, live: EcrPublicLive): RegistryPlan<EcrPublicRequest> {
  return combined<EcrPublicRequest>([
    ...(live.unlistable === undefined
      ? []
      : [{ settings: [denied({ subject: '', name: 'repositories', line: desired.line }, 'listed', live.unlistable)] }]),
    ...desired.repositories.map((repository) => planRepository(desired, repository, live)),
    { settings: registryLacks(desired) },
  ]);
}

function planRepository(
  { owner }: DesiredRegistry,
  repository: DesiredRepository,
  { repositories }: EcrPublicLive,
): Part<EcrPublicRequest> {
  const { name: subject, line, creates, settings } = repository;
  const present = repositories.get(subject);
  if (present === undefined && !creates) return { settings: [] };
  const id = `${subject} repository`;
  const catalog = wantedCatalog(repository);
  const context = { owner, partition: 'aws', service: 'ecr-public' } as const;
  // Everybody may pull: only push and admin are statements.
  const { pull: _pull, ...access } = settings;
  const forAccess = { ...repository, settings: access };
  if (present === undefined) {
    const tags = [...(settings.labels ?? [])].flatMap(([Key, { value }]) =>
      value === null ? [] : [{ Key, Value: value }],
    );
    const made: Setting[] = [
      compared({ subject, name: 'repository', line }, null, 'exists'),
      ...catalog.map(({ name, value, line: at }) => compared({ subject, name, line: at }, null, value)),
      ...[...(settings.labels ?? [])].flatMap(([key, { value, line: at }]) =>
        value === null ? [] : [compared({ subject, name: `labels.${key}`, line: at }, null, value)],
      ),
    ];
    const input = {
      repositoryName: subject,
      ...(catalog.length === 0 ? {} : { catalogData: catalogInput(catalog, {}) }),
      ...(tags.length === 0 ? {} : { tags }),
    };
    const step: SetupStep<EcrPublicRequest> = {
      id,
      subject,
      settings: made.map(settingId),
      request: { operation: 'CreateRepository', input },
    };
    return combined<EcrPublicRequest>([
      { settings: made, steps: [step] },
      planAccess(forAccess, { ok: true, value: null }, { ...context, after: [id] }),
      { settings: lacking(repository) },
    ]);
  }
  return combined<EcrPublicRequest>([
    { settings: [compared({ subject, name: 'repository', line }, 'exists', 'exists')] },
    planCatalog(subject, catalog, present.catalog),
    planTags(repository, present.arn, present.tags),
    planAccess(forAccess, present.policy ?? { ok: true, value: null }, { ...context, after: [] }),
    { settings: lacking(repository) },
  ]);
}

interface CatalogSetting {
  readonly name: string;
  readonly field: string;
  readonly value: Json;
  readonly line: number;
}

function wantedCatalog({ settings }: DesiredRepository): readonly CatalogSetting[] {
  const { description } = settings;
  const own = settings.own.get('aws')?.get('catalogData');
  const fields = fieldsOf(own?.value);
  return [
    ...(description === undefined
      ? []
      : [{ name: 'description', field: 'description', value: description.value, line: description.line }]),
    ...CATALOG_FIELDS.flatMap((field) => {
      const value = fields[field];
      if (own === undefined || value === undefined) return [];
      const json: Json = Array.isArray(value) ? value.map(String) : String(value);
      return [{ name: `aws.catalogData ${field}`, field, value: json, line: own.line }];
    }),
  ];
}

function planCatalog(
  subject: string,
  catalog: readonly CatalogSetting[],
  live: Reading<CatalogData> | undefined,
): Part<EcrPublicRequest> {
  if (catalog.length === 0 || live === undefined) return { settings: [] };
  const settings = catalog.map(({ name, field, value, line }) =>
    live.ok
      ? compared({ subject, name, line }, live.value[field] ?? null, value)
      : denied({ subject, name, line }, value, live.reason),
  );
  const due = settings.filter(isDue);
  if (due.length === 0 || !live.ok) return { settings };
  const input = { repositoryName: subject, catalogData: catalogInput(catalog, live.value) };
  return {
    settings,
    steps: [
      {
        id: `${subject} catalog`,
        subject,
        settings: due.map(settingId),
        request: { operation: 'PutRepositoryCatalogData', input },
      },
    ],
  };
}

/** The request replaces what it names: what the file leaves alone is sent as it is. */
function catalogInput(catalog: readonly CatalogSetting[], live: CatalogData): RepositoryCatalogDataInput {
  const values = new Map<string, Json>([
    ...Object.entries(live),
    ...catalog.map(({ field, value }) => [field, value] as const),
  ]);
  const text = (field: string) => {
    const value = values.get(field);
    return value === undefined ? {} : { [field]: value === null ? '' : String(value) };
  };
  const list = (field: string) => {
    const value = values.get(field);
    return Array.isArray(value) ? { [field]: value.map(String) } : {};
  };
  return {
    ...text('description'),
    ...text('aboutText'),
    ...text('usageText'),
    ...list('architectures'),
    ...list('operatingSystems'),
  };
}

/** What Amazon ECR Public has nothing for. */
function lacking({ name: subject, settings }: DesiredRepository): readonly Setting[] {
  const { accept, pull, visibility, immutable, scan, key, retention, quota, webhooks } = settings;
  const lacks = (name: string, line: number, should: Json, reason: string) =>
    unsupported({ subject, name, line }, should, reason, accept);
  const has = 'Amazon ECR Public has no';
  return [
    ...(visibility === undefined
      ? []
      : visibility.value === 'public'
        ? [compared({ subject, name: 'visibility', line: visibility.line }, 'public', 'public')]
        : [lacks('visibility', visibility.line, 'private', `${has} private repositories: use Amazon ECR.`)]),
    ...(pull === undefined || pull.value === null
      ? []
      : [
          {
            subject,
            name: 'pull',
            line: pull.line,
            is: 'public',
            should: 'public',
            action: 'equal',
            reason: 'Everybody may pull.',
          } as const,
        ]),
    ...(immutable === undefined || immutable.value.mode === 'off'
      ? []
      : [
          lacks(
            'immutable',
            immutable.line,
            immutable.value.mode,
            `${has} immutable tags; this action itself never moves a tag with a full version.`,
          ),
        ]),
    ...(scan === undefined || scan.value === 'off'
      ? []
      : [
          lacks(
            'scan',
            scan.line,
            scan.value,
            `${has} scanning: the gate of \`command: publish\` scans before the push.`,
          ),
        ]),
    ...(key === undefined || key.value === null ? [] : [lacks('key', key.line, key.value, `${has} keys of your own.`)]),
    ...(retention === undefined || retention.value === null
      ? []
      : [
          lacks(
            'retention',
            retention.line,
            retention.value.from,
            `${has} lifecycle policies: \`command: cleanup\` applies the same policy.`,
          ),
        ]),
    ...(quota === undefined || quota.value === null
      ? []
      : [lacks('quota', quota.line, quota.value, `${has} quota by repository.`)]),
    ...(webhooks === undefined || webhooks.value === null
      ? []
      : [lacks('webhooks', webhooks.line, 'set', `${has} webhooks.`)]),
  ];
}

function registryLacks(desired: DesiredRegistry): readonly Setting[] {
  const names = ['replicate', 'receive', 'cache', 'templates', 'signing', 'webhooks', 'quota'] as const;
  const lists = names.flatMap((name): readonly Setting[] => {
    const given = desired[name];
    if (given === undefined || given.value === null) return [];
    const reason = `Amazon ECR Public has no \`${name}\`: it is for private registries of Amazon ECR.`;
    return [unsupported({ subject: '', name, line: given.line }, 'set', reason, desired.accept)];
  });
  const { scanning } = desired;
  if (scanning === undefined) return lists;
  const reason = 'Amazon ECR Public has no scanning.';
  return [
    ...lists,
    unsupported({ subject: '', name: 'scanning', line: scanning.line }, scanning.value, reason, desired.accept),
  ];
}
