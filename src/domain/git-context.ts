import { COMMIT } from './commit.ts';
import type { GitEvent } from './event.ts';

/** A build context fetched with git. https://docs.docker.com/build/concepts/context/#git-repositories */
export interface GitContext {
  /** The URL for git: `https://github.com/org/app.git`. */
  readonly url: string;
  /** Branch, tag or full ref; absent for the default branch. */
  readonly ref?: string;
  /** The commit, if the URL contains its full id. */
  readonly commit?: string;
}

/** Whether a context is a URL instead of a folder. */
export function isAddress(context: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/)/i.test(context);
}

/** Reads a context; undefined for a folder, and for other URLs, such as that of a tar. */
export function readGitContext(context: string): GitContext | undefined {
  if (!isAddress(context)) return undefined;
  const [, address = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(context) ?? [];
  const isHttp = /^https?:/i.test(address);
  // docker treats an HTTP URL as git if its path ends in .git or it has a fragment.
  if (isHttp && !address.endsWith('.git') && !context.includes('#')) return undefined;
  const asked = new URLSearchParams(query);
  const ref = [fragment.split(':', 1)[0], asked.get('ref'), asked.get('branch'), asked.get('tag')].find((each) => each);
  const commit = [asked.get('commit'), asked.get('checksum'), ref].find((each) => each && COMMIT.test(each));
  return {
    url: /^github\.com\//i.test(address) ? `https://${address}` : address,
    ...(ref ? { ref } : {}),
    ...(commit ? { commit } : {}),
  };
}

/** A repository on a server: `github.com` and `org/app`. */
export interface RemoteRepository {
  readonly host: string;
  readonly path: string;
}

/** Reads the URL of a remote: HTTPS, SSH, or `git@host:path`; undefined for local paths. */
export function readRemote(url: string): RemoteRepository | undefined {
  const [, host, path] =
    /^(?:https?|ssh|git):\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/(.+)$/i.exec(url) ??
    /^(?:[^/@:]+@)([^/:]+):(.+)$/.exec(url) ??
    [];
  if (host === undefined || path === undefined) return undefined;
  return { host: host.toLowerCase(), path: path.replace(/\/+$/, '').replace(/\.git$/, '') };
}

/** The event's repository, as a remote on the event's server. */
function own({ serverUrl, repository }: GitEvent): RemoteRepository {
  return { host: URL.parse(serverUrl)?.hostname ?? '', path: `${repository.owner}/${repository.name}` };
}

/**
 * The repository of a remote if it differs from the event's.
 * @param anyHost also for other servers, which may be mirrors
 */
export function otherRepository(
  url: string | undefined,
  event: GitEvent,
  anyHost: boolean,
): RemoteRepository | undefined {
  const remote = url === undefined ? undefined : readRemote(url);
  const { host, path } = own(event);
  if (remote === undefined || (remote.host !== host && !anyHost)) return undefined;
  return remote.host === host && remote.path.toLowerCase() === path.toLowerCase() ? undefined : remote;
}
