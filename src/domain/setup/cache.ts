import type { Cache } from './desired-state.ts';

type Upstream = Pick<Cache<unknown>, 'prefix' | 'user' | 'secret'>;

/** The repository, or the first part of its name, under which a cache keeps what it pulls: the prefix without its last slash. */
export const cacheRepository = ({ prefix }: Pick<Upstream, 'prefix'>): string => prefix.replace(/\/+$/, '');

/** Docker Hub has several hosts. */
export const isDockerHub = (host: string): boolean =>
  ['docker.io', 'registry-1.docker.io', 'index.docker.io'].includes(host);

/** The upstream's login: a user, and the environment variable with the password. `undefined` without both. */
export function cacheLogin({ user, secret }: Pick<Upstream, 'user' | 'secret'>) {
  return user === undefined || secret === undefined ? undefined : { user, variable: secret.replace(/^env:/, '') };
}
