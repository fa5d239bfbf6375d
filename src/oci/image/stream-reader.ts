import type { Readable } from 'node:stream';

/** Milliseconds after which a buffer that is not full is given on: who waits for it must not believe that nobody is there. */
const PATIENCE = 100;
const NONE = Buffer.alloc(0);

/** The bytes of an answer, taken into buffers of the taker. */
export interface Tap {
  /** Fills the buffer, with less when the bytes come slowly or are at their end; 0: the stream is over, or broken. */
  readonly take: (buffer: Uint8Array) => Promise<number>;
  readonly close: () => void;
}

/** Draws from a stream whose chunks belong to nobody else. */
export function tap(stream: Readable): Tap {
  let chunk: Buffer = NONE;
  /** Where in the chunk that begins which was not taken yet. */
  let at = 0;
  let over = false;
  /** What is done with bytes that come, and with the end; set while somebody takes. */
  let look = () => {};

  stream.on('data', (next: Buffer) => {
    chunk = chunk === NONE ? next : Buffer.concat([chunk.subarray(at), next]);
    at = 0;
    look();
  });
  const end = () => {
    over = true;
    look();
  };
  for (const event of ['end', 'close', 'error']) stream.on(event, end);
  stream.pause();

  const take = (buffer: Uint8Array): Promise<number> =>
    new Promise((resolve) => {
      let taken = 0;
      let late = false;
      const giveUp = setTimeout(() => {
        late = true;
        look();
      }, PATIENCE);
      look = () => {
        const end = Math.min(chunk.length, at + buffer.length - taken);
        if (end > at) {
          buffer.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), taken);
          taken += end - at;
          at = end;
          if (at === chunk.length) {
            free(chunk);
            chunk = NONE;
            at = 0;
          }
        }
        if (taken < buffer.length && !over && !(late && taken > 0)) return void stream.resume();
        clearTimeout(giveUp);
        look = () => {};
        stream.pause();
        resolve(taken);
      };
      look();
    });
  return { take, close: () => void stream.destroy() };
}

/**
 * Gives the memory of bytes that were copied back at once. The collector, which sees how small the objects are that hold it,
 * would let a hundred megabytes of them gather.
 */
function free({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && length === buffer.byteLength) buffer.transfer(0);
}
