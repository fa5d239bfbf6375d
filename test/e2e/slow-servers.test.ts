import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPromotionJob } from '../integration/promote/job.ts';
import { fill } from '../support/copy-source.ts';
import { startRawServer } from '../support/raw-server.ts';
import { startRegistry } from '../support/registry.ts';

/** Bytes that the throttled connection passes on at a time, and how often: 48 MiB take some 80 s. */
const SLICE = 300 * 1024;
const PAUSE_MS = 500;
const LAYER_BYTES = 48 * 1024 * 1024;

/** A port in front of another one that takes what is sent to it at a trickle. */
async function throttled(to: () => string) {
  const pass = async (socket: Socket): Promise<void> => {
    const [hostname = '', port] = to().split(':');
    const inner = connect(Number(port), hostname);
    inner.on('error', () => socket.destroy()).pipe(socket);
    socket.on('error', () => inner.destroy());
    try {
      for await (const chunk of socket) {
        inner.write(chunk);
        // Requests without a body are not held up.
        if (chunk.length > 16 * 1024) await sleep((PAUSE_MS * chunk.length) / SLICE);
      }
    } finally {
      inner.end();
    }
  };
  const server = createServer((socket) => void pass(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

// Each waits for more than a minute, most of the time for nothing: side by side.
describe.concurrent('P7: servers that are slow or say nothing', () => {
  it.each([
    ['accepts a connection and never answers', () => undefined, /no answer within 60 s/],
    [
      'stops in the middle of an answer',
      (socket: { write: (text: string) => void }) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"a":'),
      /did not go on|within 60 s/,
    ],
  ] as const)(
    'a registry that %s ends the run after 60 s for each of its tries',
    async (_, act, words) => {
      await using job = await createPromotionJob();
      await using server = await startRawServer(act);
      const start = performance.now();
      const run = await job.promote({ from: `${server.host}/org/app:1`, to: `${server.host}/org/prod:1` });
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
      const [error] = JSON.parse(run.outputs.json ?? '{}').errors;
      expect(error.code).toBe('REGISTRY_UNREACHABLE');
      expect(error.message).toMatch(words);
      expect(performance.now() - start).toBeLessThan(200_000);
    },
    240_000,
  );

  it('an upload of more than a minute goes through as long as bytes move', async () => {
    await using job = await createPromotionJob();
    await using source = await startRegistry({ referrers: true });
    let host = '';
    await using slow = await throttled(() => host);
    await using target = await startRegistry({ referrers: true, origin: `http://${slow.host}` });
    host = target.host;
    const { image, blob } = fill(source, 'org/app');
    image([], { layers: [blob(randomBytes(LAYER_BYTES / 2).toString('hex'))] }, 'v1');
    const start = performance.now();
    const run = await job.promote({
      from: `${source.host}/org/app:v1`,
      to: `${slow.host}/org/app`,
      environment: 'next',
    });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
    expect(performance.now() - start).toBeGreaterThan(61_000);
    expect(target.tags('org/app').next).toBe(run.outputs.digest);
  }, 300_000);
});
