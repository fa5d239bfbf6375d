import { cacheRepository, isDockerHub } from '../../cache.ts';
import type { Cache } from '../../desired-state.ts';
import type { Principal } from '../../principal.ts';
import type { ExportedRegistry, LeftOut } from '../exported-file.ts';
import { endpointUrls } from './endpoints.ts';

/** A registry that may be asked instead of another. */
export interface Mirror {
  /** The registry that images are named by: `docker.io`. */
  readonly of: string;
  /** Address of its API with the path that comes before an image's name: `https://harbor.acme.example/v2/hub`. */
  readonly url: string;
  /** A replica lags behind, so it is not asked what a tag points to. */
  readonly resolves: boolean;
  readonly registry: string;
  readonly line: number;
  /** A mirror in the way of Docker's own configuration, which puts `/v2/` behind the path; undefined: it has none. */
  readonly daemonUrl: string | undefined;
}

export interface Mirrors {
  readonly mirrors: readonly Mirror[];
  readonly leftOut: readonly LeftOut[];
}

/** Every mirror in the file: pull-through caches, and replicas that have a host of their own. */
export function mirrorsOf(registries: readonly ExportedRegistry[]): Mirrors {
  const all = registries.map((registry) => {
    const caches = (registry.desired.cache?.value ?? []).map((cache) => cacheMirror(registry, cache));
    return [...caches, replicas(registry)];
  });
  return {
    mirrors: all.flat().flatMap(({ mirrors }) => mirrors),
    leftOut: all.flat().flatMap(({ leftOut }) => leftOut),
  };
}

function cacheMirror(
  { vendor, desired }: ExportedRegistry,
  { prefix, from, line }: Cache<readonly Principal[]>,
): Mirrors {
  const { host, namespace, at, key } = desired;
  const [upstream = from, ...path] = from.split('/');
  if (path.length > 0) {
    const what = `${at}: mirror of ${from}`;
    const reason = `containerd replaces the host of an image, and this cache is for ${from} only.`;
    return { mirrors: [], leftOut: [{ what, reason, instead: `Name images by \`${host}/${prefix}\`.` }] };
  }
  const folder = [namespace, prefix === 'ROOT' ? '' : cacheRepository({ prefix })]
    .filter((each) => each !== '')
    .join('/');
  const of = isDockerHub(upstream) ? 'docker.io' : upstream;
  const base = `${schemeOf(host)}://${host}`;
  return {
    mirrors: [
      {
        of,
        url: folder === '' ? base : `${base}/v2/${folder}`,
        resolves: true,
        registry: key,
        line,
        daemonUrl: folder === '' ? base : DAEMON_PATHS[vendor]?.(base, folder),
      },
    ],
    leftOut: [],
  };
}

/** Where a vendor serves one repository with `/v2/` behind its path. */
const DAEMON_PATHS: Readonly<Record<string, (base: string, repository: string) => string>> = {
  nexus: (base, repository) => `${base}/repository/${repository}`,
  artifactory: (base, repository) => `${base}/artifactory/api/docker/${repository}`,
};

/** Replicas hold what has been copied by now, under the same names. */
function replicas({ vendor, desired }: ExportedRegistry): Mirrors {
  const { host, key } = desired;
  const mirrors: Mirror[] = [];
  const leftOut: LeftOut[] = [];
  const urls = endpointUrls(vendor, desired);
  for (const { to, line } of desired.replicate?.value ?? []) {
    for (const target of to) {
      // A registry of Azure has one host for all its replicas.
      if (vendor === 'acr') continue;
      const url = urls(target);
      if (url === undefined) {
        const reason = 'The file has no address for this replica, or it is not a Harbor.';
        leftOut.push({ what: `${desired.at}: replica ${target}`, reason, instead: 'Write a mirror for it yourself.' });
      } else if (!mirrors.some((each) => each.url === url)) {
        mirrors.push({ of: host, url, resolves: false, registry: key, line, daemonUrl: undefined });
      }
    }
  }
  return { mirrors, leftOut };
}

/** Registries of this machine speak plain HTTP. */
export function schemeOf(host: string): 'http' | 'https' {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host) ? 'http' : 'https';
}
