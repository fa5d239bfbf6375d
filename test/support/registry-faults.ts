import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reply } from './registry-exchange.ts';

/** Something that goes wrong, as data: which request, and what happens to it. */
export interface Fault {
  readonly match: {
    readonly method?: string;
    /** Tested against path and query. */
    readonly path?: RegExp;
    /** Which of the requests that fit, from 1; default 1. `all`: every one. */
    readonly nth?: number | 'all';
  };
  readonly action: FaultAction;
  /** By default a fault that never happened makes `close()` throw. */
  readonly optional?: boolean;
}

export type FaultAction =
  /** An answer of another kind, after the body was read; `early`: before that. An object becomes JSON. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: string | Uint8Array | object;
      readonly early?: true;
    }
  /** The connection breaks: before anything was done, within the request's body, within the answer's, or after all was done. */
  | { readonly reset: 'before' | 'mid-body' | 'mid-answer' | 'after' }
  /** Milliseconds before the request is looked at. */
  | { readonly delay: number }
  /** No answer, ever: `answer` sends half of it first. */
  | { readonly hang: 'before' | 'mid-answer' }
  /** The answer carries the digest of something else. */
  | { readonly wrongDigest: true }
  | { readonly redirect: string; readonly status: number }
  /** The answer's body loses its second half, and says so in its length. */
  | { readonly truncate: true }
  /** One bit of the answer's body is flipped; of the request's when `request` is said. */
  | { readonly corrupt: 'answer' | 'request' }
  /** Somebody else points a tag at a manifest that is there, before the request is looked at or after it was done. */
  | {
      readonly moves: { readonly repository: string; readonly tag: string; readonly to: string };
      readonly when: 'before' | 'after';
    }
  /** All tokens that were given out stop to work. */
  | { readonly expireTokens: true }
  /** Changes headers of the answer; null removes one. */
  | { readonly headers: Readonly<Record<string, string | null>> }
  /** Replaces text in a header of the answer. */
  | { readonly rewrite: { readonly header: string; readonly from: RegExp; readonly to: string } }
  /** The request's Range header is not seen. */
  | { readonly ignoreRange: true }
  /** That the request asks for a mount is not seen: it begins an upload. */
  | { readonly ignoreMount: true };

interface Armed {
  readonly fault: Fault;
  seen: number;
  fired: boolean;
}

/** The faults that wait for their requests. */
export function createFaults(initial: readonly Fault[]) {
  const arm = (fault: Fault): Armed => ({ fault, seen: 0, fired: false });
  const armed = initial.map(arm);
  return {
    add: (fault: Fault) => void armed.push(arm(fault)),
    /** What happens to this request. Each request is to be asked for once. */
    take: (method: string, target: string): readonly FaultAction[] =>
      armed.flatMap((each) => {
        const { match, action } = each.fault;
        if (match.method !== undefined && match.method !== method) return [];
        if (match.path !== undefined && !match.path.test(target)) return [];
        each.seen++;
        if (match.nth !== 'all' && each.seen !== (match.nth ?? 1)) return [];
        each.fired = true;
        return [action];
      }),
    unfired: () => armed.filter(({ fault, fired }) => !fired && fault.optional !== true).map(({ fault }) => fault),
  };
}

/** The answer as the faults leave it. */
export function spoil(reply: Reply, actions: readonly FaultAction[]): Reply {
  let { status, headers = {}, body } = reply;
  for (const action of actions) {
    const content = Buffer.from(body ?? '');
    if ('redirect' in action) {
      ({ status } = action);
      headers = { location: action.redirect };
      body = '';
    } else if ('status' in action) {
      const raw = action.body instanceof Uint8Array ? Buffer.from(action.body) : action.body;
      const json = typeof raw === 'object' && !Buffer.isBuffer(raw);
      ({ status } = action);
      headers = { ...(json ? { 'content-type': 'application/json' } : {}), ...action.headers };
      body = Buffer.isBuffer(raw) || typeof raw !== 'object' ? (raw ?? '') : JSON.stringify(raw);
    } else if ('wrongDigest' in action) {
      headers = { ...headers, 'docker-content-digest': `sha256:${createHash('sha256').update('other').digest('hex')}` };
    } else if ('truncate' in action) {
      const half = content.subarray(0, content.length >> 1);
      body = half;
      headers = { ...headers, 'content-length': String(half.length) };
    } else if ('corrupt' in action && action.corrupt === 'answer') body = flipped(content);
    else if ('headers' in action) headers = changed(headers, action.headers);
    else if ('rewrite' in action) {
      const { header, from, to } = action.rewrite;
      headers = { ...headers, [header]: String(headers[header] ?? '').replace(from, to) };
    }
  }
  return { status, headers, ...(body === undefined ? {} : { body }) };
}

export function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.length >> 1;
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function changed(headers: NonNullable<Reply['headers']>, changes: Readonly<Record<string, string | null>>) {
  const all = Object.entries({ ...headers, ...changes });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Sends an answer, or as much of it as the faults allow. */
export function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  actions: readonly FaultAction[],
): void {
  const has = (test: (action: FaultAction) => boolean) => actions.some(test);
  if (has((each) => 'reset' in each && each.reset === 'after')) {
    request.socket.resetAndDestroy();
    return;
  }
  const body = Buffer.from(reply.body ?? '');
  const { 'content-length': length = String(body.length), ...headers } = reply.headers ?? {};
  const head = request.method === 'HEAD' || reply.status === 204;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // A fault may have taken the length away: then the answer has none.
  const withLength = !has((each) => 'headers' in each && each.headers?.['content-length'] === null);
  if (withLength && reply.status !== 204) response.setHeader('content-length', length);
  response.writeHead(reply.status);
  const broken = has((each) => 'reset' in each && each.reset === 'mid-answer');
  const hangs = has((each) => 'hang' in each && each.hang === 'mid-answer');
  if (broken || hangs) {
    response.write(body.subarray(0, body.length >> 1), () => {
      if (broken) setTimeout(() => request.socket.resetAndDestroy(), 20);
    });
  } else if (head) response.end();
  else response.end(body);
}
