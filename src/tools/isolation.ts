import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment, type Runtime } from '../runtime/runtime.ts';

/** A clean environment for a child process: with its own home, configuration and working directory. */
export interface Isolation {
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder to run in: tools read configuration from their working directory. */
  readonly cwd: string;
  /** For the caller's files, outside `cwd`. */
  readonly directory: string;
}

/**
 * Creates an isolated environment in the run's temp directory. Its variables contain program paths, proxies,
 * certificates and locale, but no tokens, docker logins or tool settings (`TRIVY_*`): any of those could change a
 * result or leak to an untrusted program.
 * @param network `offline` leaves out the proxies too, whose URLs may contain a password
 */
export async function isolate(runtime: Runtime, name: string, network: 'online' | 'offline'): Promise<Isolation> {
  const directory = await mkdtemp(join(runtime.temp, `${name}-`));
  const inside = async (name: string) => {
    await mkdir(join(directory, name), { mode: 0o700 });
    return join(directory, name);
  };
  const [home, cwd, temporary, docker] = [
    await inside('home'),
    await inside('cwd'),
    await inside('tmp'),
    await inside('docker'),
  ];
  const inherited = Object.entries(runtime.env).filter(([key]) => network === 'online' || !/_proxy$/i.test(key));
  const env = childEnvironment(Object.fromEntries(inherited), [], {
    HOME: home,
    USERPROFILE: home,
    APPDATA: home,
    LOCALAPPDATA: home,
    XDG_CACHE_HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_DATA_HOME: home,
    // Registry clients look for logins here too.
    XDG_RUNTIME_DIR: home,
    DOCKER_CONFIG: docker,
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
  });
  return { env, cwd, directory };
}
