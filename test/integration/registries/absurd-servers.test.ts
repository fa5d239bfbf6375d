import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { certificate } from '../../support/certificate.ts';
import { fill } from '../../support/copy-source.ts';
import { startRawServer } from '../../support/raw-server.ts';
import { startRegistry } from '../../support/registry.ts';
import { createPromotionJob } from '../promote/job.ts';

const REPLY = 'HTTP/1.1 200 OK\r\n';

/** Promotes from a host that is no registry, or a strange one. */
async function promoteFrom(host: string, inputs: Readonly<Record<string, string>> = {}) {
  await using job = await createPromotionJob();
  await using target = await startRegistry();
  const run = await job.promote({ from: `${host}/org/app:1`, to: `${target.host}/org/app:1`, ...inputs });
  const { errors } = JSON.parse(run.outputs.json ?? '{"errors":[]}');
  expect(target.writes()).toEqual([]);
  return { ...run, error: errors[0] ?? {}, errors };
}

/** What is no TLS: the probe of the scheme. */
const whenHttp = (act: (socket: Socket, head: string) => void) => (socket: Socket, head: string) =>
  head.startsWith('GET') || head.startsWith('HEAD') ? act(socket, head) : socket.destroy();

describe.concurrent('P7: a server that is no registry ends the run with an outcome and a sentence', () => {
  test.each<readonly [string, (socket: Socket, head: string) => void, string, RegExp]>([
    [
      '101 Switching Protocols',
      (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
      'REGISTRY_UNREACHABLE',
      /answered 101 to switch to another protocol/,
    ],
    [
      'headers without an end',
      (socket) => {
        socket.write(REPLY);
        const timer = setInterval(() => socket.write(`X-${Date.now()}: ${'a'.repeat(4000)}\r\n`), 2);
        socket.on('close', () => clearInterval(timer));
      },
      'REGISTRY_UNREACHABLE',
      /Header overflow/i,
    ],
    [
      'HTTP/2 without TLS',
      (socket) => socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])),
      'REGISTRY_UNREACHABLE',
      /not valid HTTP\/1\.1/,
    ],
    [
      'an alert of TLS',
      (socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 40])),
      'REGISTRY_UNREACHABLE',
      /not valid HTTP/,
    ],
    ['an empty reply', (socket) => socket.end(), 'REGISTRY_UNREACHABLE', /socket hang up|without an answer/],
    [
      'a connection that is reset',
      (socket) => socket.resetAndDestroy(),
      'REGISTRY_UNREACHABLE',
      /ECONNRESET|socket hang up/,
    ],
    [
      'a body that is shorter than its length',
      (socket) => socket.end(`${REPLY}content-length: 500\r\n\r\n{"schemaVersion":2}`),
      'REGISTRY_UNREACHABLE',
      /aborted/,
    ],
    [
      'chunks that are none',
      (socket) => socket.end(`${REPLY}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`),
      'REGISTRY_UNREACHABLE',
      /aborted/,
    ],
    [
      'a login page',
      (socket) =>
        socket.end(`${REPLY}content-type: text/html\r\ncontent-length: 27\r\n\r\n<html>Please log in.</html>`),
      'ANSWER_INVALID',
      /web page/,
    ],
    [
      'a content encoding that nobody knows',
      (socket) => socket.end(`${REPLY}content-encoding: snappy\r\ncontent-length: 2\r\n\r\n{}`),
      'ANSWER_INVALID',
      /"snappy", which was not requested/,
    ],
    [
      'a content encoding that it is not',
      (socket) => socket.end(`${REPLY}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}`),
      'ANSWER_INVALID',
      /is not the gzip it claims to be/,
    ],
    [
      'a redirect in circles',
      (socket) => socket.end('HTTP/1.1 302 Found\r\nlocation: /v2/org/app/manifests/1\r\ncontent-length: 0\r\n\r\n'),
      'REDIRECT_REFUSED',
      /redirects more than 5 times/,
    ],
    [
      'a redirect to another scheme',
      (socket) => socket.end('HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n'),
      'REDIRECT_REFUSED',
      /leads to file:/,
    ],
  ])('%s', async (_, act, code, message) => {
    await using server = await startRawServer(whenHttp(act));
    const run = await promoteFrom(server.host);
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' }, error: { code } });
    expect(run.error.message).toMatch(message);
    expect(run.error.message).toContain(server.host);
    expect(run.errors).toHaveLength(1);
    expect(run.log.replaceAll(/^::debug::.*$/gm, '')).not.toContain('    at ');
  });

  test('a server that supports HTTP/2 only', async () => {
    await using pair = await certificate();
    const { key, cert } = pair;
    const ALPNCallback = ({ protocols }: { readonly protocols: string[] }) => protocols.find((each) => each === 'h2');
    const server = createServer({ key, cert, ALPNCallback }, (socket) => socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const run = await promoteFrom(`127.0.0.1:${port}`, { 'registry-ca': pair.file });
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
      expect(run.error).toMatchObject({ code: 'TLS_REFUSED', message: expect.stringContaining('HTTP/2') });
    } finally {
      server.close();
    }
  });

  test('a manifest that comes compressed, though nobody asked for that, is read', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true });
    const { bytes, descriptor } = fill(registry, 'org/app').image(['a'], {}, 'one');
    registry.addFault({
      match: { method: 'GET', path: /manifests\/one/ },
      action: {
        status: 200,
        headers: { 'content-type': descriptor.mediaType, 'content-encoding': 'gzip' },
        body: gzipSync(bytes),
      },
    });
    const run = await job.promote({ images: `${registry.host}/org/app`, from: 'one', environment: 'staging' });
    expect(run, run.log).toMatchObject({ outputs: { outcome: 'promoted', digest: descriptor.digest } });
  });
});
