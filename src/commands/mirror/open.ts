import type { HostLimits, MirrorConfig } from '../../domain/mirror/config.ts';
import type { ImageName } from '../../domain/reference.ts';
import type { RegistrySettings } from '../../inputs/registry-inputs.ts';
import { openRegistries, type Registry } from '../../run/open-registries.ts';
import { type Destination, destinationsOf } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { PullBudget } from './budget.ts';
import type { MirrorWork, TargetWork } from './work.ts';

/** Registries of the run, one for each account at a host. */
export interface OpenedMirrors {
  readonly works: readonly MirrorWork[];
  readonly registries: readonly Registry[];
}

/** Opens sources and targets. Sends nothing. */
export async function openMirrors(
  runtime: Runtime,
  settings: RegistrySettings,
  { mirrors, limits }: MirrorConfig,
): Promise<OpenedMirrors> {
  const accounts = accountsOf(settings);
  const names = mirrors.flatMap(({ from, to }) => [from, ...to]);
  const byScope = Map.groupBy(names, (name) => scopeFor(name, accounts));
  const opened = new Map<string, ReadonlyMap<string, Registry>>();
  for (const [scope, own] of byScope) {
    const hosts = own.map(({ host }) => host);
    const actor = runtime.env.GITHUB_ACTOR ?? '';
    opened.set(scope, await openRegistries(runtime, settingsFor(settings, scope), hosts, actor));
  }
  const budgets = new Map<Registry, PullBudget>();
  const targets = new Map<string, TargetWork>();
  const destination = (name: ImageName, access: 'pull' | 'push'): Destination => {
    const registries = opened.get(scopeFor(name, accounts)) ?? new Map<string, Registry>();
    const [found] = destinationsOf(registries, [name], access);
    if (found === undefined) throw new Error(`${name.name} was not opened.`);
    return found;
  };
  const works = mirrors.map((mirror): MirrorWork => {
    const source = destination(mirror.from, 'pull');
    const pulls = budgets.get(source.registry) ?? budgetOf(source.registry, limits.hosts.get(mirror.from.host));
    budgets.set(source.registry, pulls);
    return {
      mirror,
      source: { ...source, pulls },
      targets: mirror.to.map((name) => {
        const target = targets.get(name.name) ?? {
          ...destination(name, 'push'),
          name: name.name,
          known: new Set(),
          written: new Map(),
          serverErrors: 0,
        };
        targets.set(name.name, target);
        return target;
      }),
      rows: [],
      images: new Map(),
      tags: undefined,
      serverErrors: 0,
    };
  });
  return { works, registries: [...opened.values()].flatMap((registries) => [...registries.values()]) };
}

function budgetOf({ client }: Registry, limits: HostLimits = {}): PullBudget {
  return new PullBudget(limits, client.quota);
}

/** `docker.io/acme`, for logins that are for a part of a registry only. */
function accountsOf({ logins }: RegistrySettings): readonly string[] {
  return logins.flatMap(({ host, scope }) => (scope === undefined ? [] : [`${host}/${scope}`]));
}

/** The longest account that a repository belongs to; empty for the login of its whole registry. */
function scopeFor({ name }: ImageName, accounts: readonly string[]): string {
  return (
    accounts
      .filter((account) => name === account || name.startsWith(`${account}/`))
      .toSorted((a, b) => b.length - a.length)[0] ?? ''
  );
}

function settingsFor(settings: RegistrySettings, scope: string): RegistrySettings {
  const own = settings.logins.filter((login) => `${login.host}/${login.scope}` === scope);
  const logins = own.length > 0 ? own : settings.logins.filter((login) => login.scope === undefined);
  return { ...settings, logins };
}
