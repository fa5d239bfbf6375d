import { open } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ActionError } from '../errors/action-error.ts';

/** What is sent: its length in bytes is always known, and it can be opened anew for another try. */
export interface Body {
  readonly size: number;
  readonly open: () => Readable | Uint8Array | BlobFile;
}

/** A file whose bytes are sent as they are: the fast way for blobs that lie on this machine. */
export interface BlobFile {
  readonly path: string;
}

/**
 * Feeds the body with backpressure; a body that breaks, or is not as long as announced, breaks the request.
 * @returns whether it is sent bit by bit, so that part of it may have arrived when the request breaks
 */
export function sendBody(outgoing: ClientRequest, body: Body | undefined): boolean {
  const content = body?.open();
  if (body === undefined || content === undefined || content instanceof Uint8Array) {
    outgoing.end(content);
    return false;
  }
  if (content instanceof Readable) sendStream(outgoing, content, body.size);
  else sendFile(outgoing, content.path, body.size).catch((error: Error) => outgoing.destroy(error));
  return true;
}

/** Listens before the pipe does, so that nothing is sent of what is too much. */
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

const CHUNK = 1024 * 1024;

/**
 * Sends a file through two buffers, one of which is filled while the other is on its way. A stream makes a new buffer for
 * each chunk, which costs a large layer twice the memory and a fifth of the time. Stops when there is an answer: a registry
 * that refuses (401, 413) wants no more of it.
 */
async function sendFile(outgoing: ClientRequest, path: string, size: number): Promise<void> {
  let answered = false;
  outgoing.once('response', () => {
    answered = true;
  });
  const closed = new Promise<void>((resolve) => outgoing.once('close', resolve));
  /** Resolves when the bytes have left, so that their buffer is free; or when nobody takes them any more. */
  const write = (bytes: Uint8Array) =>
    Promise.race([closed, new Promise<void>((resolve) => outgoing.write(bytes, () => resolve()))]);
  await using file = await open(path);
  const { size: present } = await file.stat();
  if (present !== size) throw notAsAnnounced(outgoing, size, present);
  const length = Math.min(CHUNK, size);
  const buffers = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)] as const;
  const written = [Promise.resolve(), Promise.resolve()];
  let at = 0;
  for (let turn: 0 | 1 = 0; at < size; turn = turn === 0 ? 1 : 0) {
    await written[turn];
    const { bytesRead } = await file.read(buffers[turn], 0, Math.min(length, size - at), at);
    if (bytesRead === 0) throw notAsAnnounced(outgoing, size, at);
    at += bytesRead;
    // A refusal may lie in the socket, and writing to one that the server has closed would lose it: a whole turn of the event
    // loop passes first, in which it is read.
    await setImmediate();
    await setImmediate();
    if (answered || outgoing.destroyed) return;
    written[turn] = write(buffers[turn].subarray(0, bytesRead));
  }
  outgoing.end();
}

/** Of a shorter body the server would wait for the rest, and what is too much would be read as the next request. */
function notAsAnnounced(outgoing: ClientRequest, size: number, sent: number): ActionError {
  const what = `of ${size} bytes that were announced to ${outgoing.host} there are ${sent > size ? 'more' : `only ${sent}`}`;
  return new ActionError('LAYOUT_CORRUPT', `What is sent changed while it was read: ${what}.`);
}
