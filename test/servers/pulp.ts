import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../e2e/daemon.ts';
import { freePort, run } from '../e2e/programs.ts';
import { expectOk, isUp, secret } from './loopback.ts';
import { startPostgres } from './postgres.ts';
import type { Server } from './server.ts';

export const PULP = '2.30.0';

/** Starts PostgreSQL and Pulp with its container plugin, with an administrator and a user who has no right to push. */
export async function startPulp(home: string, venv: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const [port, api, content] = [await freePort(), await freePort(), await freePort()];
  const database = await startPostgres(join(home, 'postgres'), 'pulp', env);
  const at = (name: string) => join(home, name);
  for (const folder of ['media', 'tmp', 'static', 'work']) await mkdir(at(folder), { recursive: true });
  await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('token.key')]);
  await run('openssl', ['ec', '-in', at('token.key'), '-pubout', '-out', at('token.pub')]);
  await writeFile(at('fields.key'), await run('openssl', ['rand', '-base64', '32']));
  const origin = `http://127.0.0.1:${port}`;
  const settings = {
    SECRET_KEY: secret(),
    CONTENT_ORIGIN: origin,
    DATABASES: { default: { ENGINE: 'django.db.backends.postgresql', ...database } },
    DB_ENCRYPTION_KEY: at('fields.key'),
    DEPLOY_ROOT: home,
    MEDIA_ROOT: at('media'),
    WORKING_DIRECTORY: at('work'),
    FILE_UPLOAD_TEMP_DIR: at('tmp'),
    STATIC_ROOT: at('static'),
    TOKEN_SERVER: `${origin}/token/`,
    TOKEN_SIGNATURE_ALGORITHM: 'ES256',
    PRIVATE_KEY_PATH: at('token.key'),
    PUBLIC_KEY_PATH: at('token.pub'),
  };
  // Text and numbers are written alike in JSON and Python; true and false are not.
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  await writeFile(at('settings.py'), [...lines, 'CACHE_ENABLED = False', 'ANALYTICS = False', ''].join('\n'));
  const python = { ...env, PULP_SETTINGS: at('settings.py'), PATH: `${join(venv, 'bin')}:${env.PATH}` };
  const manage = (...args: readonly string[]) =>
    run(join(venv, 'bin', 'pulpcore-manager'), args, { env: python, timeout: 600_000 });
  await manage('migrate', '--noinput');
  const owner = { username: 'admin', password: secret() };
  const reader = { username: 'reader', password: secret() };
  await manage('reset-admin-password', '--password', owner.password);
  const start = (name: string, args: readonly string[], ready: () => Promise<boolean>) =>
    startDaemon(name, join(venv, 'bin', name), args, { home, env: python, ready });
  const status = `http://127.0.0.1:${api}/pulp/api/v3/status/`;
  await start('pulpcore-api', ['-b', `127.0.0.1:${api}`], () => isUp(status));
  await start('pulpcore-content', ['-b', `127.0.0.1:${content}`], () =>
    isUp(`http://127.0.0.1:${content}/pulp/content/`),
  );
  await start('pulpcore-worker', [], async () => {
    const known = await (await fetch(status)).text();
    return /"online_workers": ?\[\{/.test(known) && /"online_content_apps": ?\[\{/.test(known);
  });
  await expectOk(`http://127.0.0.1:${api}/pulp/api/v3/users/`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${owner.username}:${owner.password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(reader),
  });
  const backends = [
    ['/pulp/container/', content],
    ['/pulp/content/', content],
    ['/', api],
  ] as const;
  return { name: `Pulp container ${PULP}`, port, backends, owner, reader };
}
