import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { TestRegistry } from './registry.ts';

/** One request that reached a host of the cloud. The body is whole. */
export interface CloudRequest {
  readonly method: string;
  readonly host: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface CloudReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as JSON unless it is a text or bytes. */
  readonly body?: unknown;
}

export type Service = (request: CloudRequest) => CloudReply | Promise<CloudReply>;

/** A service, or a registry in memory that is to be found under the name, with the vendor's own API beside it. */
export type Host = Service | (Pick<TestRegistry, 'host'> & { readonly api?: Service });

export interface Cloud {
  /** What a process needs to reach it: HTTPS_PROXY, and NODE_EXTRA_CA_CERTS for the authority of its certificates. */
  readonly env: Readonly<Record<string, string>>;
  /** PEM text of that authority. */
  readonly ca: string;
  readonly caFile: string;
  /** What the services (not the registries) were asked, in order. */
  readonly requests: readonly CloudRequest[];
  /** Names that were asked for and are not there: nothing must ever be sent to those. */
  readonly strangers: readonly string[];
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Vendors' hosts under their real names: a proxy on 127.0.0.1 that answers CONNECT itself, with certificates of an
 * authority of its own. So nothing in the product has to know of tests, and host patterns meet real names.
 */
export async function startCloud(hosts: Readonly<Record<string, Host>>): Promise<Cloud> {
  const folder = await mkdtemp(join(tmpdir(), 'registry-action-cloud-'));
  const { key, cert, ca, caFile } = await certificates(folder, Object.keys(hosts));
  const requests: CloudRequest[] = [];
  const strangers: string[] = [];
  const sockets = new Set<Duplex>();

  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const host = (request.headers.host ?? '').replace(/:443$/, '');
    const found = hosts[host];
    if (found === undefined) return void response.writeHead(421).end();
    const service = typeof found === 'function' ? found : found.api;
    const isRegistry = /^\/(?:v2\/|token)/.test(request.url ?? '');
    if (typeof found !== 'function' && (isRegistry || service === undefined))
      return forward(request, response, found.host);
    if (service === undefined) return;
    const body = await readAll(request);
    const url = new URL(request.url ?? '/', `https://${host}`);
    const asked = { method: request.method ?? '', host, url, headers: request.headers, body };
    requests.push(asked);
    const reply = await Promise.resolve()
      .then(() => service(asked))
      .catch((error: unknown): CloudReply => ({ status: 599, body: String(error) }));
    const { status, headers = {}, body: content } = reply;
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
    const text = content === undefined ? '' : isRaw ? content : JSON.stringify(content);
    const type = isRaw ? 'text/plain' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers }).end(request.method === 'HEAD' ? '' : text);
  };
  const server = https.createServer({ key, cert }, (request, response) => void answer(request, response));
  const proxy = http.createServer((_request, response) => response.writeHead(502).end());
  proxy.on('connect', (request: http.IncomingMessage, socket: Duplex) => {
    const host = (request.url ?? '').replace(/:443$/, '');
    socket.on('error', () => undefined);
    if (hosts[host] === undefined) {
      strangers.push(host);
      return void socket.end('HTTP/1.1 502 no such host\r\n\r\n');
    }
    sockets.add(socket);
    const { port } = addressOf(server);
    const inner = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      inner.pipe(socket).pipe(inner);
    });
    inner.on('error', () => socket.destroy());
    socket.on('close', () => inner.destroy());
  });
  await Promise.all([server, proxy].map((each) => new Promise<void>((go) => each.listen(0, '127.0.0.1', go))));

  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    proxy.closeAllConnections();
    await Promise.all([server, proxy].map((each) => new Promise((done) => each.close(done))));
    await rm(folder, { recursive: true, force: true });
  };
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${addressOf(proxy).port}`, NODE_EXTRA_CA_CERTS: caFile },
    ca,
    caFile,
    requests,
    strangers,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function addressOf(server: http.Server | https.Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address;
}

/** Hands a request on to a registry in memory, with all its headers and byte for byte. */
function forward(request: http.IncomingMessage, response: http.ServerResponse, to: string): void {
  const [hostname, port] = to.split(':');
  const { method, headers, url: path } = request;
  const onward = http.request({ hostname, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

async function readAll(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** An authority, and one certificate for all names. */
async function certificates(folder: string, names: readonly string[]) {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args);
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl(
    'req',
    '-x509',
    ...fresh,
    '-subj',
    '/CN=test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  );
  await openssl('req', ...fresh.slice(0, -2), '-subj', '/CN=test', '-keyout', file('key.pem'), '-out', file('csr.pem'));
  await writeFile(file('san'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`);
  const sign = [
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    file('san'),
  ];
  await openssl('x509', '-req', '-in', file('csr.pem'), ...sign, '-out', file('cert.pem'));
  const [key, cert, ca] = await Promise.all(
    ['key.pem', 'cert.pem', 'ca.pem'].map((name) => readFile(file(name), 'utf8')),
  );
  return { key, cert, ca: ca ?? '', caFile: file('ca.pem') };
}
