import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type Digest, splitDigest } from '../domain/digest.ts';
import { ActionError } from '../errors/action-error.ts';

/** A request body: its length in bytes is always known, and it can be reopened for another try. */
export interface Body {
  readonly size: number;
  readonly open: () => Readable | Uint8Array | BlobFile | Pieces;
}

/** A file that is sent as it is, if it has this digest: the fast path for local blobs. */
export interface BlobFile {
  readonly path: string;
  readonly digest: Digest;
}

/** Bytes that are read into reused buffers: the fast path for remote blobs. */
export interface Pieces {
  /** Fills the start of the buffer and returns the number of bytes; 0 at the end. One call at a time. */
  readonly read: (buffer: Uint8Array) => Promise<number>;
  /** Stops reading. */
  readonly close: () => void;
}

/**
 * Sends the body with backpressure. A body that fails, or does not have the announced length, fails the request.
 * @returns whether it is sent in parts, so that some of it may have arrived when the request fails
 */
export function sendBody(outgoing: ClientRequest, body: Body | undefined): boolean {
  const content = body?.open();
  if (body === undefined || content === undefined || content instanceof Uint8Array) {
    outgoing.end(content);
    return false;
  }
  if (content instanceof Readable) sendStream(outgoing, content, body.size);
  else {
    const sending =
      'path' in content ? sendFile(outgoing, content, body.size) : sendPieces(outgoing, content, body.size);
    sending.catch((error: Error) => outgoing.destroy(error));
  }
  return true;
}

/** Attached before the pipe, so that excess bytes are never sent. */
function sendStream(outgoing: ClientRequest, content: Readable, size: number): void {
  let sent = 0;
  content.on('data', (chunk: Uint8Array) => {
    sent += chunk.length;
    if (sent > size) outgoing.destroy(notAsAnnounced(outgoing, size, sent));
  });
  content.once('end', () => {
    if (sent < size) outgoing.destroy(notAsAnnounced(outgoing, size, sent));
  });
  content.once('error', (error) => outgoing.destroy(error));
  outgoing.once('close', () => content.destroy());
  content.pipe(outgoing);
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Hashes the bytes it sends and withholds the last ones until the digest matches: not every registry verifies what it
 * receives.
 */
async function sendFile(outgoing: ClientRequest, { path, digest }: BlobFile, size: number): Promise<void> {
  await using file = await open(path);
  const { size: present } = await file.stat();
  if (present !== size) throw notAsAnnounced(outgoing, size, present);
  const { algorithm, hex } = splitDigest(digest);
  const hash = createHash(algorithm);
  let left = size;
  const read = async (buffer: Uint8Array) => {
    const { bytesRead } = await file.read(buffer);
    hash.update(buffer.subarray(0, bytesRead));
    left -= bytesRead;
    if (left === 0) check(hash.digest('hex'));
    return bytesRead;
  };
  const check = (is: string) => {
    if (is === hex) return;
    const what = `${path} does not have the digest ${digest} when it is sent: its bytes give ${algorithm}:${is}`;
    throw new ActionError('LAYOUT_CORRUPT', `${what}. It was not published.`);
  };
  if (size === 0) check(hash.digest('hex'));
  await sendPieces(outgoing, { read, close: () => undefined }, size);
}

/**
 * Sends through two buffers: one is filled while the other is being sent. A stream allocates a buffer per chunk, which
 * costs a large layer twice the memory and a fifth of the time. Stops when a response arrives: a registry that refuses
 * (401, 413) discards the rest.
 */
async function sendPieces(outgoing: ClientRequest, { read, close }: Pieces, size: number): Promise<void> {
  let answered = false;
  outgoing.once('response', () => {
    answered = true;
  });
  const closed = new Promise<void>((resolve) => outgoing.once('close', resolve));
  void closed.then(close);
  /** Resolves when the bytes were sent and their buffer is free, or when the request has ended. */
  const write = (bytes: Uint8Array) =>
    Promise.race([closed, new Promise<void>((resolve) => outgoing.write(bytes, () => resolve()))]);
  const length = Math.min(CHUNK_BYTES, size);
  const buffers = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)] as const;
  const written = [Promise.resolve(), Promise.resolve()];
  let at = 0;
  for (let turn: 0 | 1 = 0; at < size; turn = turn === 0 ? 1 : 0) {
    await written[turn];
    const bytesRead = await read(buffers[turn].subarray(0, Math.min(length, size - at)));
    if (bytesRead === 0) throw notAsAnnounced(outgoing, size, at);
    at += bytesRead;
    // A refusal may be waiting in the socket, and writing to one that the server has closed would lose it. One full
    // turn of the event loop lets it be read first.
    await setImmediate();
    await setImmediate();
    if (answered || outgoing.destroyed) return;
    written[turn] = write(buffers[turn].subarray(0, bytesRead));
  }
  outgoing.end();
}

/** The server would wait for the rest of a shorter body, and read any excess as the next request. */
function notAsAnnounced(outgoing: ClientRequest, size: number, sent: number): ActionError {
  const what = `of ${size} bytes that were announced to ${outgoing.host} there are ${sent > size ? 'more' : `only ${sent}`}`;
  return new ActionError('LAYOUT_CORRUPT', `What is sent changed while it was read: ${what}.`);
}
