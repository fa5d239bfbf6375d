import { mkdir, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { once } from '../domain/once.ts';
import { ActionError } from '../errors/action-error.ts';
import { createApi } from '../http/api.ts';
import { createTransport } from '../http/transport.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { createSigstoreService, type SigstoreService } from '../sigstore/service.ts';
import { parseTrustedRoots, readTrustedRoot } from '../sigstore/trusted-root.ts';
import { GITHUB_REPOSITORY, openTrustFiles, PUBLIC_REPOSITORY, type TrustRepository } from '../sigstore/tuf.ts';

/** Sigstore instances that need no file: the public one, and GitHub's for private repositories. */
const KNOWN_INSTANCES = { public: PUBLIC_REPOSITORY, github: GITHUB_REPOSITORY } as const satisfies Record<
  string,
  TrustRepository
>;

export type KnownInstance = keyof typeof KNOWN_INSTANCES;

export function isKnownInstance(name: string): name is KnownInstance {
  return Object.hasOwn(KNOWN_INSTANCES, name);
}

/** How Sigstore's services are accessed: proxies, masking and retries as for registries. */
export function openSigstoreService(runtime: Runtime): SigstoreService {
  const { signal, env, clock, log, secret } = runtime;
  const transport = createTransport({ signal, insecureHosts: [], env, userAgent: 'registry-action/1' });
  return createSigstoreService({ transport, clock, signal, log, mask: secret });
}

/** An API client for requests to GitHub's OIDC provider. */
export function openTokenApi(runtime: Runtime): ReturnType<typeof createApi> {
  const { signal, env, clock, log, secret } = runtime;
  const transport = createTransport({ signal, insecureHosts: [], env, userAgent: 'registry-action/1' });
  return createApi({ transport, clock, signal, log, mask: secret });
}

/** Trust material of a known instance, cached for the other steps of the job. */
export async function openInstance(
  runtime: Runtime,
  service: SigstoreService,
  name: KnownInstance,
): ReturnType<typeof openTrustFiles> {
  const folder = join(runtime.env.RUNNER_TEMP || runtime.temp, 'registry-action-trust');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return openTrustFiles(service, KNOWN_INSTANCES[name], folder);
}

/**
 * The roots for verifying signatures: from the named files and instances, by default both known instances. A file needs
 * no request.
 * @param named paths in the workspace, `public`, `github`
 * @throws ActionError TRUSTED_ROOT_INVALID, TRUSTED_ROOT_UNAVAILABLE
 */
export async function loadTrustedRoots(runtime: Runtime, named: readonly string[]): Promise<readonly TrustedRoot[]> {
  const service = once(() => openSigstoreService(runtime));
  const sources = named.length === 0 ? Object.keys(KNOWN_INSTANCES) : named;
  const roots = await Promise.all(
    sources.map(async (source) => {
      if (!isKnownInstance(source)) return parseTrustedRoots(await readText(runtime, source), source);
      const files = await openInstance(runtime, service(), source);
      return [await readTrustedRoot(await files.read('trusted_root.json'), `The trusted root of ${source}`)];
    }),
  );
  return roots.flat();
}

async function readText(runtime: Runtime, path: string): Promise<string> {
  try {
    return await readFile(isAbsolute(path) ? path : join(runtime.workspace, path), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ActionError('TRUSTED_ROOT_INVALID', `\`trusted-root\`: ${path} cannot be read (${why}).`, {
      facts: { input: 'trusted-root' },
      cause: error,
    });
  }
}
