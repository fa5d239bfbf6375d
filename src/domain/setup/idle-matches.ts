import { quoted } from '../suggestion.ts';
import type { DesiredState } from './desired-state.ts';
import { selects, type VendorTraits } from './resolve.ts';
import type { Mistake } from './setting.ts';

/** A registry of the file with what is there. */
export interface ListedRegistry {
  readonly entry: DesiredState['registries'][number];
  readonly unitOf: VendorTraits['unitOf'];
  /** Names of what exists; undefined: they could not be listed. */
  readonly live: readonly string[] | undefined;
}

/**
 * Each `match` that selects nothing in any of its registries, neither what exists nor a `name` of the file: most often a typo. Where
 * a registry could not be listed, nothing is known. Pure.
 * @param listed all registries of the file that could be opened
 */
export function idleMatches(
  { registries, repositories }: DesiredState,
  listed: readonly ListedRegistry[],
): readonly Mistake[] {
  return repositories.flatMap(({ kind, pattern, on = registries.map(({ key }) => key), line }): readonly Mistake[] => {
    if (kind !== 'match') return [];
    const own = on.map((key) => listed.find(({ entry }) => entry.key === key));
    const isIdle = own.every((registry) => {
      if (registry?.live === undefined) return false;
      const { entry, unitOf, live } = registry;
      const namespace = entry.at.split('/').slice(1).join('/');
      const named = repositories.filter((each) => each.kind === 'name' && (each.on ?? on).includes(entry.key));
      return (
        !live.some((unit) => selects(unitOf(pattern, namespace), unit)) &&
        !named.some((each) => selects(pattern, each.pattern))
      );
    });
    if (!isIdle) return [];
    const where = on.map((key) => `\`${key}\``).join(', ');
    const message = `\`match\` ${quoted(pattern)} finds no repository in ${where}, and creates none: correct the pattern, or write \`name\` for a repository that is to be created`;
    return [{ severity: 'warning', line, message }];
  });
}
