import type { DesiredRegistry } from '../desired-state.ts';
import { entriesOf } from './account.ts';
import { type EcrLive, partitionOf } from './live.ts';

/** A registry of which nothing was read, as if it were empty. */
export function unreadEcr(
  { account, region }: { readonly account: string; readonly region: string },
  { own }: DesiredRegistry,
): EcrLive {
  const settings = entriesOf(own.get('aws')?.get('accountSettings')?.value ?? {});
  return {
    account,
    region,
    partition: partitionOf(region),
    repositories: new Map(),
    unreadable: new Map(),
    keys: new Map(),
    scanning: { ok: true, value: { scanType: 'BASIC', rules: [] } },
    replication: { ok: true, value: [] },
    backfills: { ok: true, value: [] },
    registryPolicy: { ok: true, value: null },
    caches: { ok: true, value: [] },
    templates: { ok: true, value: [] },
    signing: { ok: true, value: [] },
    accountSettings: new Map(settings.map(([name]) => [name, { ok: true, value: null }])),
    pullTimeExclusions: { ok: true, value: [] },
  };
}
