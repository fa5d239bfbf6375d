import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from '../domain/once.ts';
import { ActionError } from '../errors/action-error.ts';
import type { SigstoreService } from './service.ts';

/** A repository of trust material that is signed and expires: https://theupdateframework.github.io/specification/latest/ */
export interface TrustRepository {
  /** `https://tuf-repo-cdn.sigstore.dev` */
  readonly mirror: string;
  /** The root metadata that everything else must be signed by, as JSON. */
  readonly root: () => Promise<Buffer>;
}

/** https://docs.sigstore.dev/about/tooling/ */
export const PUBLIC_REPOSITORY: TrustRepository = {
  mirror: 'https://tuf-repo-cdn.sigstore.dev',
  root: async () => {
    const { default: seeds } = await import('@sigstore/tuf/seeds.json', { with: { type: 'json' } });
    return Buffer.from(seeds['https://tuf-repo-cdn.sigstore.dev']['root.json'], 'base64');
  },
};

export const GITHUB_REPOSITORY: TrustRepository = {
  mirror: 'https://tuf-repo.github.com',
  root: async () => Buffer.from((await import('./github-root.ts')).GITHUB_ROOT, 'base64'),
};

export interface TrustFiles {
  /** @throws ActionError TRUSTED_ROOT_UNAVAILABLE when it cannot be fetched, or is not signed as it must be */
  readonly read: (name: 'trusted_root.json' | 'signing_config.v0.2.json') => Promise<unknown>;
}

const FILE_LIMIT = 5 * 1024 * 1024;

/**
 * Fetches trust material, and keeps what it fetched in a folder for the later steps of the job: they request nothing until its
 * metadata expires by the clock. The root is always the one that this action ships, because a folder on a runner is not to be trusted;
 * all else is checked against it, and what does not stand up to it is fetched again.
 * @param folder of this job, created
 */
export async function openTrustFiles(
  service: SigstoreService,
  { mirror, root }: TrustRepository,
  folder: string,
): Promise<TrustFiles> {
  const { BaseFetcher, Updater } = await import('tuf-js');
  const { DownloadHTTPError } = await import('tuf-js/dist/error.js');
  const home = join(folder, encodeURIComponent(new URL(mirror).host));
  const targets = join(home, 'targets');
  await mkdir(targets, { recursive: true, mode: 0o700 });

  class Fetcher extends BaseFetcher {
    override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
      try {
        const { body } = await service.get(url, 'the request for trust material', FILE_LIMIT);
        return new Blob([new Uint8Array(body)]).stream();
      } catch (error) {
        const { status } = error instanceof ActionError ? error.facts : {};
        // The updater asks for the next root until there is none.
        if (status !== undefined) throw Object.assign(new DownloadHTTPError(String(error), status), { cause: error });
        throw error;
      }
    }
  }

  class NoFetcher extends BaseFetcher {
    override fetch(url: string): Promise<never> {
      return Promise.reject(new Error(`${url} is not requested`));
    }
  }

  const refresh = async (fetcher: InstanceType<typeof BaseFetcher>, forceCache: boolean) => {
    // A root that an earlier step fetched would be trusted as it is.
    await writeFile(join(home, 'root.json'), await root());
    const updater = new Updater({
      metadataDir: home,
      metadataBaseUrl: mirror,
      targetDir: targets,
      targetBaseUrl: `${mirror}/targets`,
      fetcher,
      forceCache,
    });
    await updater.refresh();
    return updater;
  };
  const kept = once(() => refresh(new NoFetcher(), true).catch(() => undefined));
  const fetched = once(() => refresh(new Fetcher(), false));
  const keptFile = async (name: string) => {
    const updater = await kept();
    const target = await updater?.getTargetInfo(name);
    return target === undefined ? undefined : updater?.findCachedTarget(target);
  };
  const fetchedFile = async (name: string) => {
    const updater = await fetched();
    const target = await updater.getTargetInfo(name);
    if (target === undefined) throw new Error(`it has no ${name}`);
    return (await updater.findCachedTarget(target)) ?? updater.downloadTarget(target);
  };
  return {
    read: async (name) => {
      try {
        const file = (await keptFile(name).catch(() => undefined)) ?? (await fetchedFile(name));
        const value: unknown = JSON.parse(await readFile(file, 'utf8'));
        return value;
      } catch (error) {
        throw unavailable(mirror, error);
      }
    },
  };
}

function unavailable(mirror: string, error: unknown): unknown {
  if (error instanceof ActionError && error.code === 'CANCELLED') return error;
  const { host } = new URL(mirror);
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof ActionError ? reason : `what it has cannot be used: ${reason}`;
  return new ActionError('TRUSTED_ROOT_UNAVAILABLE', `No trust material from ${host}: ${cause}`, { cause: error });
}
