import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { run } from '../e2e/programs.ts';
import type { Login } from '../support/plain-client.ts';

const ISSUER = 'tests';
const SERVICE = 'registry';

export interface TokenService {
  /** The `auth` section of the registry that trusts it. */
  readonly auth: Readonly<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/**
 * Gives out signed tokens as https://distribution.github.io/distribution/spec/auth/jwt/ has them, for what a user may do of what is
 * asked for.
 * @param may actions by user
 */
export async function startTokenService(
  home: string,
  port: number,
  realm: string,
  users: readonly (Login & { readonly may: readonly string[] })[],
): Promise<TokenService> {
  const key = join(home, 'token.key');
  const certificate = join(home, 'token.crt');
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=tests'],
    ...['-keyout', key, '-out', certificate],
  ]);
  const privateKey = createPrivateKey(await readFile(key));
  const x5c = [(await readFile(certificate, 'utf8')).replaceAll(/-----[A-Z ]+-----|\s/g, '')];
  const server = createServer((incoming, outgoing) => {
    const { searchParams } = new URL(incoming.url ?? '/', 'http://token');
    const user = users.find((login) => incoming.headers.authorization === basic(login));
    if (user === undefined) {
      outgoing.writeHead(401, { 'content-type': 'application/json' });
      return void outgoing.end(JSON.stringify({ details: 'incorrect username or password' }));
    }
    const access = searchParams.getAll('scope').flatMap((scope) => {
      const [, type, name, actions = ''] = /^([a-z]+):(.+):([a-z,*]+)$/.exec(scope) ?? [];
      // The list of repositories is for those who may do everything.
      const may = type === 'registry' && user.may.includes('delete') ? ['*'] : user.may;
      const granted = actions.split(',').filter((action) => may.includes(action));
      return name === undefined ? [] : [{ type, name, actions: granted }];
    });
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now, nbf: now - 5, exp: now + 300 };
    const claims = { iss: ISSUER, sub: user.username, aud: SERVICE, jti: randomUUID(), ...times, access };
    const signed = [{ typ: 'JWT', alg: 'RS256', x5c }, claims].map(encoded).join('.');
    const token = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ token, expires_in: 300 }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  return {
    auth: { token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate } },
    close: async () => void server.close(),
  };
}

function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
