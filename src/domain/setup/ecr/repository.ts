import { canonicalJson } from '../../canonical-json.ts';
import { combined, compared, denied, isDue, type Part, unsupported } from '../compare.ts';
import type { DesiredRegistry, DesiredRepository } from '../desired-state.ts';
import { type Setting, type SetupStep, settingId } from '../setting.ts';
import { planAccess } from './access.ts';
import type { EcrLive, EcrLiveRepository } from './live.ts';
import { immutabilityJson, mutabilityInput, mutabilityJson } from './mutability.ts';
import { statementsOf } from './policy-document.ts';
import type { EcrRequest } from './request.ts';
import { planRetention } from './retention.ts';
import { isScannedByFlag } from './scanning.ts';
import { planTags } from './tags.ts';

/** Everything about one repository but scanning, which the registry decides for all. */
export function planRepository(
  desired: DesiredRegistry,
  repository: DesiredRepository,
  live: EcrLive,
): Part<EcrRequest> {
  const { name: subject, line, creates } = repository;
  const unreadable = live.unreadable.get(subject);
  if (unreadable !== undefined) {
    return { settings: [denied({ subject, name: 'repository', line }, 'exists', unreadable)] };
  }
  const present = live.repositories.get(subject);
  if (present === undefined) return creates ? created(desired, repository, live) : { settings: [] };
  const exists = compared({ subject, name: 'repository', line }, 'exists', 'exists');
  const key = comparedKey(desired, repository, present, live);
  if (key?.action === 'needs-recreation') return { settings: [exists, key] };
  return combined([
    { settings: [exists, ...(key === undefined ? [] : [key])] },
    planMutability(repository, present),
    planTags(repository, present.arn, present.tags),
    planAccess(repository, present.policy ?? { ok: true, value: null }, {
      owner: desired.owner,
      partition: live.partition,
      after: [],
    }),
    planRetention(repository, present.lifecycle ?? { ok: true, value: null }, {
      host: desired.host,
      owner: desired.owner,
      isPulledByLambda: isPulledByLambda(repository, present),
      after: [],
    }),
    { settings: lacking(repository) },
  ]);
}

/** The repository is missing: one request makes it with all that cannot be changed later. */
function created(desired: DesiredRegistry, repository: DesiredRepository, live: EcrLive): Part<EcrRequest> {
  const { name: subject, line, settings } = repository;
  const { immutable, scan, labels } = settings;
  const key = settings.key ?? desired.newKey;
  const id = `${subject} repository`;
  const scanType =
    desired.scanning?.value.toUpperCase() ?? (live.scanning?.ok === true ? live.scanning.value.scanType : '');
  const byFlag = scan !== undefined && isScannedByFlag(scan.value, scanType);
  const tags = [...(labels ?? [])].flatMap(([Key, { value }]) => (value === null ? [] : [{ Key, Value: value }]));
  const made: Setting[] = [
    compared({ subject, name: 'repository', line }, null, 'exists'),
    ...(key === undefined ? [] : [compared({ subject, name: 'key', line: key.line }, null, key.value)]),
    ...(immutable === undefined
      ? []
      : [compared({ subject, name: 'immutable', line: immutable.line }, null, immutabilityJson(immutable.value))]),
    ...[...(labels ?? [])].flatMap(([name, { value, line: at }]) =>
      value === null ? [] : [compared({ subject, name: `labels.${name}`, line: at }, null, value)],
    ),
  ];
  const step: SetupStep<EcrRequest> = {
    id,
    subject,
    settings: [...made.map(settingId), ...(byFlag ? [`${subject} scan`] : [])],
    request: {
      operation: 'CreateRepository',
      input: {
        repositoryName: subject,
        ...(immutable === undefined ? {} : mutabilityInput(immutable.value)),
        ...(scan === undefined ? {} : { imageScanningConfiguration: { scanOnPush: scan.value === 'on-push' } }),
        ...(key === undefined || key.value === null
          ? {}
          : { encryptionConfiguration: { encryptionType: 'KMS', kmsKey: key.value } }),
        ...(tags.length === 0 ? {} : { tags }),
      },
    },
  };
  return combined([
    { settings: made, steps: [step] },
    planAccess(repository, { ok: true, value: null }, { owner: desired.owner, partition: live.partition, after: [id] }),
    planRetention(
      repository,
      { ok: true, value: null },
      {
        host: desired.host,
        owner: desired.owner,
        isPulledByLambda: isPulledByLambda(repository, undefined),
        after: [id],
      },
    ),
    { settings: lacking(repository) },
  ]);
}

/** A key can be chosen at creation only. The registry's own `key` is for new repositories. */
function comparedKey(
  { newKey }: DesiredRegistry,
  { name: subject, settings }: DesiredRepository,
  { encryption }: EcrLiveRepository,
  { keys }: EcrLive,
): Setting | undefined {
  const wanted = settings.key;
  const is = encryption.key ?? encryption.type;
  if (wanted === undefined) {
    if (newKey === undefined || encryption.key !== undefined) return undefined;
    const reason = 'Kept: `key` of the registry is for repositories that setup creates.';
    return { subject, name: 'key', line: newKey.line, is, action: 'kept-foreign', reason };
  }
  const name = { subject, name: 'key', line: wanted.line };
  const should = wanted.value;
  if (should === null || should === 'AES256') {
    return encryption.key === undefined && encryption.type === 'AES256'
      ? { ...name, is, should, action: 'equal' }
      : recreation(name, is, should ?? 'AES256');
  }
  if (encryption.key === undefined) return recreation(name, is, should);
  const resolved = keys.get(should);
  if (resolved?.ok === false) return { ...denied(name, should, resolved.reason), is };
  const target = resolved?.value ?? should;
  const isSame = encryption.key === target || keyId(encryption.key) === keyId(target);
  return isSame ? { ...name, is, should, action: 'equal' } : recreation(name, is, should);
}

/** `1234abcd-…` of an ARN, or the text itself. */
const keyId = (key: string) => /:key\/([\w-]+)$/.exec(key)?.[1] ?? key;

function recreation(
  name: { readonly subject: string; readonly name: string; readonly line: number },
  is: string,
  should: string,
): Setting {
  return {
    ...name,
    is,
    should,
    action: 'needs-recreation',
    reason: `The key of a repository cannot change after creation (${is} → ${should}), so nothing of it is changed: make a repository with another name, such as \`${name.subject}-v2\`, and copy the images to it, or write the key that it has.`,
  };
}

function planMutability({ name: subject, settings }: DesiredRepository, present: EcrLiveRepository): Part<EcrRequest> {
  const wanted = settings.immutable;
  if (wanted === undefined) return { settings: [] };
  const setting = compared(
    { subject, name: 'immutable', line: wanted.line },
    mutabilityJson(present),
    immutabilityJson(wanted.value),
  );
  if (!isDue(setting)) return { settings: [setting] };
  const input = { repositoryName: subject, ...mutabilityInput(wanted.value) };
  return {
    settings: [setting],
    steps: [
      {
        id: `${subject} immutable`,
        subject,
        settings: [settingId(setting)],
        request: { operation: 'PutImageTagMutability', input },
      },
    ],
  };
}

/** What Amazon ECR has nothing for. */
function lacking({ name: subject, settings }: DesiredRepository): readonly Setting[] {
  const { description, visibility, quota, webhooks, accept } = settings;
  const lacks = (name: string, given: { readonly line: number } | undefined, should: string, reason: string) =>
    given === undefined ? [] : [unsupported({ subject, name, line: given.line }, should, reason, accept)];
  return [
    ...(description?.value === null
      ? []
      : lacks(
          'description',
          description,
          description?.value ?? '',
          'Repositories of Amazon ECR have no description: write it as a tag, `labels: {description: …}`.',
        )),
    ...(visibility?.value === 'public'
      ? lacks(
          'visibility',
          visibility,
          'public',
          'Amazon ECR has no public repositories: use Amazon ECR Public, `public.ecr.aws/<alias>`.',
        )
      : visibility === undefined
        ? []
        : [compared({ subject, name: 'visibility', line: visibility.line }, 'private', 'private')]),
    ...(quota?.value === null
      ? []
      : lacks('quota', quota, String(quota?.value), 'Amazon ECR has no quota by repository.')),
    ...(webhooks?.value === null
      ? []
      : lacks(
          'webhooks',
          webhooks,
          'set',
          'Amazon ECR has no webhooks: use a rule of Amazon EventBridge for the event `ECR Image Action`.',
        )),
  ];
}

function isPulledByLambda({ settings }: DesiredRepository, present: EcrLiveRepository | undefined): boolean {
  const named = settings.pull?.value?.some(({ kind }) => kind === 'aws-function') === true;
  const policy = present?.policy?.ok === true ? statementsOf(present.policy.value) : undefined;
  return named || policy?.some((each) => canonicalJson(each).includes('"lambda.amazonaws.com"')) === true;
}
