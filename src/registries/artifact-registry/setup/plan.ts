import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { OWN_GAR_POLICY } from '../../../domain/retention/native/native.ts';
import type { Json } from '../../../domain/setup/json.ts';
import { type Change, CREATION } from '../../setup/change.ts';
import { MAX_POLICIES, policyKey, policyWords } from './cleanup-policies.ts';
import type { DesiredGoogleRepository } from './desired.ts';
import { planAccess } from './plan-access.ts';
import { type LiveGoogleRepository, shortName } from './read.ts';
import type { GoogleChange } from './step.ts';

/** One field of a repository: how it is, how it should be, and its path for the update mask. */
interface Field {
  readonly mask: string;
  readonly body: Fields;
  readonly change: Change<never>;
}

/**
 * What to change at one repository. What differs is one request; who may use it is another, since it is a document of its own.
 * @param parent `projects/p/locations/l`
 */
export function planRepository(
  wanted: DesiredGoogleRepository,
  live: LiveGoogleRepository | undefined,
  parent: string,
): readonly GoogleChange[] {
  const { name, creates, line } = wanted;
  if (live === undefined && !creates) return [];
  const fixed = live === undefined ? [] : fixedDifferences(wanted, live.fields);
  if (fixed.length > 0) return fixed;
  const fields = fieldsDue(wanted, live?.fields ?? {}, parent);
  const due = fields.filter(({ change: { action } }) => action !== 'equal' && action !== 'kept-foreign');
  const covers = due.map(({ change }) => change.name);
  const body = Object.assign({}, ...due.map((each) => each.body));
  const access = planAccess(wanted, live?.policy);
  if (live === undefined) {
    const { mode = 'STANDARD_REPOSITORY', remote, newKey } = wanted;
    const creation: GoogleChange = {
      action: 'create',
      name: CREATION,
      should: `${MODES[mode]}${newKey === undefined ? '' : `, encrypted with ${newKey}`}`,
      line,
      covers,
      request: {
        kind: 'create',
        name,
        body: {
          format: 'DOCKER',
          mode,
          ...(newKey === undefined ? {} : { kmsKeyName: newKey }),
          ...(remote === undefined ? {} : { remoteRepositoryConfig: remote }),
          ...body,
        },
      },
    };
    return [creation, ...fields.map(({ change }) => change), ...access, ...wanted.lacks];
  }
  const request = { kind: 'update', name, mask: [...new Set(due.map(({ mask }) => mask))].toSorted(), body } as const;
  const [first] = due;
  return [
    ...fields.map(
      ({ change }): GoogleChange =>
        change === first?.change ? { ...change, request, covers: covers.slice(1) } : change,
    ),
    ...planRemote(wanted, live.fields),
    ...scanning(wanted, live.fields),
    ...access,
    ...wanted.lacks,
  ];
}

const MODES = {
  STANDARD_REPOSITORY: 'repository',
  REMOTE_REPOSITORY: 'remote repository',
  VIRTUAL_REPOSITORY: 'virtual repository',
} as const;

/** What Google decides at creation and never again. */
function fixedDifferences(wanted: DesiredGoogleRepository, live: Fields): readonly GoogleChange[] {
  const { name, mode = 'STANDARD_REPOSITORY', key, line, remote } = wanted;
  const instead =
    'Name another repository and copy the images with `command: mirror`: to create it again deletes them all.';
  const row = (setting: string, is: Json, should: Json, at: number): GoogleChange => ({
    action: 'needs-recreation',
    name: setting,
    is,
    should,
    line: at,
    reason: `Google decides this when ${name} is created. ${instead}`,
  });
  const liveKey = typeof live.kmsKeyName === 'string' && live.kmsKeyName !== '' ? live.kmsKeyName : null;
  const liveRemote = fieldsOf(live.remoteRepositoryConfig);
  return [
    ...(live.format === 'DOCKER' ? [] : [row('format', String(live.format), 'DOCKER', line)]),
    ...(live.mode === mode || (live.mode === undefined && mode === 'STANDARD_REPOSITORY')
      ? []
      : [row('mode', String(live.mode), mode, line)]),
    ...(key === undefined || keyOf(key.value) === keyOf(liveKey) ? [] : [row('key', liveKey, key.value, key.line)]),
    ...(remote === undefined || live.mode !== mode || upstreamOf(remote) === upstreamOf(liveRemote)
      ? []
      : [row('cache', upstreamOf(liveRemote), upstreamOf(remote), line)]),
  ];
}

/** A key without its version: Google uses the newest. */
function keyOf(key: string | null): string | null {
  return key === null ? null : key.replace(/\/cryptoKeyVersions\/\d+$/, '');
}

/** Where a remote repository reads from. */
function upstreamOf(remote: Fields): string {
  const docker = fieldsOf(remote.dockerRepository);
  const uri = fieldsOf(docker.customRepository).uri ?? fieldsOf(remote.commonRepository).uri;
  if (docker.publicRepository === 'DOCKER_HUB') return 'https://registry-1.docker.io';
  return String(uri ?? '').replace(/\/+$/, '');
}

/** The credentials of a remote repository, which are a reference and can change. */
function planRemote({ name, remote, line }: DesiredGoogleRepository, live: Fields): readonly GoogleChange[] {
  if (remote === undefined) return [];
  const words = (config: unknown) => {
    const credentials = fieldsOf(fieldsOf(fieldsOf(config).upstreamCredentials).usernamePasswordCredentials);
    return credentials.username === undefined
      ? null
      : `${String(credentials.username)}, ${String(credentials.passwordSecretVersion)}`;
  };
  const is = words(live.remoteRepositoryConfig);
  const should = words(remote);
  if (should === null || is === should) return [{ action: 'equal', name: 'cache', is: upstreamOf(remote), line }];
  const body = { remoteRepositoryConfig: { ...fieldsOf(live.remoteRepositoryConfig), ...remote } };
  const request = { kind: 'update', name, mask: ['remoteRepositoryConfig'], body } as const;
  return [{ action: is === null ? 'create' : 'change', name: 'cache.secret', is, should, line, request }];
}

function fieldsDue(wanted: DesiredGoogleRepository, live: Fields, parent: string): readonly Field[] {
  const { description, immutable, scan, isCleanupDryRun, virtual } = wanted;
  const fields: Field[] = [];
  const add = (name: string, line: number, mask: string, is: Json, should: Json, body: Fields) => {
    const action = is === should ? 'equal' : should === null ? 'remove' : is === null ? 'create' : 'change';
    fields.push({ mask, body, change: { action, name, is, should, line } });
  };
  if (description !== undefined) {
    const is = typeof live.description === 'string' && live.description !== '' ? live.description : null;
    add('description', description.line, 'description', is, description.value, {
      description: description.value ?? '',
    });
  }
  const labels = Object.fromEntries(Object.entries(fieldsOf(live.labels)).map(([key, value]) => [key, String(value)]));
  const merged = { ...labels };
  for (const [key, { value }] of wanted.labels) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  for (const [key, { value, line }] of wanted.labels) {
    add(`labels.${key}`, line, 'labels', labels[key] ?? null, value, { labels: merged });
  }
  if (immutable !== undefined) {
    const is = fieldsOf(live.dockerConfig).immutableTags === true;
    const dockerConfig = { ...fieldsOf(live.dockerConfig), immutableTags: immutable.value };
    add('immutable', immutable.line, 'dockerConfig', is, immutable.value, { dockerConfig });
  }
  if (scan !== undefined) {
    const is = fieldsOf(live.vulnerabilityScanningConfig).enablementConfig === 'DISABLED' ? 'off' : 'on';
    const enablementConfig = scan.value ? 'INHERITED' : 'DISABLED';
    add('scan', scan.line, 'vulnerabilityScanningConfig', is, scan.value ? 'on' : 'off', {
      vulnerabilityScanningConfig: { enablementConfig },
    });
  }
  fields.push(...cleanupFields(wanted, live));
  if (isCleanupDryRun !== undefined) {
    const { value, line } = isCleanupDryRun;
    const is = live.cleanupPolicyDryRun === true;
    add('google.cleanupPolicyDryRun', line, 'cleanupPolicyDryRun', is, value, { cleanupPolicyDryRun: value });
  }
  if (virtual !== undefined) {
    const full = (repository: string) =>
      repository.includes('/') ? repository : `${parent}/repositories/${repository}`;
    const upstreamPolicies = virtual.value.map((each) => ({ ...each, repository: full(each.repository) }));
    const words = (policies: unknown) =>
      (Array.isArray(policies) ? policies.map(fieldsOf) : [])
        .map(({ id, repository, priority }) => `${String(id)}: ${shortName(repository)} at ${String(priority ?? 0)}`)
        .toSorted()
        .join(', ') || null;
    const is = words(fieldsOf(live.virtualRepositoryConfig).upstreamPolicies);
    add('upstreams', virtual.line, 'virtualRepositoryConfig', is, words(upstreamPolicies), {
      virtualRepositoryConfig: { upstreamPolicies },
    });
  }
  return fields;
}

/** Policies with our mark are ours; those of others stay, unless the file replaces them. An update sends the whole map. */
function cleanupFields(
  { cleanup, mark = '', replaces = false }: DesiredGoogleRepository,
  live: Fields,
): readonly Field[] {
  if (cleanup === undefined) return [];
  const { value: ours, line } = cleanup;
  const all = Object.entries(fieldsOf(live.cleanupPolicies));
  const own = all.filter(([id]) => id.startsWith(mark));
  const foreign = all.filter(([id]) => !id.startsWith(mark));
  const kept = replaces ? [] : foreign;
  const words = (policies: readonly (readonly [string, unknown])[]): Json =>
    policies.length === 0 ? null : policies.map(([, policy]) => policyWords(policy)).toSorted();
  const keys = (policies: readonly (readonly [string, unknown])[]) =>
    policies
      .map(([id, policy]) => `${id} ${policyKey(policy)}`)
      .toSorted()
      .join('\n');
  const wanted = Object.entries(ours);
  const isEqual = keys(own) === keys(wanted) && (!replaces || foreign.length === 0);
  const is = words(replaces ? all : own);
  const should = words(wanted);
  const shown = { name: 'retention', is, should, line };
  const foreignRows = kept.map(
    ([id, policy]): Field => ({
      mask: 'cleanupPolicies',
      body: {},
      change: {
        action: 'kept-foreign',
        name: `retention ${id}`,
        is: policyWords(policy),
        reason: 'The id is not one of ours.',
      },
    }),
  );
  const isOfCleanup = kept.some(([id]) => id.startsWith(OWN_GAR_POLICY));
  if (wanted.length > 0 && isOfCleanup) {
    const reason =
      '`command: cleanup` set cleanup policies of this repository, and one command sets them. Write `engine: client` in its policy, or leave `retention` out here. `retention: {from: …, replace: true}` replaces them.';
    return [
      { mask: '', body: {}, change: { action: 'kept-foreign', name: 'retention', is, should, reason, line } },
      ...foreignRows,
    ];
  }
  if (kept.length + wanted.length > MAX_POLICIES) {
    const reason = `A repository takes ${MAX_POLICIES} cleanup policies, and others have ${kept.length}. Write \`replace: true\`, or remove some.`;
    return [
      { mask: '', body: {}, change: { action: 'kept-foreign', name: 'retention', should, reason, line } },
      ...foreignRows,
    ];
  }
  const action = isEqual ? 'equal' : should === null ? 'remove' : is === null ? 'create' : 'change';
  const cleanupPolicies = { ...Object.fromEntries(kept), ...ours };
  return [{ mask: 'cleanupPolicies', body: { cleanupPolicies }, change: { ...shown, action } }, ...foreignRows];
}

/** Scanning is on only when the project has its API, too. */
function scanning({ scan }: DesiredGoogleRepository, live: Fields): readonly GoogleChange[] {
  const { enablementState, enablementStateReason, enablementConfig } = fieldsOf(live.vulnerabilityScanningConfig);
  if (scan?.value !== true || enablementConfig === 'DISABLED') return [];
  if (enablementState === 'SCANNING_ACTIVE' || enablementState === undefined) return [];
  const why =
    typeof enablementStateReason === 'string' && enablementStateReason !== '' ? ` (${enablementStateReason})` : '';
  return [
    {
      action: 'unsupported',
      name: 'scan.project',
      is: String(enablementState),
      should: 'SCANNING_ACTIVE',
      line: scan.line,
      reason: `The repository is set to be scanned, and the project does not scan${why}: enable it once with \`gcloud services enable containerscanning.googleapis.com\`.`,
    },
  ];
}
