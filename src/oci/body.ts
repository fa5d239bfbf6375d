import type { ClientRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { ActionError } from '../errors/action-error.ts';

/** What is sent: its length in bytes is always known, and it can be opened anew for another try. */
export interface Body {
  readonly size: number;
  readonly open: () => Readable | Uint8Array;
}

/**
 * Feeds the body with backpressure; a body that breaks breaks the request.
 * @returns whether it is a stream
 */
export function sendBody(outgoing: ClientRequest, body: Body | undefined): boolean {
  if (body === undefined) {
    outgoing.end();
    return false;
  }
  const content = body.open();
  if (content instanceof Uint8Array) {
    outgoing.end(content);
    return false;
  }
  content.once('error', (error) => outgoing.destroy(error));
  outgoing.once('close', () => content.destroy());
  keepToSize(content, body.size, outgoing);
  content.pipe(outgoing);
  return true;
}

/**
 * Breaks a request whose body is not as long as announced: of a shorter one the server would wait for the rest, and what is
 * too much would be read as the beginning of the next request. Listens before the pipe does, so that nothing of it is sent.
 */
function keepToSize(content: Readable, size: number, outgoing: ClientRequest): void {
  let sent = 0;
  const refuse = () => {
    const what = `of ${size} bytes that were announced to ${outgoing.host} there are ${sent > size ? 'more' : `only ${sent}`}`;
    outgoing.destroy(new ActionError('LAYOUT_CORRUPT', `What is sent changed while it was read: ${what}.`));
  };
  content.on('data', (chunk: Uint8Array) => {
    sent += chunk.length;
    if (sent > size) refuse();
  });
  content.once('end', () => {
    if (sent < size) refuse();
  });
}
