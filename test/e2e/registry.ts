import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { freePort, run } from './programs.ts';

export interface RegistryOptions {
  /** Folder for its data, created; one for each registry. */
  readonly home: string;
  /** Holds the PATH with docker-registry. */
  readonly env: NodeJS.ProcessEnv;
  /** Asks for this login. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Default: docker-registry. */
  readonly program?: string;
  /** Its `auth` section, instead of `login`. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Speaks TLS, with a certificate of an authority of its own. */
  readonly tls?: boolean;
}

/** One request as the registry's access log has it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface Registry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** The certificate of its authority, when it speaks TLS. */
  readonly ca?: string;
  /** The requests since `mark`, without those of the set-up itself. */
  readonly requests: () => Promise<readonly LoggedRequest[]>;
  /** From here on. */
  readonly mark: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** After `stop`: with the same address and what it had. */
  readonly startAgain: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const SETUP = 'e2e-setup';

/** Starts the real docker-registry on loopback, with storage of its own and a readable access log. */
export async function startRegistry({
  home,
  env,
  program = 'docker-registry',
  login,
  auth: section,
  tls,
}: RegistryOptions): Promise<Registry> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  await mkdir(home, { recursive: true });
  const certificate = tls === true ? await makeCertificate(home, env) : undefined;
  const http = {
    addr: host,
    // Uploads are continued by any of its processes; there is one only.
    secret: 'loopback',
    ...(certificate === undefined ? {} : { tls: { certificate: certificate.file, key: certificate.key } }),
  };
  const auth =
    login === undefined
      ? section === undefined
        ? {}
        : { auth: section }
      : { auth: { htpasswd: { realm: 'tests', path: await writePasswords(home, env, login) } } };
  const configuration = {
    version: '0.1',
    log: { accesslog: { disabled: false }, level: 'warn' },
    storage: { filesystem: { rootdirectory: join(home, 'data') }, delete: { enabled: true } },
    http,
    ...auth,
  };
  // JSON is YAML.
  await writeFile(join(home, 'config.yml'), JSON.stringify(configuration));
  const ca = certificate === undefined ? undefined : await readFile(certificate.ca, 'utf8');
  const start = () =>
    startDaemon(`registry-${port}`, program, ['serve', join(home, 'config.yml')], {
      home,
      env: { ...env, OTEL_TRACES_EXPORTER: 'none' },
      ready: () => answers(port, ca),
    });
  let daemon = await start();
  let from = 0;
  const all = async () => parseAccessLog(await daemon.log());
  return {
    host,
    ...(certificate === undefined ? {} : { ca: certificate.ca }),
    requests: async () => (await all()).slice(from),
    mark: async () => {
      from = (await all()).length;
    },
    stop: () => daemon.stop(),
    startAgain: async () => {
      daemon = await start();
    },
    [Symbol.asyncDispose]: () => daemon.stop(),
  };
}

/** What a client needs to know of a registry. */
export type Address = Pick<Registry, 'host' | 'ca'>;

/** Starts a registry on loopback that has the referrers API, without a login. Its content is gone with it. */
export async function startReferrersRegistry({
  home,
  env,
}: Pick<RegistryOptions, 'home' | 'env'>): Promise<Omit<Registry, 'requests' | 'mark' | 'ca' | 'startAgain'>> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const daemon = await startDaemon(`referrers-registry-${port}`, 'referrers-registry', [host], {
    home,
    env,
    ready: () => answers(port, undefined),
  });
  return { host, stop: daemon.stop, [Symbol.asyncDispose]: daemon.stop };
}

/** Lines in Apache's combined format, amid the registry's own. */
function parseAccessLog(text: string): readonly LoggedRequest[] {
  return text.split('\n').flatMap((line) => {
    const [, method, path, status, agent] =
      /^\S+ - \S* \[[^\]]+\] "([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) \d+ "[^"]*" "([^"]*)"/.exec(line) ?? [];
    if (method === undefined || path === undefined || agent === SETUP) return [];
    return [{ method, path, status: Number(status) }];
  });
}

/** What changed anything in a registry. An upload that was begun and cancelled, to ask for the right to push, did not. */
export function writes(requests: readonly LoggedRequest[]): readonly LoggedRequest[] {
  const changing = requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
  const cancelled = changing.filter(({ method, path }) => method === 'DELETE' && /\/blobs\/uploads\/./.test(path));
  const begun = changing.filter(
    ({ method, path, status }) => method === 'POST' && /\/blobs\/uploads\/$/.test(path) && status === 202,
  );
  const probes = new Set([...cancelled, ...begun.slice(0, cancelled.length)]);
  return changing.filter((each) => !probes.has(each));
}

function answers(port: number, ca: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/v2/', headers: { 'user-agent': SETUP }, timeout: 2000 };
    const asked = ca === undefined ? request(options) : requestTls({ ...options, ca });
    asked.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 401);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

/** An authority and a certificate for 127.0.0.1, of openssl. */
async function makeCertificate(home: string, env: NodeJS.ProcessEnv) {
  const at = (name: string) => join(home, name);
  const openssl = (...args: readonly string[]) => run('openssl', args, { env });
  const days = ['-days', '2'];
  await openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...days],
    ...[
      '-subj',
      '/CN=Tests authority',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=keyCertSign',
    ],
    ...['-keyout', at('ca.key'), '-out', at('ca.crt')],
  );
  await openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=127.0.0.1'],
    ...['-keyout', at('tls.key'), '-out', at('tls.csr')],
  );
  await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await openssl(
    ...['x509', '-req', '-in', at('tls.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', ...days],
    ...['-extfile', at('names'), '-out', at('tls.crt')],
  );
  return { ca: at('ca.crt'), file: at('tls.crt'), key: at('tls.key') };
}

/** The registry reads bcrypt only, which Perl takes from the C library. The password goes in by stdin. */
async function writePasswords(
  home: string,
  env: NodeJS.ProcessEnv,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<string> {
  const file = join(home, 'htpasswd');
  const salt = `$2b$05$${randomBytes(16).toString('hex').slice(0, 21)}u`;
  const program = 'my $password = <STDIN>; print crypt($password, $ARGV[0])';
  const hash = await run('perl', ['-e', program, salt], { env, input: password });
  if (!hash.startsWith('$2b$')) throw new Error('This C library knows no bcrypt.');
  await writeFile(file, `${username}:${hash}\n`, { mode: 0o600 });
  return file;
}
