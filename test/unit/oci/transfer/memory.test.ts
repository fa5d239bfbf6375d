import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const SIZE = 256 * 1024 * 1024;
/** Of that many zeros, in a file that takes no space. */
const HEX = 'a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484';
const PROGRAM = fileURLToPath(new URL('../../../support/upload-large.ts', import.meta.url));
const COPY = fileURLToPath(new URL('../../../support/copy-large.ts', import.meta.url));

let temp: string;
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'memory-'));
  await mkdir(join(temp, 'blobs', 'sha256'), { recursive: true });
  await using file = await open(join(temp, 'blobs', 'sha256', HEX), 'w');
  await file.truncate(SIZE);
});
afterAll(() => rm(temp, { recursive: true, force: true }));

/** A registry that hashes what comes and keeps none of it. */
async function startSink() {
  const received: { readonly length: string | undefined; readonly hex: string }[] = [];
  const server = http.createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.once('end', () => {
      const put = request.method === 'PUT';
      if (put) received.push({ length: request.headers['content-length'], hex: hash.digest('hex') });
      response.writeHead(put ? 201 : 202, { location: '/upload' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    received,
    host: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A registry all of whose blobs are zeros, as many as the path says at its end. */
async function startSource(sizes: ReadonlyMap<string, number>) {
  const zeros = Buffer.alloc(1024 * 1024);
  const answer = async ({ url }: http.IncomingMessage, response: http.ServerResponse) => {
    const size = sizes.get(url?.split('/').at(-1) ?? '') ?? 0;
    response.writeHead(200, { 'content-length': size });
    for (let at = 0; at < size; at += zeros.length) if (!response.write(zeros)) await once(response, 'drain');
    response.end();
  };
  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

it('four blobs of 100 MiB and more go from registry to registry at once in 40 MiB of memory', async () => {
  const sizes = new Map<string, number>();
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(1024 * 1024);
  for (let at = 1; at <= 103; at++) {
    hash.update(zeros);
    if (at >= 100) sizes.set(`sha256:${hash.copy().digest('hex')}`, at * zeros.length);
  }
  await using source = await startSource(sizes);
  await using sink = await startSink();
  const blobs = [...sizes].map(([digest, size]) => `${digest}=${size}`);
  const args = [COPY, source.host, sink.host, ...blobs];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  const arrived = sink.received.map(({ hex, length }) => [`sha256:${hex}`, Number(length)]);
  expect(arrived.toSorted()).toEqual([...sizes].toSorted());
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(Number(stdout)).toBeLessThan(40 * 1024);
});

it('a blob of 256 MiB arrives whole, and never lies in memory', async () => {
  await using sink = await startSink();
  const args = [PROGRAM, sink.host, temp, `sha256:${HEX}`, String(SIZE)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  expect(sink.received).toEqual([{ length: String(SIZE), hex: HEX }]);
  // A program that reads TypeScript holds a good third of it before it begins; with the whole blob it would hold more than all.
  expect(Number(stdout) * 1024).toBeLessThan(SIZE * 0.6);
  expect(Number(stdout)).toBeGreaterThan(0);
});
