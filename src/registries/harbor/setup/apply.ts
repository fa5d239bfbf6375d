import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { unexpected } from '../../../http/api.ts';
import { stepSecret } from '../../setup/step-secret.ts';
import type { Applied, SetupContext } from '../../setup-port.ts';
import type { Harbor } from '../api.ts';
import { listAll, readProjectRow } from './read.ts';
import type { HarborRequest } from './step.ts';

/** 201 and 200; 404 of what is to go; 409 of what is there already, by an earlier run or somebody else. */
const EXPECT = { POST: [200, 201, 409], PUT: [200], DELETE: [200, 404] } as const;

/** Sends one request, with the ids that are known only now. */
export async function applyRequest(
  ask: Harbor['ask'],
  context: SetupContext,
  request: HarborRequest,
): Promise<Applied> {
  const { host } = context;
  const { method, path, what, robot } = request;
  const json = request.json === undefined ? undefined : { ...request.json, ...(await filledIn(ask, context, request)) };
  const answer = await ask({
    method,
    path,
    ...(json === undefined ? {} : { json }),
    expect: EXPECT[method],
    operation: method === 'DELETE' ? 'delete' : 'write',
    what,
  });
  if (answer.status === 409) {
    return { note: `${upper(what)}: ${host} has it already, made since the plan.`, isStale: true };
  }
  if (robot === undefined || method !== 'POST') return {};
  const { name, secret } = fieldsOf(answer.json);
  if (typeof name !== 'string' || typeof secret !== 'string') throw unexpected(host, what);
  context.api.secret(secret);
  return { issued: [{ name: `${host} ${name}`, username: name, password: secret }] };
}

async function filledIn(ask: Harbor['ask'], context: SetupContext, request: HarborRequest): Promise<Fields> {
  const { host } = context;
  const { ofProject, endpoint, ofReplication, secret, header, method } = request;
  if (ofProject !== undefined) {
    const row = await readProjectRow(ask, host, ofProject);
    if (row === undefined) throw missing(host, `project ${ofProject}`);
    return { scope: { level: 'project', ref: row.project_id } };
  }
  if (endpoint !== undefined) {
    const id = await idOf(ask, host, '/registries', endpoint.name, 'endpoint');
    return { [endpoint.field]: endpoint.field === 'registry_id' ? id : { id } };
  }
  if (ofReplication !== undefined) {
    return { policy_id: await idOf(ask, host, '/replication/policies', ofReplication, 'replication rule') };
  }
  if (header !== undefined) {
    const value = stepSecret(context, header, request.what);
    const targets = Array.isArray(request.json?.targets) ? request.json.targets.map(fieldsOf) : [];
    return { targets: targets.map((target) => ({ ...target, auth_header: value })) };
  }
  if (secret === undefined) return {};
  const value = stepSecret(context, secret.variable, request.what);
  // A new endpoint and one that exists take the same things under different names.
  return method === 'POST'
    ? { credential: { type: 'basic', access_key: secret.user, access_secret: value } }
    : { credential_type: 'basic', access_key: secret.user, access_secret: value };
}

async function idOf(ask: Harbor['ask'], host: string, path: string, name: string, kind: string): Promise<number> {
  const rows = await listAll(ask, host, path, `the ${kind}s`);
  const found = rows.find((row) => row.name === name);
  if (found === undefined) throw missing(host, `${kind} ${name}`);
  return Number(found.id);
}

function missing(host: string, what: string): ActionError {
  return new ActionError('REGISTRY_REFUSED', `${host} has no ${what}, which this setting needs.`, {
    facts: { registry: host },
    remedy: [`Create the ${what} in Harbor, or name one that exists.`],
  });
}

const upper = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
