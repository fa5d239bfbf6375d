import { createHash } from 'node:crypto';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';

/** The size of a file in bytes, and its hash in lower-case hex. */
interface Hashed {
  readonly size: number;
  readonly hex: string;
}

/** Hashes open files from the start. Concurrent calls run in parallel. */
export interface Hasher {
  readonly hash: (fd: number, algorithm: 'sha256' | 'sha512') => Promise<Hashed>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const CHUNK_BYTES = 1024 * 1024;
const readAt = promisify(read);

/**
 * Hashes in this thread. One buffer per file: with a new one per chunk, a large layer spends most of its time in the
 * allocator.
 */
export const hashHere: Hasher = {
  hash: async (fd, algorithm) => {
    const hash = createHash(algorithm);
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let size = 0;
    for (;;) {
      const { bytesRead } = await readAt(fd, buffer, 0, CHUNK_BYTES, size);
      if (bytesRead === 0) return { size, hex: hash.digest('hex') };
      size += bytesRead;
      hash.update(buffer.subarray(0, bytesRead));
    }
  },
  [Symbol.asyncDispose]: async () => undefined,
};

interface Task {
  readonly fd: number;
  readonly algorithm: string;
  readonly chunk: number;
}

/**
 * The code of a worker thread. It is passed as text and must not refer to its surroundings: a thread that loads the
 * whole bundle would take longer than the hashing. File descriptors are shared within the process.
 */
function threadMain(): void {
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const { createHash: create } = process.getBuiltinModule('node:crypto');
  const { readSync } = process.getBuiltinModule('node:fs');
  parentPort?.on('message', ({ fd, algorithm, chunk }: Task) => {
    try {
      const hash = create(algorithm);
      const buffer = Buffer.allocUnsafeSlow(chunk);
      let size = 0;
      for (;;) {
        const count = readSync(fd, buffer, 0, chunk, size);
        if (count === 0) break;
        size += count;
        hash.update(count === chunk ? buffer : buffer.subarray(0, count));
      }
      parentPort.postMessage({ size, hex: hash.digest('hex') });
    } catch (error) {
      parentPort.postMessage({ error: String(error) });
    }
  });
}

/** Hashes in worker threads, at most one file per thread at a time. Dispose of it: threads keep memory. */
export function hashInThreads(threads: number): Hasher {
  // Loaded for large images only.
  const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
  const idle = Array.from({ length: threads }, () => new Thread(`(${threadMain})()`, { eval: true, env: {} }));
  const all = [...idle];
  const waiting: ((worker: Worker) => void)[] = [];
  const take = () => {
    const worker = idle.pop();
    return worker === undefined ? new Promise<Worker>((resolve) => waiting.push(resolve)) : Promise.resolve(worker);
  };
  const giveBack = (worker: Worker) => {
    const next = waiting.shift();
    if (next === undefined) idle.push(worker);
    else next(worker);
  };
  return {
    hash: async (fd, algorithm) => {
      const worker = await take();
      try {
        return await answerOf(worker, { fd, algorithm, chunk: CHUNK_BYTES });
      } finally {
        giveBack(worker);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
}

function answerOf(worker: Worker, task: Task): Promise<Hashed> {
  return new Promise<Hashed>((resolve, reject) => {
    const ended = () => new Error('the thread that hashes has ended');
    // A message to a thread that has exited (its id is then -1) would be lost silently.
    if (worker.threadId < 0) throw ended();
    const settle = (act: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (answer: Hashed | { readonly error: string }) =>
      settle(() => ('hex' in answer ? resolve(answer) : reject(new Error(answer.error))));
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = () => settle(() => reject(ended()));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(task);
  });
}
