import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment, type Runtime } from '../runtime/runtime.ts';

/** A world for a child process in which nobody has left anything: home, configuration and working directory are its own. */
export interface Isolation {
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder to run in: tools read configuration from where they are started. */
  readonly cwd: string;
  /** For files of the caller, outside of `cwd`. */
  readonly directory: string;
}

/**
 * Makes such a world below the run's temp directory. The environment holds where programs are, proxies, certificates and
 * locale: no token, no login of Docker, and no setting of a tool (`TRIVY_*`), because any of them could change a result or
 * be read by a program that is not to be trusted with it.
 * @param network `offline` leaves the proxies out too, whose addresses may hold a password
 */
export async function isolate(runtime: Runtime, name: string, network: 'online' | 'offline'): Promise<Isolation> {
  const directory = await mkdtemp(join(runtime.temp, `${name}-`));
  const inside = async (each: string) => {
    await mkdir(join(directory, each), { mode: 0o700 });
    return join(directory, each);
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
