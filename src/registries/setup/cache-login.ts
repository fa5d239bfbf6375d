import type { Mistake } from '../../domain/setup/setting.ts';

/** The login of a cache as the file writes it, and its line. */
interface CacheLogin {
  readonly user?: string | undefined;
  readonly secret?: string | undefined;
  readonly line: number;
}

/** Mistakes in the login of a cache whose registry keeps the password itself. @param product its name */
export function cacheLoginMistakes(product: string, { user, secret, line }: CacheLogin): readonly Mistake[] {
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
