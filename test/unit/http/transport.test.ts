import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import * as http from 'node:http';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isInternal, isLoopback } from '../../../src/http/addresses.ts';
import { proxyFor } from '../../../src/http/proxy.ts';
import { readBody } from '../../../src/http/response-body.ts';
import { createTransport } from '../../../src/http/transport.ts';
import type { Credentials } from '../../../src/oci/client/auth.ts';
import { startRegistry } from '../../support/registry.ts';
import { connect } from '../../support/registry-client.ts';

let temp: string;
/** A self-signed certificate for 127.0.0.1 and localhost, and one for a registry elsewhere. */
let tls: { readonly key: string; readonly cert: string };
let elsewhere: { readonly key: string; readonly cert: string };

async function certificate(name: string, names: string) {
  const [key, cert] = [join(temp, `${name}.key`), join(temp, `${name}.pem`)];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert];
  await promisify(execFile)('openssl', [...request, ...subject]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'transport-'));
  tls = await certificate('local', 'IP:127.0.0.1,DNS:localhost');
  elsewhere = await certificate('elsewhere', 'DNS:registry.example.test');
});
afterAll(() => rm(temp, { recursive: true, force: true }));

/** A CONNECT proxy that leads every name to one port of this machine, and notes what it was asked for. */
async function startProxy(port: number) {
  const asked: { readonly target: string; readonly authorization: string | undefined }[] = [];
  const server = http.createServer((_, response) => response.writeHead(405).end());
  const tunnels = new Set<{ destroy: () => void }>();
  server.on('connect', (request, client) => {
    tunnels.add(client);
    asked.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    const upstream = connectTo(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const each of [client, upstream]) each.on('error', () => each.destroy());
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const close = async () => {
    for (const tunnel of tunnels) tunnel.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    asked,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: close,
  };
}

/** A proxy that opens no tunnel: it answers every CONNECT with this text, or not at all. */
async function startRefusal(answer: string, asked: string[]) {
  const server = http.createServer();
  const clients = new Set<Duplex>();
  server.on('connect', (request, client) => {
    clients.add(client);
    client
      .on('error', () => client.destroy())
      .on('end', () => client.destroy())
      .on('close', () => clients.delete(client));
    asked.push(request.url ?? '');
    if (answer !== '') client.end(answer);
    else client.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    open: () => clients.size,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function transport(options: Partial<Parameters<typeof createTransport>[0]> = {}) {
  return createTransport({
    signal: new AbortController().signal,
    insecureHosts: [],
    env: {},
    userAgent: 'test',
    ...options,
  });
}

describe('65: TLS', () => {
  it('a certificate that nobody vouches for is TLS_UNTRUSTED, at once, and no credentials are sent', async () => {
    await using registry = await startRegistry({ tls, auth: { basic: { username: 'bot', password: 'canary' } } });
    const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
    const { repository, sleeps } = await connect(registry, { credentials });
    await expect(repository.head('1.0')).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
    expect(sleeps).toEqual([]);
    expect(registry.log).toEqual([]);
  });

  it('is trusted with its own authority given, without losing the usual ones', async () => {
    await using registry = await startRegistry({ tls });
    const { repository } = await connect(registry, { ca: tls.cert });
    expect(await repository.head('1.0')).toBeUndefined();
  });

  it('a certificate for another name is TLS_UNTRUSTED', async () => {
    await using registry = await startRegistry({ tls: elsewhere });
    const { repository } = await connect(registry, { ca: elsewhere.cert });
    await expect(repository.head('1.0')).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
  });

  it('19: an upload address that leads from HTTPS to HTTP is refused, with the usual cause', async () => {
    await using registry = await startRegistry({ tls });
    const rewrite = { header: 'location', from: /^https/, to: 'http' };
    registry.addFault({ match: { method: 'POST' }, action: { rewrite } });
    const { repository } = await connect(registry, { ca: tls.cert });
    const blob = { mediaType: 'x', digest: `sha256:${'a'.repeat(64)}`, size: 1 } as const;
    const failed = repository.putBlob(blob, () => expect.unreachable('nothing is to be sent'));
    await expect(failed).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    await expect(failed).rejects.toThrow('X-Forwarded-Proto');
    expect(registry.writes()).toHaveLength(1);
  });
});

describe('65: the way to a registry', () => {
  it('a name that does not exist and a port without a listener are REGISTRY_UNREACHABLE, tried again', async () => {
    const unknown = await connect({ host: 'registry.invalid' });
    const failed = unknown.repository.head('1.0');
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    await expect(failed).rejects.toThrow('registry.invalid');
    const gone = await startRegistry();
    await gone.close();
    const { repository, sleeps } = await connect(gone);
    await expect(repository.head('1.0')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(sleeps).toHaveLength(4);
  });

  it('plain HTTP to another machine is refused unless its host is listed', async () => {
    const send = transport();
    const url = new URL('http://registry.example.test:5000/v2/');
    await expect(send({ method: 'GET', url })).rejects.toMatchObject({ code: 'PLAIN_HTTP' });
    const listed = transport({ insecureHosts: ['registry.example.test:5000'], timeouts: { connect: 500 } });
    await expect(listed({ method: 'GET', url })).rejects.not.toMatchObject({ code: 'PLAIN_HTTP' });
  });

  it('goes through HTTPS_PROXY by CONNECT, with the credentials of the proxy for the proxy only', async () => {
    await using registry = await startRegistry({ tls: elsewhere });
    await using proxy = await startProxy(Number(registry.host.split(':')[1]));
    const env = { HTTPS_PROXY: `http://proxyuser:proxypass@127.0.0.1:${proxy.port}` };
    const host = 'registry.example.test';
    const { repository } = await connect({ host }, { ca: elsewhere.cert, env });
    expect(await repository.head('1.0')).toBeUndefined();
    const authorization = `Basic ${Buffer.from('proxyuser:proxypass').toString('base64')}`;
    expect(proxy.asked).toEqual([{ target: `${host}:443`, authorization }]);
    expect(JSON.stringify(registry.log)).not.toContain('proxy-authorization');
  });

  it.each([
    ['registry.example.test:443', 'the usual port'],
    ['registry.example.test:0443', 'a port with a zero in front'],
  ])('%s, a name with %s, is asked with its credentials, and its pages are its own', async (host) => {
    await using registry = await startRegistry({
      tls: elsewhere,
      auth: { basic: { username: 'bot', password: 'canary' } },
    });
    await using proxy = await startProxy(Number(registry.host.split(':')[1]));
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
    const { repository } = await connect({ host }, { ca: elsewhere.cert, env, credentials });
    expect(await repository.head('1.0')).toBeUndefined();
    expect(await repository.listTags()).toEqual([]);
  });

  it('an address that can be written in several ways is one', async () => {
    await using registry = await startRegistry({ auth: { basic: { username: 'bot', password: 'canary' } } });
    const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
    const { repository } = await connect({ host: registry.host.replace('127.0.0.1', '127.1') }, { credentials });
    expect(await repository.head('1.0')).toBeUndefined();
  });

  it('a host on the list for plain HTTP may have the usual port', async () => {
    const listed = transport({ insecureHosts: ['registry.invalid:80'] });
    const failed = listed({ method: 'GET', url: new URL('http://registry.invalid:80/v2/') });
    await expect(failed).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it.each(['socks5://proxy.test:1080', 'http://user:p%@proxy.test', 'http://user:p@ss:canary@pr oxy', 'proxy:port'])(
    '%s is the address of no proxy that can be used, which is said without its password',
    async (address) => {
      const send = transport({ env: { ALL_PROXY: address } });
      const failed = send({ method: 'GET', url: new URL('https://registry.example.test/v2/') });
      await expect(failed).rejects.toMatchObject({ code: 'INPUT_INVALID' });
      await expect(failed).rejects.not.toThrow(/canary|p%/);
    },
  );

  it('what a proxy says in place of a tunnel is no answer of the registry, whose credentials it would steer', async () => {
    const challenge = 'WWW-Authenticate: Bearer realm="https://collector.example.test/token",service="x"';
    for (const [status, more] of [
      ['401 Unauthorized', challenge],
      ['404 Not Found', 'X: y'],
      ['201 Created', 'X: y'],
      ['407 Proxy Authentication Required', 'Proxy-Authenticate: Basic'],
    ] as const) {
      const asked: string[] = [];
      await using proxy = await startRefusal(`HTTP/1.1 ${status}\r\n${more}\r\nContent-Length: 0\r\n\r\n`, asked);
      const env = { HTTPS_PROXY: `http://user:canary@127.0.0.1:${proxy.port}` };
      const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'secret' });
      const { repository } = await connect({ host: 'registry.example.test' }, { env, credentials });
      const failed = repository.head('1.0');
      await expect(failed, status).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
      await expect(failed).rejects.toThrow(`the proxy 127.0.0.1:${proxy.port} answered ${status.slice(0, 3)}`);
      await expect(failed).rejects.not.toThrow('canary');
      expect(new Set(asked)).toEqual(new Set(['registry.example.test:443']));
    }
  });

  it('a proxy that never answers is given up, and its connection with it', async () => {
    await using proxy = await startRefusal('', []);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const send = transport({ env, timeouts: { connect: 200 } });
    const failed = send({ method: 'GET', url: new URL('https://registry.example.test/v2/') });
    await expect(failed).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await expect.poll(() => proxy.open()).toBe(0);

    const cancellation = new AbortController();
    const cancelled = transport({ env, signal: cancellation.signal });
    const pending = cancelled({ method: 'GET', url: new URL('https://registry.example.test/v2/') });
    await expect.poll(() => proxy.open()).toBe(1);
    cancellation.abort(new Error('cancelled'));
    await expect(pending).rejects.toThrow('cancelled');
    await expect.poll(() => proxy.open()).toBe(0);
  });

  it('an answer that begins and drips without an end is given up', async () => {
    const server = http.createServer((request) => {
      request.socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => request.socket.write('X-A: b\r\n'), 20);
      request.socket.on('error', () => undefined).on('close', () => clearInterval(drip));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const send = transport({ timeouts: { idle: 200, read: 300, answer: () => 300 } });
    const failed = send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/v2/`) });
    await expect(failed).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('so is a body that is to be read whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = new PassThrough();
    const url = new URL('https://registry.example.test/v2/');
    const failed = expect(readBody({ status: 200, headers: {}, url, stream }, 1000)).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
    for (let minute = 0; minute < 10 && !stream.destroyed; minute++) {
      stream.write('x');
      await vi.advanceTimersByTimeAsync(60_000);
    }
    await failed;
  });

  it('a registry on this machine is never behind a proxy, and NO_PROXY is heeded', async () => {
    await using registry = await startRegistry();
    await using proxy = await startProxy(1);
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const { repository } = await connect(registry, { env });
    await repository.head('1.0');
    const away = await connect({ host: 'registry.invalid' }, { env: { ...env, NO_PROXY: '.invalid' } });
    await expect(away.repository.head('1.0')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(proxy.asked).toEqual([]);
  });

  const env = {
    HTTPS_PROXY: 'http://s',
    HTTP_PROXY: 'http://p',
    NO_PROXY: 'corp.test, .dot.test,only.test:8443 *.star.test',
  };
  it.each([
    ['https://registry.test/', env, 'http://s'],
    ['http://registry.test/', env, 'http://p'],
    ['https://corp.test/', env, undefined],
    ['https://deep.corp.test/', env, undefined],
    ['https://notcorp.test/', env, 'http://s'],
    ['https://a.dot.test/', env, undefined],
    ['https://a.star.test/', env, undefined],
    ['https://only.test/', env, 'http://s'],
    ['https://only.test:8443/', env, undefined],
    ['https://registry.test/', { NO_PROXY: '*', HTTPS_PROXY: 'http://s' }, undefined],
    ['https://registry.test/', { https_proxy: 'http://lower', HTTPS_PROXY: 'http://s' }, 'http://lower'],
    ['https://registry.test/', { HTTPS_PROXY: 'http://s', no_proxy: 'REGISTRY.test' }, undefined],
    ['https://registry.test/', { HTTP_PROXY: 'http://p' }, undefined],
    ['https://registry.test/', { ALL_PROXY: 'http://all' }, 'http://all'],
    ['https://registry.test/', { HTTPS_PROXY: 'proxy.test:3128' }, 'http://proxy.test:3128'],
    ['https://10.1.2.3:5000/', { HTTPS_PROXY: 'http://s', NO_PROXY: '192.168.0.0/16,10.0.0.0/8' }, undefined],
    ['https://11.1.2.3/', { HTTPS_PROXY: 'http://s', NO_PROXY: '10.0.0.0/8' }, 'http://s'],
    ['https://10.1.2.3/', { HTTPS_PROXY: 'http://s', NO_PROXY: '10.0.0.0/99' }, 'http://s'],
    ['https://[fd00::1]/', { HTTPS_PROXY: 'http://s', NO_PROXY: 'fd00:0::1' }, undefined],
    ['https://[fd00::1]:5000/', { HTTPS_PROXY: 'http://s', NO_PROXY: '[fd00::1]:5000' }, undefined],
    ['https://[fd00::1]/', { HTTPS_PROXY: 'http://s', NO_PROXY: '[fd00::1]:5000' }, 'http://s'],
    ['https://registry.test/', {}, undefined],
    ['http://localhost:5000/', env, undefined],
    ['http://127.0.0.1:5000/', env, undefined],
    ['https://[::1]:5000/', env, undefined],
  ])('%s with %j goes through %s', (url, variables, expected) => {
    expect(proxyFor(new URL(url), variables)).toBe(expected);
  });
});

describe('67: a server that keeps silent', () => {
  it('before its answer is given up, and said to be slow', async () => {
    await using registry = await startRegistry({ faults: [{ match: {}, action: { hang: 'before' } }] });
    const send = transport({ timeouts: { idle: 100, read: 150, answer: () => 150 } });
    const url = new URL(`http://${registry.host}/v2/`);
    await expect(send({ method: 'GET', url })).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: 'no answer within 0.15 s',
    });
  });

  it('within its answer is given up', async () => {
    const fault = { status: 200, body: 'x'.repeat(1000) };
    await using registry = await startRegistry({ faults: [{ match: {}, action: fault }] });
    registry.addFault({ match: {}, action: { hang: 'mid-answer' } });
    const send = transport({ timeouts: { idle: 100 } });
    const response = await send({ method: 'GET', url: new URL(`http://${registry.host}/v2/`) });
    await expect(readBody(response, 2000)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('a cancelled run ends the request with the reason of the run', async () => {
    await using registry = await startRegistry({ faults: [{ match: {}, action: { hang: 'before' } }] });
    const controller = new AbortController();
    const send = transport({ signal: controller.signal });
    const waiting = send({ method: 'GET', url: new URL(`http://${registry.host}/v2/`) });
    setTimeout(() => controller.abort(new Error('the run was cancelled')), 50);
    await expect(waiting).rejects.toThrow('the run was cancelled');
  });
});

describe('addresses', () => {
  it.each([
    ['localhost', true, true],
    ['registry.localhost', true, true],
    ['localhost.', true, true],
    ['127.0.0.1', true, true],
    ['127.8.8.8', true, true],
    ['[::1]', true, true],
    ['10.1.2.3', false, true],
    ['169.254.169.254', false, true],
    ['172.31.0.1', false, true],
    ['192.168.0.1', false, true],
    ['100.100.0.1', false, true],
    ['0.0.0.0', false, true],
    ['[fe80::1]', false, true],
    ['[fd00::1]', false, true],
    ['[::ffff:a00:5]', false, true],
    ['172.32.0.1', false, false],
    ['8.8.8.8', false, false],
    ['[2606:4700::1]', false, false],
    ['notlocalhost', false, false],
    ['ghcr.io', false, false],
  ])('%s: loopback %s, internal %s', (host, loopback, internal) => {
    expect(isLoopback(host)).toBe(loopback);
    expect(isInternal(host)).toBe(internal);
  });
});
