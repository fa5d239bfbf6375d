import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Hasher, hashHere, hashInThreads } from '../../../../src/oci/image/hasher.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasher-'));
});
afterAll(() => rm(directory, { recursive: true }));

const MIB = 1024 * 1024;
const ways: readonly (readonly [string, () => Hasher])[] = [
  ['in this thread', () => hashHere],
  ['in threads', () => hashInThreads(2)],
];

describe.each(ways)('hashing %s', (_way, create) => {
  test.each([0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])('%i bytes give their size and hash', async (size) => {
    const bytes = randomBytes(size);
    const path = join(directory, `bytes-${size}`);
    await writeFile(path, bytes);
    await using hasher = create();
    await using file = await open(path);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      expect(await hasher.hash(file.fd, algorithm)).toEqual({
        size,
        hex: createHash(algorithm).update(bytes).digest('hex'),
      });
    }
  });

  test('more files than threads do not get each other’s hash', async () => {
    await using hasher = create();
    const contents = Array.from({ length: 9 }, (_, at) => Buffer.alloc(MIB + at, at));
    const found = await Promise.all(
      contents.map(async (bytes, at) => {
        const path = join(directory, `many-${at}`);
        await writeFile(path, bytes);
        await using file = await open(path);
        return await hasher.hash(file.fd, 'sha256');
      }),
    );
    expect(found.map(({ hex }) => hex)).toEqual(
      contents.map((bytes) => createHash('sha256').update(bytes).digest('hex')),
    );
  });

  test('what cannot be read is an error, and the next file is hashed all the same', async () => {
    await using hasher = create();
    await expect(hasher.hash(9999, 'sha256')).rejects.toThrow(/EBADF/);
    await using file = await open(join(directory, 'bytes-1'));
    expect((await hasher.hash(file.fd, 'sha256')).size).toBe(1);
  });
});

test('a thread that has ended fails what waits for it', async () => {
  const hasher = hashInThreads(1);
  await using file = await open(join(directory, 'bytes-1'));
  await hasher[Symbol.asyncDispose]();
  await expect(
    Promise.race([
      hasher.hash(file.fd, 'sha256'),
      new Promise((_, fail) => setTimeout(fail, 2000, new Error('hangs'))),
    ]),
  ).rejects.toThrow(/ended/);
});
