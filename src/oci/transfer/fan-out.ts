import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds for which the first reader waits for the others. Whoever comes later reads the source for itself. */
const GATHER = 2000;

export interface FanOut {
  /** The bytes for one reader; called again for another try, it reads the source anew. */
  readonly open: () => Readable;
  /** One reader less: it needs the bytes not, or not any more. */
  readonly leave: () => void;
}

/** Reads a stream once for several readers, as fast as the slowest of them; nothing is kept. */
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
    await Promise.race([gathered, sleep(GATHER, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
    giveUp.abort();
    started = true;
    try {
      for await (const chunk of await source()) {
        const live = branches.filter((each) => !each.destroyed);
        if (live.length === 0) return;
        await Promise.all(live.map((each) => write(each, chunk)));
      }
      for (const each of branches) if (!each.destroyed) each.end();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const each of branches) each.destroy(reason);
    }
  };
  const arrive = () => {
    awaited--;
    if (awaited <= 0) go();
  };
  return {
    open: () => {
      if (started || awaited <= 0) return Readable.from(anew(source), { objectMode: false });
      const branch = new PassThrough({ highWaterMark: 1024 * 1024 });
      // Told to whoever reads; without a reader it must not bring the process down.
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

async function* anew(source: () => Promise<Readable>): AsyncGenerator<Buffer> {
  yield* await source();
}
