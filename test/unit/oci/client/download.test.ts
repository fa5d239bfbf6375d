import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../../../src/oci/client/auth.ts';
import { startRegistry } from '../../../support/registry.ts';
import { connect, layerOf } from '../../../support/registry-client.ts';

const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
const auth = { basic: { username: 'bot', password: 'canary' } };
const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
const layer = layerOf(bytes);
const GET = { method: 'GET', path: /\/blobs\// } as const;

async function served(...[options]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  registry.putBlob('org/app', bytes);
  return registry;
}

describe('downloading a blob', () => {
  it('gives the bytes, checked', async () => {
    await using registry = await served();
    const { repository } = await connect(registry);
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(registry.requests()).toBe(1);
  });

  it('case 21: a connection that breaks is taken up where it stopped', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { reset: 'mid-answer' } }] });
    const { repository } = await connect(registry);
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(registry.log.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${bytes.length / 2}-`]);
  });

  it('case 21: a server that ignores Range sends everything again, and what is known is read over', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { reset: 'mid-answer' } }] });
    registry.addFault({ match: { ...GET, nth: 2 }, action: { ignoreRange: true } });
    const { repository } = await connect(registry);
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(registry.log.map(({ status }) => status)).toEqual([0, 200]);
  });

  it('case 67: an answer that stops is given up and taken up again', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { hang: 'mid-answer' } }] });
    const { repository } = await connect(registry, { timeouts: { idle: 200 } });
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(registry.log[1]?.headers.range).toBeDefined();
  });

  it('case 67: what comes slowly is given on before a buffer is full', async () => {
    const server = http.createServer((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    try {
      const { repository } = await connect({ host });
      const { read, close } = repository.readBlob(layer);
      const buffer = Buffer.alloc(bytes.length);
      expect(await read(buffer)).toBe(1000);
      expect(buffer.subarray(0, 1000).equals(bytes.subarray(0, 1000))).toBe(true);
      const rest = read(buffer);
      close();
      await expect(rest).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each(['with a length', 'in chunks'])(
    'a reader that takes its time gets every byte, of an answer %s',
    async (how) => {
      const large = randomBytes(5_000_000);
      await using registry = await startRegistry();
      registry.putBlob('org/app', large);
      if (how === 'in chunks') registry.addFault({ match: GET, action: { headers: { 'content-length': null } } });
      const { repository } = await connect(registry);
      const taken: Buffer[] = [];
      for await (const chunk of await repository.getBlob(layerOf(large))) {
        taken.push(chunk);
        await sleep(5);
      }
      expect(Buffer.concat(taken).equals(large)).toBe(true);
      const { read } = repository.readBlob(layerOf(large));
      const buffer = Buffer.alloc(300_001);
      const pieces: Buffer[] = [];
      for (let size = await read(buffer); size > 0; size = await read(buffer)) {
        pieces.push(Buffer.from(buffer.subarray(0, size)));
        await sleep(5);
      }
      expect(Buffer.concat(pieces).equals(large)).toBe(true);
    },
  );

  it('a blob that never goes on is an error that says where it stopped', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { reset: 'mid-answer' } }] });
    for (const nth of [2, 3, 4]) registry.addFault({ match: { ...GET, nth }, action: { status: 206 } });
    const { repository } = await connect(registry);
    const failed = buffer(await repository.getBlob(layer));
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    await expect(failed).rejects.toThrow('at byte 100000 of 200000');
  });

  it('wrong bytes, and more than there should be, are DIGEST_MISMATCH', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { corrupt: 'answer' } }] });
    const { repository } = await connect(registry);
    await expect(buffer(await repository.getBlob(layer))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(buffer(await repository.getBlob({ ...layer, size: 10 }))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  it.each([301, 302, 303, 307, 308])('case 11: %i to another host: followed without credentials', async (status) => {
    await using storage = await startRegistry({
      faults: [{ match: {}, action: { status: 200, body: bytes.toString('latin1') }, optional: true }],
    });
    storage.putBlob('bucket', bytes);
    const key = `http://${storage.host}/v2/bucket/blobs/${layer.digest}?signature=canary`;
    await using registry = await served({ auth });
    registry.addFault({ match: { ...GET, nth: 2 }, action: { redirect: key, status } });
    const { repository } = await connect(registry, { credentials });
    await (await repository.getBlob(layer))
      .resume()
      .toArray()
      .catch(() => undefined);
    expect(registry.log.map(({ authorization }) => authorization)).toEqual([false, true]);
    expect(storage.log[0]).toMatchObject({ authorization: false, method: 'GET', query: '?signature=canary' });
  });

  it('case 11: a Range goes along with a redirect', async () => {
    await using storage = await served();
    await using registry = await served({ auth });
    const key = `http://${storage.host}/v2/org/app/blobs/${layer.digest}`;
    registry.addFault({ match: { ...GET, nth: 2 }, action: { reset: 'mid-answer' } });
    registry.addFault({ match: { ...GET, nth: 3 }, action: { redirect: key, status: 307 } });
    const { repository } = await connect(registry, { credentials });
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(storage.log).toMatchObject([{ status: 206, authorization: false }]);
  });

  it('credentials do not come back when a redirect leads away and home again', async () => {
    await using registry = await served({ auth });
    await using storage = await startRegistry();
    const home = `http://${registry.host}/v2/org/app/blobs/${layer.digest}?back`;
    storage.addFault({ match: {}, action: { redirect: home, status: 307 } });
    registry.addFault({ match: { ...GET, nth: 2 }, action: { redirect: `http://${storage.host}/x`, status: 307 } });
    const { repository } = await connect(registry, { credentials });
    await expect(repository.getBlob(layer)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(registry.log.map(({ authorization }) => authorization)).toEqual([false, true, false]);
  });

  it('case 14: redirects that do not end are refused', async () => {
    await using registry = await served();
    registry.addFault({ match: { ...GET, nth: 'all' }, action: { redirect: '/v2/org/app/blobs/again', status: 302 } });
    const { repository } = await connect(registry);
    await expect(repository.getBlob(layer)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(registry.requests()).toBe(6);
  });

  it.each(['ftp://127.0.0.1/x', 'file:///etc/passwd', 'http://example.com/x', 'http://['])(
    'a redirect to %s is not followed',
    async (target) => {
      await using registry = await served();
      registry.addFault({ match: GET, action: { redirect: target, status: 302 } });
      const { repository } = await connect(registry);
      await expect(repository.getBlob(layer)).rejects.toMatchObject({
        code: expect.stringMatching(/^(REDIRECT_REFUSED|PLAIN_HTTP)$/),
      });
    },
  );

  it('case 60: a 503 is waited for', async () => {
    await using registry = await served({ faults: [{ match: GET, action: { status: 503 } }] });
    const { repository, sleeps } = await connect(registry);
    expect((await buffer(await repository.getBlob(layer))).equals(bytes)).toBe(true);
    expect(sleeps).toHaveLength(1);
  });
});
