import type { DesiredRegistry, RegistryEntry } from '../../domain/setup/desired-state.ts';
import { idleMatches } from '../../domain/setup/idle-matches.ts';
import { resolveRegistry } from '../../domain/setup/resolve.ts';
import type { Mistake } from '../../domain/setup/setting.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { RegistrySetup, SetupDefinition } from '../../registries/setup-port.ts';
import { setupDefinition } from '../../registries/setup-vendors.ts';
import { openRegistries } from '../../run/open-registries.ts';
import { warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SetupInputs } from './inputs.ts';
import type { PartialSetup } from './result.ts';

/** A registry of the file, opened. */
export interface OpenRegistry {
  readonly entry: RegistryEntry;
  readonly vendor: { readonly id: string; readonly title: string };
  /** Undefined: this kind of registry has no API for settings. */
  readonly definition: SetupDefinition | undefined;
  readonly setup: RegistrySetup | undefined;
  /** Whether there are credentials; those of AWS show only with a request. */
  readonly hasLogin: () => Promise<boolean>;
}

/** Opens every registry of the file. Sends nothing. */
export async function openAll(runtime: Runtime, { state, registries }: SetupInputs): Promise<readonly OpenRegistry[]> {
  const hosts = state.registries.map(({ at }) => at.split('/', 1)[0] ?? at);
  const opened = await openRegistries(runtime, registries, hosts, runtime.env.GITHUB_ACTOR ?? '');
  return Promise.all(
    state.registries.map(async (entry) => {
      const registry = opened.get(entry.at.split('/', 1)[0] ?? entry.at);
      if (registry === undefined) throw new Error(`${entry.at} was not opened.`);
      const definition = await setupDefinition(registry.vendor.id);
      const isAws = definition?.block === 'aws';
      return {
        entry,
        vendor: registry.vendor,
        definition,
        setup: definition?.open(registry.setup),
        hasLogin: async () => isAws || (await registry.credentials()) !== undefined,
      };
    }),
  );
}

/** What the file says about one registry, given what exists there. */
export function resolved(
  { state, policies }: SetupInputs,
  { entry, definition }: OpenRegistry,
  live: readonly string[],
): { readonly desired: DesiredRegistry; readonly mistakes: readonly Mistake[] } {
  const traits = definition ?? { block: undefined, unitOf: (name: string) => name, principals: [] };
  const { desired, mistakes } = resolveRegistry(state, entry, traits, live, policies);
  return { desired, mistakes: [...mistakes, ...(definition?.mistakes(desired) ?? [])] };
}

/** Mistakes that can be found before the first request: a `match` stands for a repository that it names. */
export function earlyMistakes(inputs: SetupInputs, opened: readonly OpenRegistry[]): readonly Mistake[] {
  const patterns = inputs.state.repositories.flatMap(({ kind, pattern }) => (kind === 'match' ? [pattern] : []));
  return opened.flatMap((registry) => {
    const namespace = registry.entry.at.split('/').slice(1).join('/');
    const units = patterns.map((pattern) => registry.definition?.unitOf(pattern, namespace) ?? pattern);
    return resolved(inputs, registry, [...new Set(units)]).mistakes;
  });
}

/** Warns of patterns that select nothing. */
export function warnOfIdleMatches(
  runtime: Runtime,
  { state, configPath }: SetupInputs,
  partial: PartialSetup,
  read: readonly { readonly registry: OpenRegistry; readonly live: readonly string[] | undefined }[],
): void {
  const listed = read.map(({ registry: { entry, definition }, live }) => ({
    entry,
    unitOf: definition?.unitOf ?? ((name: string) => name),
    live,
  }));
  for (const each of idleMatches(state, listed)) warn(runtime, partial, mistakeText(configPath, each));
}

/** @throws ActionError DESIRED_STATE_INVALID with every mistake and its line */
export function refuseMistakes({ configPath, isInline }: SetupInputs, mistakes: readonly Mistake[]): void {
  const errors = mistakes.filter(({ severity }) => severity === 'error');
  const texts = [...new Set(errors.toSorted((a, b) => a.line - b.line).map((each) => mistakeText(configPath, each)))];
  const [first] = texts;
  if (first === undefined) return;
  const message =
    texts.length === 1
      ? first
      : [`${texts.length} problems with the desired state:`, ...texts.map((text) => `- ${text}`)].join('\n');
  const line = Math.min(...errors.map((each) => each.line));
  throw new ActionError('DESIRED_STATE_INVALID', message, {
    facts: { input: 'config', ...(isInline ? {} : { file: configPath, line }) },
  });
}

export function mistakeText(configPath: string, { line, message }: Mistake): string {
  return `${configPath}:${line}: ${message}`;
}
