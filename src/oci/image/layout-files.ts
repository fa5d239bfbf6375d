import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { pipeline, type Readable, Transform } from 'node:stream';
import pLimit from 'p-limit';
import { type Digest, splitDigest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { blobPath, corrupt, invalid, MANIFEST_LIMIT } from './document.ts';
import { type Hasher, hashHere, hashInThreads } from './hasher.ts';

/** Size in bytes from which starting threads pays off. */
const WORTH_THREADS = 64 * 1024 * 1024;
/** Streams allocate a buffer per chunk: larger chunks are no faster and cost memory. */
const CHUNK_BYTES = 256 * 1024;
const HASH_THREADS = 4;

/** The files of one layout. Only opens files inside its folder. */
export interface LayoutFiles {
  readonly path: (digest: Digest) => string;
  /** The verified bytes of a blob; the stream fails with LAYOUT_CORRUPT when they do not match. */
  readonly open: (blob: Descriptor) => Readable;
  /** The bytes of a small file of the layout. @throws ActionError LAYOUT_CORRUPT, SOURCE_UNSAFE */
  readonly read: (name: string, limit?: number) => Promise<Uint8Array>;
  /** The bytes of a small blob, with digest and size checked. @throws ActionError IMAGE_INVALID, LAYOUT_CORRUPT, SOURCE_UNSAFE */
  readonly readBlob: (blob: Descriptor, limit?: number) => Promise<Uint8Array>;
  /**
   * Checks that every blob exists with the right size, without reading it.
   * @throws ActionError LAYOUT_CORRUPT, SOURCE_UNSAFE
   */
  readonly checkSizes: (blobs: readonly Descriptor[]) => Promise<void>;
  /**
   * Reads every blob that was not read yet, and checks digest and size.
   * @throws ActionError LAYOUT_CORRUPT, SOURCE_UNSAFE
   */
  readonly verify: (blobs: readonly Descriptor[]) => Promise<void>;
}

export function openLayoutFiles(directory: string): LayoutFiles {
  const path = (digest: Digest) => join(directory, ...blobPath(digest));
  const checked = new Set<Digest>();

  const openFile = async (name: string): Promise<FileHandle> => {
    const file = join(directory, name);
    let real: string;
    try {
      real = await realpath(file);
    } catch (error) {
      throw corrupt(`${file} is missing`, error);
    }
    // Links within the layout are followed. One that leads out of it could publish any file of the runner.
    if (!real.startsWith((await realpath(directory)) + sep)) {
      throw new ActionError('SOURCE_UNSAFE', `${file} is a link that leads out of the layout.`);
    }
    const handle = await open(real, 'r').catch((error: unknown) => {
      throw corrupt(`${file} cannot be opened`, error);
    });
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      throw corrupt(`${file} is not a file`);
    }
    return handle;
  };

  const read = async (name: string, limit = MANIFEST_LIMIT): Promise<Uint8Array> => {
    await using handle = await openFile(name);
    const { size } = await handle.stat();
    if (size > limit) throw corrupt(`${join(directory, name)} has ${size} bytes, more than the ${limit} that are read`);
    return await handle.readFile();
  };

  const checkSize = (blob: Descriptor, size: number) => {
    if (size !== blob.size)
      throw corrupt(`${path(blob.digest)} has ${size} bytes, not the ${blob.size} of its descriptor`);
  };

  const checkDigest = (blob: Descriptor, hex: string) => {
    const { algorithm, hex: wanted } = splitDigest(blob.digest);
    if (hex !== wanted)
      throw corrupt(`${path(blob.digest)} does not have this digest, its bytes give ${algorithm}:${hex}`);
  };

  const verifyOne = async (blob: Descriptor, hasher: Hasher): Promise<void> => {
    await using handle = await openFile(join(...blobPath(blob.digest)));
    checkSize(blob, (await handle.stat()).size);
    const { size, hex } = await hasher.hash(handle.fd, splitDigest(blob.digest).algorithm);
    checkSize(blob, size);
    checkDigest(blob, hex);
  };

  return {
    path,
    open: (blob) => {
      const { algorithm } = splitDigest(blob.digest);
      const hash = createHash(algorithm);
      let size = 0;
      const check = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          size += chunk.length;
          hash.update(chunk);
          done(null, chunk);
        },
        flush: (done) => {
          try {
            checkSize(blob, size);
            checkDigest(blob, hash.digest('hex'));
            checked.add(blob.digest);
            done();
          } catch (error) {
            done(error instanceof Error ? error : new Error(String(error)));
          }
        },
      });
      // The reader gets the error.
      return pipeline(createReadStream(path(blob.digest), { highWaterMark: CHUNK_BYTES }), check, () => undefined);
    },
    checkSizes: async (blobs) => {
      const limit = pLimit(HASH_THREADS);
      await limit.map(blobs, async (blob) => {
        await using handle = await openFile(join(...blobPath(blob.digest)));
        checkSize(blob, (await handle.stat()).size);
      });
    },
    read,
    readBlob: async (blob, limit = MANIFEST_LIMIT) => {
      if (blob.size > limit) {
        throw invalid(`${path(blob.digest)} has ${blob.size} bytes, more than the ${limit} that are read`);
      }
      const bytes = await read(join(...blobPath(blob.digest)), limit);
      checkSize(blob, bytes.length);
      checkDigest(blob, createHash(splitDigest(blob.digest).algorithm).update(bytes).digest('hex'));
      checked.add(blob.digest);
      return bytes;
    },
    verify: async (blobs) => {
      const unread = blobs.filter((blob) => !checked.has(blob.digest));
      const bytes = unread.reduce((sum, { size }) => sum + size, 0);
      const threads = Math.min(availableParallelism(), HASH_THREADS, unread.length);
      await using hasher = bytes >= WORTH_THREADS && threads > 1 ? hashInThreads(threads) : hashHere;
      const limit = pLimit(HASH_THREADS);
      // Largest first: a big file that starts last delays everything.
      const order = unread.toSorted((a, b) => b.size - a.size);
      await Promise.all(order.map((blob) => limit(() => verifyOne(blob, hasher))));
    },
  };
}
