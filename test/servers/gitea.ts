import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../e2e/daemon.ts';
import { freePort, run } from '../e2e/programs.ts';
import { expectOk, isUp, secret } from './loopback.ts';
import type { Server } from './server.ts';

export const GITEA = '1.26.0';

/** Starts Gitea with the organization `team`, an owner of it, and a user without rights on it. */
export async function startGitea(home: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const [port, backend] = [await freePort(), await freePort()];
  const configuration = join(home, 'app.ini');
  await mkdir(home, { recursive: true });
  // Its templates and its locales come with the module.
  const module = JSON.parse(await run('go', ['mod', 'download', '-json', `code.gitea.io/gitea@v${GITEA}`], { env }));
  await writeFile(
    configuration,
    `
APP_NAME = Gitea
RUN_MODE = prod
WORK_PATH = ${home}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${backend}
ROOT_URL = http://127.0.0.1:${port}/
OFFLINE_MODE = true
DISABLE_SSH = true
STATIC_ROOT_PATH = ${module.Dir}
[database]
DB_TYPE = sqlite3
PATH = ${join(home, 'gitea.db')}
[security]
INSTALL_LOCK = true
SECRET_KEY = ${secret()}
[cron]
ENABLED = false
[log]
LEVEL = Warn
`,
  );
  const gitea = (...args: readonly string[]) => run('gitea', [...args, '--config', configuration], { env });
  await gitea('migrate');
  const owner = { username: 'owner', password: secret() };
  const reader = { username: 'reader', password: secret() };
  for (const { username, password } of [owner, reader]) {
    const user = ['--username', username, '--password', password, '--email', `${username}@example.org`];
    await gitea('admin', 'user', 'create', ...user, '--must-change-password=false');
  }
  await startDaemon('gitea', 'gitea', ['web', '--config', configuration], {
    home,
    env,
    ready: () => isUp(`http://127.0.0.1:${backend}/api/healthz`),
  });
  const authorization = `Basic ${Buffer.from(`${owner.username}:${owner.password}`).toString('base64')}`;
  await expectOk(`http://127.0.0.1:${backend}/api/v1/orgs`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'team', visibility: 'public' }),
  });
  return { name: `Gitea ${GITEA}`, port, backends: [['/', backend]], owner, reader };
}
