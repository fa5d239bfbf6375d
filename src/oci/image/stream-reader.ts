import type { Readable } from 'node:stream';

/** Milliseconds before a partly filled buffer is handed over, so that its reader does not take the source for dead. */
const FLUSH_DELAY_MS = 100;
const EMPTY_BUFFER = Buffer.alloc(0);

/** Reads a response body into the caller's buffers. */
export interface Tap {
  /** Fills the buffer, partly if bytes arrive slowly or end; 0 means that the stream has ended or is broken. */
  readonly take: (buffer: Uint8Array) => Promise<number>;
  readonly close: () => void;
}

/** Reads a stream that is the sole owner of its chunks. */
export function tap(stream: Readable): Tap {
  let chunk: Buffer = EMPTY_BUFFER;
  /** Offset of the first unread byte in the chunk. */
  let at = 0;
  let over = false;
  /** Handlers for data and end; set while a read is waiting. */
  let look = () => {};

  stream.on('data', (next: Buffer) => {
    chunk = chunk === EMPTY_BUFFER ? next : Buffer.concat([chunk.subarray(at), next]);
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
      }, FLUSH_DELAY_MS);
      look = () => {
        const end = Math.min(chunk.length, at + buffer.length - taken);
        if (end > at) {
          buffer.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), taken);
          taken += end - at;
          at = end;
          if (at === chunk.length) {
            free(chunk);
            chunk = EMPTY_BUFFER;
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
 * Frees the memory of copied bytes at once. The garbage collector sees only small wrapper objects and would let a
 * hundred megabytes pile up behind them.
 */
function free({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && length === buffer.byteLength) buffer.transfer(0);
}
