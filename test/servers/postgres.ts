import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startDaemon } from '../e2e/daemon.ts';
import { find, freePort, run } from '../e2e/programs.ts';
import { secret } from './loopback.ts';

/** Folder with `initdb` and `postgres`: Debian keeps them apart from the PATH, by version. */
export function postgresPrograms(roots: readonly string[], path: string): string | undefined {
  const folders = roots.flatMap((root) => {
    const versions = join(root, 'lib', 'postgresql');
    try {
      return readdirSync(versions).map((version) => join(versions, version, 'bin'));
    } catch {
      return [];
    }
  });
  return [...folders, ...path.split(':')].find(
    (folder) => find('initdb', folder) !== undefined && find('postgres', folder) !== undefined,
  );
}

/** How Django names a database. */
export interface Database {
  readonly NAME: string;
  readonly USER: string;
  readonly PASSWORD: string;
  readonly HOST: string;
  readonly PORT: string;
}

/**
 * Starts PostgreSQL on loopback with a database of its own. It refuses to run as root: there, it runs as `nobody`.
 * @param env `POSTGRES_BIN` has the folder with its programs
 */
export async function startPostgres(home: string, name: string, env: NodeJS.ProcessEnv): Promise<Database> {
  const port = await freePort();
  const password = secret();
  const data = join(home, 'data');
  const passwords = join(home, 'password');
  await mkdir(home, { recursive: true });
  await writeFile(passwords, password);
  const ids = process.getuid?.() === 0 ? await idsOf('nobody') : undefined;
  if (ids !== undefined) for (const path of [home, passwords]) await chown(path, ids.user, ids.group);
  const program = (base: string) => join(env.POSTGRES_BIN ?? '', base);
  const as = (base: string, args: readonly string[]): readonly [string, readonly string[]] =>
    ids === undefined
      ? [program(base), args]
      : ['setpriv', [`--reuid=${ids.user}`, `--regid=${ids.group}`, '--clear-groups', program(base), ...args]];
  const [initialize, initializeArgs] = as('initdb', [
    ...['--pgdata', data, '--username', 'pulp', '--pwfile', passwords],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
  ]);
  await run(initialize, initializeArgs, { env: { ...env, HOME: home }, cwd: home });
  await rm(passwords);
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', port: `${port}` };
  const options = Object.entries(settings).flatMap(([setting, value]) => ['-c', `${setting}=${value}`]);
  // Without a client: the server itself creates the database, before it listens.
  const [single, singleArgs] = as('postgres', ['--single', '-D', data, 'postgres']);
  await run(single, singleArgs, { env, input: `CREATE DATABASE ${name}\n` });
  const [server, serverArgs] = as('postgres', ['-D', data, ...options]);
  await startDaemon('postgres', server, serverArgs, {
    home,
    env,
    ready: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
      return true;
    },
  });
  return { NAME: name, USER: 'pulp', PASSWORD: password, HOST: '127.0.0.1', PORT: `${port}` };
}

async function idsOf(user: string): Promise<{ readonly user: number; readonly group: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => run('id', [option, user])));
  return { user: Number(uid), group: Number(gid) };
}
