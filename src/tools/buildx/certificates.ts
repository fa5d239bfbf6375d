import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuilderEndpoint } from '../../domain/builder-endpoint.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { probeEndpoint } from './probe-endpoint.ts';

interface RemoteBuilder {
  readonly endpoint: readonly BuilderEndpoint[];
  readonly 'builder-ca': string | undefined;
  readonly 'builder-cert': string | undefined;
  readonly 'builder-key': string | undefined;
  readonly 'driver-opts': readonly string[];
}

/**
 * Makes the certificates for BuildKit daemons available to buildx, as files that only this user can read and that the
 * post step removes, and checks that every daemon accepts them.
 * @returns the files; undefined without TLS
 * @throws ActionError BUILDER_UNREACHABLE, INPUT_INVALID
 */
export async function placeCertificates(
  { temp }: Runtime,
  { endpoint, 'builder-ca': ca, 'builder-cert': cert, 'builder-key': key, 'driver-opts': options }: RemoteBuilder,
): Promise<{ readonly ca: string; readonly cert: string; readonly key: string } | undefined> {
  const serverName = options.flatMap((option) => /^servername=(.+)$/.exec(option)?.[1] ?? [])[0];
  const isComplete = ca !== undefined && cert !== undefined && key !== undefined;
  for (const each of endpoint) {
    await probeEndpoint(each, isComplete ? { ca, cert, key, serverName } : undefined);
  }
  if (!isComplete) return undefined;
  const directory = await mkdtemp(join(temp, 'builder-'));
  const files = { ca: join(directory, 'ca.pem'), cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  for (const [file, pem] of [
    [files.ca, ca],
    [files.cert, cert],
    [files.key, key],
  ] as const) {
    await writeFile(file, `${pem.trim()}\n`, { mode: 0o600, flag: 'wx' });
  }
  return files;
}
