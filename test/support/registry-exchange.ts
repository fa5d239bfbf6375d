import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as the test registry sees it, its body read. */
export interface Received {
  readonly method: string;
  /** Path and query, as it came. */
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | string;
}

/** The error envelope of the distribution specification. */
export function errorReply(status: number, code: string, message: string, detail?: unknown, headers = {}): Reply {
  const errors = [{ code, message, ...(detail === undefined ? {} : { detail }) }];
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ errors }) };
}

export function jsonReply(value: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
