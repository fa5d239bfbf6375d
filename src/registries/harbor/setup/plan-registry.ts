import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { denied, type Reading } from '../../setup/change.ts';
import type { DesiredEndpoint, DesiredReplication } from './desired.ts';
import { asGlob, globsOf } from './rules.ts';
import type { HarborChange } from './step.ts';

/** Endpoints first: caches and replication rules name them. Those of others are not shown: they are no settings of ours. */
export function planEndpoints(
  wanted: readonly DesiredEndpoint[],
  live: Reading<readonly Fields[]>,
): readonly HarborChange[] {
  if (wanted.length === 0) return [];
  if (!live.ok) return [denied('endpoints', live.error)];
  return wanted.map((endpoint): HarborChange => {
    const { name, type, url, credential } = endpoint;
    const should = `${name}: ${type} at ${url}`;
    const what = `the endpoint ${name}`;
    const secret = credential === undefined ? {} : { secret: { user: credential.user, variable: credential.secret } };
    const found = live.value.find((row) => row.name === name);
    if (found === undefined) {
      const json = { name, type, url, insecure: false };
      return {
        name: `endpoint ${name}`,
        action: 'create',
        should,
        request: { method: 'POST', path: '/registries', json, what, ...secret },
      };
    }
    const is = `${name}: ${String(found.type)} at ${String(found.url)}`;
    if (found.type !== type) {
      const reason = `Harbor cannot change the kind of an endpoint. Name it otherwise, or delete ${name} in Harbor.`;
      return { name: `endpoint ${name}`, action: 'needs-recreation', is, should, reason };
    }
    const user = String(fieldsOf(found.credential).access_key ?? '');
    const isSameUser = credential === undefined || credential.user === user;
    if (trimmed(found.url) === trimmed(url) && isSameUser) {
      const reason = 'Harbor does not show the password, so it is not compared.';
      return { name: `endpoint ${name}`, action: 'equal', is, should, ...(credential === undefined ? {} : { reason }) };
    }
    return {
      name: `endpoint ${name}`,
      action: 'change',
      is: `${is}${isSameUser ? '' : `, user ${user || 'none'}`}`,
      should,
      request: { method: 'PUT', path: `/registries/${Number(found.id)}`, json: { url }, what, ...secret },
    };
  });
}

const trimmed = (url: unknown) => String(url).replace(/\/+$/, '');

/**
 * Rules of others stay; ours begin with the owner of the file.
 * @param wanted null: ours are removed
 * @param started names of rules that have run at least once
 */
export function planReplications(
  given: readonly DesiredReplication[] | null,
  owner: string,
  live: Reading<readonly Fields[]>,
  started: ReadonlySet<string>,
): readonly HarborChange[] {
  const wanted = given ?? [];
  if (given?.length === 0) return [];
  if (!live.ok) return [denied('replicate', live.error)];
  const kept = live.value
    .filter((row) => !wanted.some(({ name }) => name === row.name))
    .map((row): HarborChange => {
      const shown = { name: `replicate rule ${String(row.name)}`, is: replicationWords(row) };
      if (given !== null || !String(row.name).startsWith(`${owner}-`)) return { ...shown, action: 'kept-foreign' };
      const path = `/replication/policies/${Number(row.id)}`;
      const request = { method: 'DELETE', path, what: `the replication rule ${String(row.name)}` } as const;
      return { ...shown, action: 'remove', should: null, request };
    });
  const changes = wanted.flatMap((rule): readonly HarborChange[] => {
    const { name, to, only, copiesExisting, deletes, line } = rule;
    const shown = { name: `replicate ${to.name}`, line };
    const what = `the replication rule ${name}`;
    const found = live.value.find((row) => row.name === name);
    const filters = [{ type: 'name', value: asGlob(only) }];
    const should = `${only.join(', ')} → ${to.name}`;
    const json = {
      name,
      description: 'Made by registry-action setup.',
      filters,
      trigger: { type: 'event_based' },
      // A deletion here must not delete a copy that runs somewhere.
      replicate_deletion: deletes ?? found?.replicate_deletion ?? false,
      override: true,
      enabled: true,
    };
    const endpoint = { name: to.name, field: 'dest_registry' } as const;
    const copy: readonly HarborChange[] =
      copiesExisting && !started.has(name)
        ? [
            {
              name: `replicate.existing ${to.name}`,
              line,
              action: 'create',
              should: `copy what exists to ${to.name}, once`,
              request: {
                method: 'POST',
                path: '/replication/executions',
                json: {},
                what: `the copy of what exists by ${name}`,
                ofReplication: name,
              },
            },
          ]
        : [];
    if (found === undefined) {
      const request = { method: 'POST', path: '/replication/policies', json, what, endpoint } as const;
      return [{ ...shown, action: 'create', should, request }, ...copy];
    }
    const isSame =
      globsOf(nameFilter(found)).toSorted().join() === [...only].toSorted().join() &&
      fieldsOf(found.dest_registry).name === to.name &&
      found.enabled !== false &&
      (deletes === undefined || (found.replicate_deletion === true) === deletes) &&
      fieldsOf(found.trigger).type === 'event_based';
    if (isSame) return [{ ...shown, action: 'equal', is: replicationWords(found), should }, ...copy];
    const path = `/replication/policies/${Number(found.id)}`;
    const request = { method: 'PUT', path, json: { ...found, ...json }, what, endpoint } as const;
    return [{ ...shown, action: 'change', is: replicationWords(found), should, request }, ...copy];
  });
  return [...changes, ...kept];
}

function nameFilter({ filters }: Fields): string {
  const all = Array.isArray(filters) ? filters.map(fieldsOf) : [];
  return String(all.find(({ type }) => type === 'name')?.value ?? '**');
}

function replicationWords(row: Fields): string {
  const to = fieldsOf(row.dest_registry).name ?? fieldsOf(row.src_registry).name ?? '';
  return `${String(row.name)}: ${globsOf(nameFilter(row)).join(', ')} → ${String(to) || 'this Harbor'}${row.enabled === false ? ' (switched off)' : ''}`;
}
