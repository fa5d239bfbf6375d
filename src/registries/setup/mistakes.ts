import { cacheRepository } from '../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../domain/setup/desired-state.ts';
import type { Mistake } from '../../domain/setup/setting.ts';

/** The login of a cache as the file writes it, and its line. */
interface CacheLogin {
  readonly user?: string | undefined;
  readonly secret?: string | undefined;
  readonly line: number;
}

/** Mistakes in the login of a cache whose registry keeps the password itself. @param product its name */
function cacheLoginMistakes(product: string, { user, secret, line }: CacheLogin): readonly Mistake[] {
  const error = (message: string): Mistake => ({ severity: 'error', line, message });
  return [
    ...((user === undefined) === (secret === undefined) ? [] : [error('`user` and `secret` of a cache go together.')]),
    ...(secret === undefined || /^env:[A-Za-z_]\w*$/.test(secret)
      ? []
      : [
          error(
            `\`secret\`: ${product} keeps the password itself. Write \`env:NAME\`, the name of an environment variable with the password.`,
          ),
        ]),
  ];
}

/** How a vendor names repositories whose name has no slash. */
interface RepositoryNames {
  readonly product: string;
  readonly unit: 'repository' | 'project';
  readonly noun: 'name' | 'key';
  readonly pattern: RegExp;
  /** The pattern in words. */
  readonly rule: string;
}

/** Mistakes in the names of repositories and caches, where a cache is a repository like any other. */
export function repositoryNameMistakes(
  { product, unit, noun, pattern, rule }: RepositoryNames,
  { repositories, cache }: DesiredRegistry,
): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  return [
    ...repositories
      .filter(({ name }) => !pattern.test(name))
      .map(({ name, line }) => error(line, `"${name}" is not a valid ${noun} of a ${unit} in ${product}: ${rule}.`)),
    ...(cache?.value ?? []).flatMap((entry) => [
      ...(pattern.test(cacheRepository(entry))
        ? []
        : [
            error(
              entry.line,
              `\`prefix: ${entry.prefix}\`: in ${product} a cache is a ${unit}, whose ${noun} has no slash.`,
            ),
          ]),
      ...cacheLoginMistakes(product, entry),
    ]),
  ];
}
