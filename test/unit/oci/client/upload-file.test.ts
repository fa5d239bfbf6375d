import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FaultAction, startRegistry } from '../../../support/registry.ts';
import { connect, layerOf } from '../../../support/registry-client.ts';

// Larger than both buffers together, and no multiple of one, so that each of them is used again; no two parts are alike.
const bytes = Buffer.alloc(3_500_001);
for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(at, at);
const layer = layerOf(bytes);

let temp: string;
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'upload-file-'));
});
afterAll(() => rm(temp, { recursive: true, force: true }));

async function stored(name: string, content: Uint8Array = bytes) {
  const path = join(temp, name);
  await writeFile(path, content);
  return () => ({ path, digest: layerOf(content).digest });
}

describe('uploading a blob from a file', () => {
  it.each([0, 1, 1024 * 1024, 2 * 1024 * 1024, 2 * 1024 * 1024 + 1, bytes.length])(
    'all %i bytes arrive, in order',
    async (size) => {
      await using registry = await startRegistry();
      const { repository } = await connect(registry);
      const content = bytes.subarray(0, size);
      await repository.putBlob(layerOf(content), await stored(`size-${size}`, content));
      expect(registry.blob('org/app', layerOf(content).digest)?.equals(content)).toBe(true);
      expect(registry.writes().map(({ method, status }) => `${method} ${status}`)).toEqual(['POST 202', 'PUT 201']);
    },
  );

  it.each<readonly [string, FaultAction]>([
    ['a connection that breaks within the body', { reset: 'mid-body' }],
    ['a connection that breaks before the answer', { reset: 'before' }],
    ['a 503', { status: 503 }],
  ])('22: %s leads to a new session and to the whole file again', async (_, action) => {
    await using registry = await startRegistry({ faults: [{ match: { method: 'PUT' }, action }] });
    const { repository, sleeps } = await connect(registry);
    await repository.putBlob(layer, await stored('again'));
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
    expect(registry.writes().filter(({ method }) => method === 'POST')).toHaveLength(2);
    expect(sleeps).toHaveLength(1);
  });

  it('1: a token that expires before the PUT costs one more, and the file is sent from its beginning', async () => {
    await using registry = await startRegistry({
      auth: { bearer: {} },
      faults: [{ match: { method: 'PUT' }, action: { expireTokens: true } }],
    });
    const { repository } = await connect(registry);
    await repository.putBlob(layer, await stored('token'));
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
    expect(registry.tokenRequests()).toBe(2);
  });

  it('35: 413 while the file is still on its way is what the error says', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { status: 413, early: true } }],
    });
    const { repository } = await connect(registry);
    const big = Buffer.alloc(20_000_000, 'x');
    const failed = repository.putBlob(layerOf(big), await stored('early', big));
    await expect(failed).rejects.toMatchObject({ code: 'TOO_LARGE', facts: { status: 413 } });
  });

  it.each([
    ['shorter', bytes.subarray(0, 2_000_000), 'only 2000000'],
    ['longer', Buffer.concat([bytes, bytes]), 'more'],
  ])('a file that is %s than it was ends the upload at once, without a byte of it', async (name, content, said) => {
    await using registry = await startRegistry();
    const { repository, sleeps } = await connect(registry);
    const failed = repository.putBlob(layer, await stored(name, content));
    await expect(failed).rejects.toMatchObject({ code: 'LAYOUT_CORRUPT' });
    await expect(failed).rejects.toThrow(said);
    expect(sleeps).toEqual([]);
    expect(registry.blob('org/app', layer.digest)).toBeUndefined();
  });

  it('a file that is gone ends the upload at once, with its name', async () => {
    await using registry = await startRegistry();
    const { repository, sleeps } = await connect(registry);
    const path = join(temp, 'gone');
    await expect(repository.putBlob(layer, () => ({ path, digest: layer.digest }))).rejects.toThrow(path);
    expect(sleeps).toEqual([]);
  });

  it('a cancelled run ends the upload', async () => {
    await using registry = await startRegistry({ faults: [{ match: { method: 'PUT' }, action: { hang: 'before' } }] });
    const controller = new AbortController();
    const { repository } = await connect(registry, { signal: controller.signal });
    const waiting = repository.putBlob(layer, await stored('cancelled'));
    const ended = expect(waiting).rejects.toThrow('the run was cancelled');
    await vi.waitUntil(() => registry.log.some(({ method }) => method === 'PUT'), 20_000);
    controller.abort(new Error('the run was cancelled'));
    await ended;
  });

  it('P2: a file that has changed is not sent to its end, at registries that check nothing, too', async () => {
    await using registry = await startRegistry();
    const { repository, sleeps } = await connect(registry);
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const open = await stored(`changed-${at}`, changed);
      const failed = repository.putBlob(layer, () => ({ ...open(), digest: layer.digest }));
      await expect(failed).rejects.toMatchObject({
        code: 'LAYOUT_CORRUPT',
        message: expect.stringContaining(layer.digest),
      });
    }
    expect(sleeps).toEqual([]);
    const sent = registry.log.filter(({ method }) => method === 'PUT');
    expect(sent.every((each) => each.status === 0 && each.bytes < bytes.length)).toBe(true);
    expect(registry.openUploads()).toBe(0);
  });
});
