import type { RegistryUsage } from '../../domain/report/usage.ts';
import { ignoreFailure } from '../../registries/ignore-failure.ts';
import type { CleanupTarget } from '../../run/inventory/collected.ts';

/** Limits and the registry's own count; undefined where the registry has none, or does not answer. */
export type UsageReader = (target: CleanupTarget) => Promise<RegistryUsage | undefined>;

/** Reads what is about a project or an account once, however many of its repositories the report has. */
export function createUsageReader(): UsageReader {
  const asked = new Map<string, Promise<RegistryUsage | undefined>>();
  return async ({ repository: { host }, managed: { usage } }) => {
    if (usage === undefined) return undefined;
    const key = `${host} ${usage.subject}`;
    const reading = asked.get(key) ?? usage.read().catch(ignoreFailure);
    asked.set(key, reading);
    return reading;
  };
}
