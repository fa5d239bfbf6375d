import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that the first reader waits for the others. A later reader reads the source separately. */
const GATHER_MS = 2000;

export interface FanOut {
  /** The bytes for one reader; a further call is a retry and reads the source again. */
  readonly open: () => Readable;
  /** Removes a reader that does not need the bytes (any more). */
  readonly leave: () => void;
}

/** Reads a stream once for several readers, at the speed of the slowest, without storing it. */
export function fanOut(source: () => Promise<Readable>, readers: number): FanOut {
  const branches: PassThrough[] = [];
  let awaited = readers;
  let started = false;
  let pumping = false;
  let go = () => {};
  const gathered = new Promise<void>((resolve) => {
    go = resolve;
  });
  const pump = async (): Promise<void> => {
    const giveUp = new AbortController();
    await Promise.race([gathered, sleep(GATHER_MS, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
    giveUp.abort();
    started = true;
    try {
      for await (const chunk of await source()) {
        const live = branches.filter((branch) => !branch.destroyed);
        if (live.length === 0) return;
        await Promise.all(live.map((branch) => write(branch, chunk)));
      }
      for (const branch of branches) if (!branch.destroyed) branch.end();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const branch of branches) branch.destroy(reason);
    }
  };
  const arrive = () => {
    awaited--;
    if (awaited <= 0) go();
  };
  return {
    open: () => {
      if (started || awaited <= 0) return Readable.from(readAgain(source), { objectMode: false });
      const branch = new PassThrough({ highWaterMark: 1024 * 1024 });
      // Readers get the error; without a reader it must not crash the process.
      branch.on('error', () => undefined);
      branches.push(branch);
      arrive();
      if (!pumping) {
        pumping = true;
        void pump();
      }
      return branch;
    },
    leave: arrive,
  };
}

async function write(branch: PassThrough, chunk: Buffer): Promise<void> {
  if (branch.write(chunk)) return;
  const done = new AbortController();
  const { signal } = done;
  const one = (event: string) => once(branch, event, { signal }).catch(() => undefined);
  await Promise.race([one('drain'), one('close')]);
  done.abort();
}

async function* readAgain(source: () => Promise<Readable>): AsyncGenerator<Buffer> {
  yield* await source();
}
