import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { originOf } from '../../../../src/oci/client/scheme-detection.ts';
import { type Certificate, certificate } from '../../../support/certificate.ts';

let own: Certificate;
beforeAll(async () => {
  own = await certificate();
});
afterAll(() => own[Symbol.asyncDispose]());

const tls = (options: ServerOptions = {}) => createHttps({ key: own.key, cert: own.cert, ...options });

test.each<[scheme: string, name: string, start: () => Server]>([
  ['http', 'a plain server', () => createHttp((_, response) => response.end())],
  ['http', 'a server that closes the connection', () => createServer((socket) => socket.resume().end())],
  ['http', 'a server that resets the connection', () => createServer((socket) => socket.resetAndDestroy())],
  [
    'http',
    'a server that answers once a line has ended',
    () =>
      createServer((socket) =>
        socket.on('data', (bytes) => {
          if (bytes.includes('\n')) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
        }),
      ),
  ],
  ['https', 'a TLS server', () => tls()],
  ['https', 'a TLS server that speaks version 1.3 only', () => tls({ minVersion: 'TLSv1.3' })],
  ['https', 'a TLS server that wants a client certificate', () => tls({ requestCert: true, rejectUnauthorized: true })],
  ['https', 'a TLS server with a cipher that the hello lacks', () => tls({ ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })],
])('%s: %s', async (scheme, _name, start) => {
  const server = start();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  expect(await originOf(`127.0.0.1:${port}`, [])).toBe(`${scheme}://127.0.0.1:${port}`);
  await new Promise((resolve) => server.close(resolve));
});

test('a port where nothing listens is left to the request', async () => {
  expect(await originOf('127.0.0.1:1', [])).toBe('http://127.0.0.1:1');
});

test('no other host is asked: they are HTTPS', async () => {
  expect(await originOf('registry.example.com:443', [])).toBe('https://registry.example.com');
});
