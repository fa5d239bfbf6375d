import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface GoogleSetupOptions {
  readonly token: string;
  /** Whether the project has the scanning API. */
  readonly scans?: boolean;
  /** Answers instead of Google. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const fail = (code: number, status: string, message: string): CloudReply => ({
  status: code,
  body: { error: { code, message, status } },
});
const invalid = (message: string) => fail(400, 'INVALID_ARGUMENT', message);
const absent = fail(404, 'NOT_FOUND', 'Requested entity was not found.');

/** What a PATCH may change: everything else is decided at creation. */
const MUTABLE = [
  'description',
  'labels',
  'dockerConfig',
  'cleanupPolicies',
  'cleanupPolicyDryRun',
  'vulnerabilityScanningConfig',
  'remoteRepositoryConfig',
  'virtualRepositoryConfig',
];
const PAGE = 2;

/** Artifact Registry, as far as repositories and who may use them are concerned. */
export function googleSetupDouble(options: GoogleSetupOptions) {
  const state = {
    repositories: new Map<string, Fields>(),
    policies: new Map<string, Fields>(),
    operations: new Map<string, { polls: number; readonly finish: () => void }>(),
  };
  let etag = 0;

  /** A repository as it is read: with what Google adds. */
  const shown = (fields: Fields): Fields => {
    const { enablementConfig = 'INHERITED' } = fieldsOf(fields.vulnerabilityScanningConfig);
    const isOn = enablementConfig === 'INHERITED' && options.scans !== false;
    const { upstreamCredentials, disableUpstreamValidation: _, ...remote } = fieldsOf(fields.remoteRepositoryConfig);
    return {
      ...fields,
      vulnerabilityScanningConfig: {
        enablementConfig,
        enablementState: isOn ? 'SCANNING_ACTIVE' : 'SCANNING_DISABLED',
        ...(isOn
          ? {}
          : { enablementStateReason: enablementConfig === 'INHERITED' ? 'API is not enabled.' : 'Disabled.' }),
      },
      ...(fields.remoteRepositoryConfig === undefined
        ? {}
        : {
            remoteRepositoryConfig: {
              ...remote,
              ...(upstreamCredentials === undefined ? {} : { upstreamCredentials }),
            },
          }),
      sizeBytes: '0',
      createTime: '2026-11-28T00:00:00Z',
    };
  };

  /** Ages are stored in seconds, whatever unit they came in. */
  const problemOf = (body: Fields): string | undefined => {
    const policies = Object.entries(fieldsOf(body.cleanupPolicies));
    if (policies.length > 10) return 'Too many cleanup policies.';
    for (const [id, policy] of policies) {
      const { condition, action } = fieldsOf(policy);
      const { olderThan, newerThan } = fieldsOf(condition);
      if (fieldsOf(policy).id !== id) return `cleanupPolicies: key ${id} is not the id of its policy.`;
      if (action !== 'DELETE' && action !== 'KEEP') return `cleanupPolicies.${id}.action`;
      const ages = [olderThan, newerThan].filter((age) => age !== undefined);
      if (ages.some((age) => !/^\d+(?:\.\d+)?s$/.test(String(age)))) return `cleanupPolicies.${id}: Invalid duration.`;
    }
    const labels = Object.entries(fieldsOf(body.labels));
    if (labels.some(([key, value]) => key !== key.toLowerCase() || String(value) !== String(value).toLowerCase()))
      return 'labels';
    const { upstreamPolicies = [] } = fieldsOf(body.virtualRepositoryConfig);
    for (const { repository } of Array.isArray(upstreamPolicies) ? upstreamPolicies.map(fieldsOf) : []) {
      if (!state.repositories.has(String(repository))) return `Repository ${String(repository)} does not exist.`;
    }
    return undefined;
  };

  const create = (parent: string, id: string, body: Fields): CloudReply => {
    const name = `${parent}/repositories/${id}`;
    if (!/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/.test(id)) return invalid('repositoryId');
    if (body.format !== 'DOCKER') return invalid('format');
    const problem = problemOf(body);
    if (problem !== undefined) return invalid(problem);
    if (state.repositories.has(name)) return fail(409, 'ALREADY_EXISTS', 'the repository already exists');
    const operation = `${parent}/operations/op-${state.operations.size + 1}`;
    const finish = () => void state.repositories.set(name, { ...body, name, mode: body.mode ?? 'STANDARD_REPOSITORY' });
    state.operations.set(operation, { polls: 0, finish });
    return { status: 200, body: { name: operation } };
  };

  const update = (name: string, mask: string, body: Fields): CloudReply => {
    const found = state.repositories.get(name);
    if (found === undefined) return absent;
    const paths = mask.split(',');
    const wrong = paths.find((path) => !MUTABLE.includes(path));
    if (mask === '' || wrong !== undefined) return invalid(`update_mask: ${wrong ?? 'empty'} cannot be updated.`);
    const problem = problemOf(body);
    if (problem !== undefined) return invalid(problem);
    const changed = { ...found, ...Object.fromEntries(paths.map((path) => [path, body[path]])) };
    state.repositories.set(name, changed);
    return { status: 200, body: shown(changed) };
  };

  const setPolicy = (name: string, body: Fields): CloudReply => {
    const policy = fieldsOf(body.policy);
    const held = state.policies.get(name);
    const current = fieldsOf(held).etag ?? 'ACAB';
    if (policy.etag === undefined) return invalid('a policy without an etag overwrites others');
    if (policy.etag !== current) {
      return fail(409, 'ABORTED', 'There were concurrent policy changes. Please retry the whole read-modify-write.');
    }
    const bindings = Array.isArray(policy.bindings) ? policy.bindings.map(fieldsOf) : [];
    if (bindings.some(({ condition }) => condition !== undefined) && policy.version !== 3) return invalid('version');
    for (const { members } of bindings) {
      for (const member of Array.isArray(members) ? members.map(String) : []) {
        if (/^serviceAccount:missing@/.test(member))
          return invalid(`Service account ${member.slice(15)} does not exist.`);
      }
    }
    const lower = bindings.map((binding) => ({
      ...binding,
      members: (Array.isArray(binding.members) ? binding.members.map(String) : []).map((member) =>
        /^(?:serviceAccount|user|group):/.test(member)
          ? member.replace(/:.*/, (address) => address.toLowerCase())
          : member,
      ),
    }));
    etag += 1;
    const stored = { version: policy.version, bindings: lower, etag: `BwX${etag}=` };
    state.policies.set(name, stored);
    return { status: 200, body: stored };
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    if (headers.authorization !== `Bearer ${options.token}`)
      return fail(401, 'UNAUTHENTICATED', 'Invalid credentials.');
    const path = decodeURIComponent(url.pathname.slice('/v1/'.length));
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    const operation = state.operations.get(path);
    if (operation !== undefined) {
      operation.polls += 1;
      if (operation.polls < 2) return { status: 200, body: { name: path } };
      operation.finish();
      return { status: 200, body: { name: path, done: true, response: {} } };
    }
    if (path.endsWith('/repositories')) {
      const parent = path.slice(0, -'/repositories'.length);
      if (method === 'POST') return create(parent, url.searchParams.get('repositoryId') ?? '', body);
      const all = [...state.repositories]
        .filter(([name]) => name.startsWith(`${path}/`))
        .map(([, fields]) => shown(fields));
      const from = Number(url.searchParams.get('pageToken') ?? 0);
      const more = from + PAGE < all.length ? { nextPageToken: String(from + PAGE) } : {};
      return { status: 200, body: all.length === 0 ? {} : { repositories: all.slice(from, from + PAGE), ...more } };
    }
    const [name = '', verb] = path.split(/:(?=[a-zA-Z]+$)/);
    const found = state.repositories.get(name);
    if (found === undefined) return absent;
    if (verb === 'getIamPolicy') {
      // A repository that nobody was given access to has a policy with an etag alone.
      return { status: 200, body: state.policies.get(name) ?? { etag: 'ACAB' } };
    }
    if (verb === 'setIamPolicy') return setPolicy(name, body);
    if (method === 'PATCH') return update(name, url.searchParams.get('updateMask') ?? '', body);
    return { status: 200, body: shown(found) };
  };
  return { hosts: { 'artifactregistry.googleapis.com': service }, state };
}
