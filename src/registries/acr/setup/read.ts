import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { type Reading, reading } from '../../setup/change.ts';
import type { Arm } from './arm.ts';

/** A registry as it is. Each part is read by itself, since each needs another right. */
export interface LiveAcr {
  /** Undefined: there is none. */
  readonly registry: Fields | undefined;
  readonly replications: Reading<readonly Fields[]>;
  readonly credentialSets: Reading<readonly Fields[]>;
  readonly cacheRules: Reading<readonly Fields[]>;
  readonly scopeMaps: Reading<readonly Fields[]>;
  readonly tokens: Reading<readonly Fields[]>;
  readonly webhooks: Reading<readonly Fields[]>;
  readonly roles: Reading<readonly Fields[]>;
  /** The task that purges. */
  readonly task: Reading<Fields | undefined>;
}

/** Which parts the file says something about; the others are not read. */
export interface Sought {
  readonly replications: boolean;
  readonly cache: boolean;
  readonly tokens: boolean;
  readonly webhooks: boolean;
  readonly roles: boolean;
  /** Name of the task; undefined: none. */
  readonly task: string | undefined;
}

export async function readAcr(arm: Arm, sought: Sought): Promise<LiveAcr> {
  const registry = await arm.get('', 'the settings of the registry');
  const none = { ok: true, value: [] } as const;
  const list = (isSought: boolean, path: string, what: string): Promise<Reading<readonly Fields[]>> =>
    isSought && registry !== undefined ? reading(() => arm.list(path, what)) : Promise.resolve(none);
  const { task } = sought;
  return {
    registry,
    replications: await list(sought.replications, '/replications', 'the replicas'),
    credentialSets: await list(sought.cache, '/credentialSets', 'the credential sets'),
    cacheRules: await list(sought.cache, '/cacheRules', 'the cache rules'),
    scopeMaps: await list(sought.tokens, '/scopeMaps', 'the scope maps'),
    tokens: await list(sought.tokens, '/tokens', 'the tokens'),
    webhooks: await list(sought.webhooks, '/webhooks', 'the webhooks'),
    roles: await list(
      sought.roles,
      '/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()',
      'the role assignments',
    ),
    task:
      task === undefined || registry === undefined
        ? { ok: true, value: undefined }
        : await reading(() => arm.get(`/tasks/${task}`, 'the purge task')),
  };
}

/** Azure writes regions as `northeurope` and as `North Europe`. */
export function region(text: unknown): string {
  return String(text).toLowerCase().replaceAll(/\s/g, '');
}

export const propertiesOf = (resource: unknown): Fields => fieldsOf(fieldsOf(resource).properties);
