import { generateKeyPairSync } from 'node:crypto';
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Daemon, startDaemon } from '../daemon.ts';
import { freePorts, run } from '../programs.ts';
import { fulcioConfiguration, type Issuer, startIssuer } from './issuer.ts';

/** A Sigstore of its own on loopback: Fulcio, a CT log, Rekor v2, a timestamp authority, and an issuer like GitHub's. */
export interface PrivateSigstore {
  readonly issuer: Issuer;
  /** Files for `--trusted-root` and `--signing-config`, also of cosign. */
  readonly trustedRoot: string;
  readonly signingConfig: string;
  readonly urls: Readonly<Record<'fulcio' | 'rekor' | 'tsa', string>>;
  readonly stopRekor: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const STARTED = '2024-01-01T00:00:00Z';
/** What the log calls itself in checkpoints. A trusted root must say the same, though nothing listens there. */
const REKOR_ORIGIN = 'rekor.local';

/**
 * Starts all of it in about half a second, with keys made for this run.
 * @param home folder for keys, logs and data, created
 * @param env holds the PATH with the programs that `install.sh sigstore` builds, and with cosign and openssl
 * @param tsa timestamp authority of another one to use. Default: one of its own
 */
export async function startSigstore({
  home,
  env,
  tsa,
}: {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tsa?: string | undefined;
}): Promise<PrivateSigstore> {
  await mkdir(home, { recursive: true });
  const at = (name: string) => join(home, name);
  const issuer = await startIssuer();
  await makeKeys(at, env);
  const [ct = 0, rekorPort = 0, tsaPort = 0, fulcioPort = 0, ...spares] = await freePorts(8);
  const ports = { ct, rekor: rekorPort, tsa: tsaPort, fulcio: fulcioPort };
  const url = (name: keyof typeof ports) =>
    name === 'tsa' && tsa !== undefined ? tsa : `http://127.0.0.1:${ports[name]}`;
  const spare = () => String(spares.pop());
  const daemons: Daemon[] = [];
  const stopAll = async () => {
    for (const each of daemons.toReversed()) await each.stop();
    await issuer.close();
  };
  const start = async (name: string, program: string, args: readonly string[], probe: string) => {
    const daemon = await startDaemon(name, program, args, { home, env, ready: () => answers(probe) });
    daemons.push(daemon);
    return daemon;
  };
  // The comment keeps Fulcio from reading it as JSON, where the same settings have other names.
  await writeFile(at('fulcio.yaml'), `# YAML\n${JSON.stringify(fulcioConfiguration(issuer.url))}\n`);
  const starting = await Promise.allSettled([
    start(
      'rekor',
      'rekor-tiles',
      [
        ...['serve', '--storage-dir', at('rekor'), '--signer-filepath', at('rekor.pem'), '--hostname', REKOR_ORIGIN],
        ...['--http-address', '127.0.0.1', '--http-port', String(ports.rekor), '--grpc-address', '127.0.0.1'],
        ...['--grpc-port', spare(), '--http-metrics-port', spare()],
        ...['--checkpoint-interval', '200ms', '--batch-max-age', '10ms'],
      ],
      url('rekor'),
    ),
    start(
      'ct',
      'tesseract',
      [
        ...[
          '-private_key',
          at('ct.pem'),
          '-origin',
          'ct.local',
          '-storage_dir',
          at('ct'),
          '-roots_pem_file',
          at('ca.crt'),
        ],
        ...['-http_endpoint', `127.0.0.1:${ports.ct}`, '-enable_publication_awaiter=false', '-batch_max_age', '10ms'],
        '-logtostderr',
      ],
      url('ct'),
    ),
    tsa === undefined
      ? start(
          'tsa',
          'timestamp-server',
          [
            ...['serve', '--host', '127.0.0.1', '--port', String(ports.tsa), '--timestamp-signer', 'memory'],
            '--disable-ntp-monitoring',
          ],
          `${url('tsa')}/api/v1/timestamp/certchain`,
        )
      : undefined,
    start(
      'fulcio',
      'fulcio',
      [
        ...['serve', '--host', '127.0.0.1', '--port', String(ports.fulcio), '--grpc-host', '127.0.0.1'],
        ...['--grpc-port', spare(), '--metrics-port', spare(), '--ca', 'fileca', '--fileca-watch=false'],
        ...['--fileca-cert', at('ca.crt'), '--fileca-key', at('ca.pem'), '--fileca-key-passwd', PASSWORD],
        ...['--ct-log-url', url('ct'), '--ct-log-public-key-path', at('ct.pub'), '--config-path', at('fulcio.yaml')],
        ...['--legacy-unix-domain-socket', `@fulcio-${ports.fulcio}`],
      ],
      `${url('fulcio')}/healthz`,
    ),
  ]);
  const [rekor] = starting;
  const failed = starting.find((each) => each.status === 'rejected');
  if (failed !== undefined || rekor.status !== 'fulfilled') {
    await stopAll();
    throw failed?.reason;
  }
  const chain = await fetch(`${url('tsa')}/api/v1/timestamp/certchain`);
  await writeFile(at('tsa.crt'), await chain.text());
  await describe(at, env, { fulcio: url('fulcio'), rekor: url('rekor'), tsa: `${url('tsa')}/api/v1/timestamp` });
  return {
    issuer,
    trustedRoot: at('trusted-root.json'),
    signingConfig: at('signing-config.json'),
    urls: { fulcio: url('fulcio'), rekor: url('rekor'), tsa: url('tsa') },
    stopRekor: () => rekor.value.stop(),
    [Symbol.asyncDispose]: stopAll,
  };
}

/** Fulcio refuses a key without a password. */
const PASSWORD = 'loopback';

async function makeKeys(at: (name: string) => string, env: NodeJS.ProcessEnv): Promise<void> {
  const ct = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(at('ct.pem'), ct.privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  await writeFile(at('ct.pub'), ct.publicKey.export({ type: 'spki', format: 'pem' }));
  const rekor = generateKeyPairSync('ed25519');
  await writeFile(at('rekor.pem'), rekor.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(at('rekor.pub'), rekor.publicKey.export({ type: 'spki', format: 'pem' }));
  await run(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2'],
      ...['-passout', `pass:${PASSWORD}`, '-subj', '/O=acme/CN=Private Fulcio'],
      ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:1', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ...['-keyout', at('ca.pem'), '-out', at('ca.crt')],
    ],
    { env },
  );
  await chmod(at('ca.pem'), 0o600);
}

/** Writes the trusted root and the signing config, with cosign. */
async function describe(
  at: (name: string) => string,
  env: NodeJS.ProcessEnv,
  { fulcio, rekor, tsa }: Readonly<Record<'fulcio' | 'rekor' | 'tsa', string>>,
): Promise<void> {
  const service = (fields: Readonly<Record<string, string>>) =>
    Object.entries(fields)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
  const common = { 'start-time': STARTED, operator: 'loopback' };
  await run(
    'cosign',
    [
      ...['trusted-root', 'create', '--out', at('trusted-root.json')],
      ...['--no-default-fulcio', '--no-default-ctfe', '--no-default-rekor', '--no-default-tsa'],
      ...['--fulcio', service({ url: fulcio, 'certificate-chain': at('ca.crt') })],
      ...[
        '--rekor',
        service({
          url: `http://${REKOR_ORIGIN}`,
          'public-key': at('rekor.pub'),
          'start-time': STARTED,
          origin: REKOR_ORIGIN,
        }),
      ],
      ...['--ctfe', service({ url: 'http://ct.local', 'public-key': at('ct.pub'), 'start-time': STARTED })],
      ...['--tsa', service({ url: tsa, 'certificate-chain': at('tsa.crt') })],
    ],
    { env },
  );
  // gh reads roots by the line, and drops a last one that has no end.
  await appendFile(at('trusted-root.json'), '\n');
  await run(
    'cosign',
    [
      ...['signing-config', 'create', '--out', at('signing-config.json')],
      ...['--no-default-fulcio', '--no-default-oidc', '--no-default-rekor', '--no-default-tsa'],
      ...['--fulcio', service({ url: fulcio, 'api-version': '1', ...common })],
      ...['--rekor', service({ url: rekor, 'api-version': '2', ...common }), '--rekor-config', 'ANY'],
      ...['--tsa', service({ url: tsa, 'api-version': '1', ...common }), '--tsa-config', 'ANY'],
    ],
    { env },
  );
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}
