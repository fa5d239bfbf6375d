import { readFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContentOptions, createContent, parsePath, type StoredManifest } from './registry-content.ts';
import { type Received, type Reply, sha256 } from './registry-exchange.ts';
import { createFaults, type Fault, type FaultAction, flipped, sendReply, spoil } from './registry-faults.ts';
import { createGuard, type Need, type RegistryAuth } from './registry-tokens.ts';

export type { Fault, FaultAction } from './registry-faults.ts';
export type { BearerOptions, RegistryAuth } from './registry-tokens.ts';

export interface RegistryOptions extends ContentOptions {
  readonly auth?: RegistryAuth;
  readonly faults?: readonly Fault[];
  /** PEM text; then the registry speaks HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What it calls itself in addresses, when it is reached under another name: `https://ghcr.io`. */
  readonly origin?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** The clock by which tokens expire, in milliseconds; default: the real one. */
  readonly now?: () => number;
}

/** One request, in the order of arrival. */
interface LogEntry {
  readonly method: string;
  readonly path: string;
  /** Path and query as they came, byte for byte. */
  readonly target: string;
  /** With the question mark; empty when there is none. */
  readonly query: string;
  /** 0 as long as there is no answer, and for ever when the connection was broken. */
  readonly status: number;
  /** Of the request's body. */
  readonly bytes: number;
  readonly authorization: boolean;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly headers: http.IncomingHttpHeaders;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly log: readonly LogEntry[];
  /**
   * What would change the registry: POST, PUT, PATCH and DELETE below /v2/, without uploads that were begun and cancelled again
   * with nothing in them, which ask for the right to push.
   */
  readonly writes: () => readonly LogEntry[];
  /** Requests below /v2/. */
  readonly requests: () => number;
  readonly tokenRequests: () => number;
  readonly repositories: () => readonly string[];
  readonly tags: (repository: string) => Readonly<Record<string, string>>;
  readonly manifest: (repository: string, reference: string) => StoredManifest | undefined;
  /** Of all manifests, tagged or not. */
  readonly digests: (repository: string) => readonly string[];
  readonly blob: (repository: string, digest: string) => Buffer | undefined;
  /** Removes a tag or digest past the API, as a vendor's own API does; the tags of a digest go with it. */
  readonly drop: (repository: string, reference: string) => void;
  /** These three go past the API and its checks, and answer the digest. */
  readonly putManifest: (repository: string, reference: string, mediaType: string, bytes: Uint8Array) => string;
  readonly putBlob: (repository: string, bytes: Uint8Array) => string;
  readonly putLayout: (repository: string, tag: string, directory: string) => Promise<string>;
  /** Upload sessions that were begun and neither closed nor cancelled. */
  readonly openUploads: () => number;
  readonly clearLog: () => void;
  readonly addFault: (fault: Fault) => void;
  readonly expireTokens: () => void;
  /** @throws when a fault that is not optional never happened */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A registry in memory on 127.0.0.1, as strict as docker-registry, with faults as data. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { auth = 'none', tls, now = Date.now } = options;
  let host = '';
  const origin = () => options.origin ?? `${tls === undefined ? 'http' : 'https'}://${host}`;
  const content = createContent(options, origin);
  const guard = createGuard(auth, origin, now);
  const faults = createFaults(options.faults ?? []);
  const log: { -readonly [Key in keyof LogEntry]: LogEntry[Key] }[] = [];

  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '/', origin());
    const authorization = headers.authorization !== undefined;
    const time = Date.now();
    const target = request.url ?? '';
    const { pathname: path, search: query } = url;
    const entry = { method, path, target, query, status: 0, bytes: 0, authorization, time, headers };
    log.push(entry);
    const actions = faults.take(method, url.pathname + url.search);
    request.on('data', (chunk: Buffer) => {
      entry.bytes += chunk.length;
      if (actions.some((each) => 'reset' in each && each.reset === 'mid-body')) request.socket.resetAndDestroy();
    });
    if (actions.some((each) => 'reset' in each && each.reset === 'before'))
      return void request.socket.resetAndDestroy();
    if (actions.some((each) => 'hang' in each && each.hang === 'before')) return;
    if (actions.some((each) => 'expireTokens' in each)) guard.expireAll();
    // When the request begins, as registries do: a body may take longer than a token lives.
    const asked = { method, url, headers, body: Buffer.alloc(0) };
    const refusal = url.pathname === '/token' ? undefined : guard.refuse(asked, needsOf(asked));
    const early = actions.some((each) => 'early' in each);
    const arriving = early ? Promise.resolve(Buffer.alloc(0)) : readAll(request);
    arriving.catch(() => undefined);
    for (const each of actions) if ('delay' in each) await sleep(each.delay);

    const body = await arriving;
    const received = { method, url, headers, body };
    moveTags(actions, 'before');
    const reply = spoil(early ? { status: 500 } : answer(tampered(received, actions), refusal), actions);
    moveTags(actions, 'after');
    entry.status = actions.some((each) => 'reset' in each) ? 0 : reply.status;
    // Closing at once would lose the answer: the rest of the body is read for a moment, as nginx has it.
    if (early) response.setHeader('connection', 'close').once('finish', () => setTimeout(() => request.destroy(), 100));
    sendReply(request, response, reply, actions);
  };

  const moveTags = (actions: readonly FaultAction[], when: 'before' | 'after') => {
    for (const each of actions) {
      if (!('moves' in each) || each.when !== when) continue;
      content.repository(each.moves.repository).tags.set(each.moves.tag, each.moves.to);
    }
  };

  /** A fault that answers for the registry keeps it from doing anything. */
  const answer = ({ actions, ...request }: Tampered, refusal: Reply | undefined): Reply => {
    if (actions.some((each) => 'status' in each)) return { status: 500 };
    if (request.url.pathname === '/token') return guard.token(request);
    return refusal ?? content.answer(request);
  };

  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    handle(request, response).catch(() => request.destroy());
  };
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

  const putLayout = async (repository: string, tag: string, directory: string): Promise<string> => {
    const read = (digest: string) => readFile(join(directory, 'blobs', ...digest.split(':')));
    const load = async (digest: string, mediaType: string, reference: string): Promise<string> => {
      const bytes = await read(digest);
      const { manifests = [], config, layers = [] } = JSON.parse(bytes.toString('utf8'));
      for (const child of manifests) await load(child.digest, child.mediaType, child.digest);
      for (const blob of config === undefined ? layers : [config, ...layers]) {
        content.repository(repository).blobs.set(blob.digest, await read(blob.digest));
      }
      return content.putManifest(repository, reference, mediaType, bytes).digest;
    };
    const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
    return load(index.manifests[0].digest, index.manifests[0].mediaType, tag);
  };

  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const [unfired] = faults.unfired();
    if (unfired !== undefined) {
      const { method = 'any', path = '', nth = 1 } = unfired.match;
      throw new Error(`this fault never happened: ${method} ${path} (${nth}): ${JSON.stringify(unfired.action)}`);
    }
  };
  const below = (prefix: string) => log.filter(({ path }) => path.startsWith(prefix));
  return {
    host,
    log,
    writes: () => withoutProbes(below('/v2/').filter(({ method }) => method !== 'GET' && method !== 'HEAD')),
    requests: () => below('/v2/').length,
    tokenRequests: () => below('/token').length,
    repositories: () => [...content.repositories.keys()],
    tags: (repository) => Object.fromEntries(content.repositories.get(repository)?.tags ?? []),
    manifest: content.find,
    digests: (repository) => [...(content.repositories.get(repository)?.manifests.keys() ?? [])],
    blob: (repository, digest) => content.repositories.get(repository)?.blobs.get(digest),
    drop: (repository, reference) => {
      const { manifests, tags } = content.repository(repository);
      manifests.delete(reference);
      for (const [tag, digest] of tags) if (tag === reference || digest === reference) tags.delete(tag);
    },
    putManifest: (repository, reference, mediaType, bytes) =>
      content.putManifest(repository, reference, mediaType, Buffer.from(bytes)).digest,
    putBlob: (repository, bytes) => {
      content.repository(repository).blobs.set(sha256(bytes), Buffer.from(bytes));
      return sha256(bytes);
    },
    putLayout,
    openUploads: content.openUploads,
    clearLog: () => void log.splice(0),
    addFault: faults.add,
    expireTokens: guard.expireAll,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Without each POST that begins an upload and the DELETE that directly follows it in the same repository. */
function withoutProbes(entries: readonly LogEntry[]): readonly LogEntry[] {
  const uploads = (path: string) => /^(\/v2\/.+\/blobs\/uploads\/)/.exec(path)?.[1];
  const left: LogEntry[] = [];
  for (const entry of entries) {
    const begun = left.findLastIndex(
      ({ method, path, query }) => method === 'POST' && query === '' && path === uploads(entry.path),
    );
    const isPut = left
      .slice(begun + 1)
      .some(({ path }) => path !== uploads(path) && uploads(path) === uploads(entry.path));
    if (entry.method === 'DELETE' && uploads(entry.path) !== undefined && begun >= 0 && !isPut) left.splice(begun, 1);
    else left.push(entry);
  }
  return left;
}

type Tampered = Received & { readonly actions: readonly FaultAction[] };

function tampered({ headers, url: asked, ...rest }: Received, actions: readonly FaultAction[]): Tampered {
  const { range, ...others } = headers;
  const ignore = actions.some((each) => 'ignoreRange' in each);
  const url = new URL(asked);
  if (actions.some((each) => 'ignoreMount' in each)) url.searchParams.delete('mount');
  const corrupt = actions.some((each) => 'corrupt' in each && each.corrupt === 'request');
  return { ...rest, url, headers: ignore ? others : headers, body: corrupt ? flipped(rest.body) : rest.body, actions };
}

function needsOf({ method, url }: Received): readonly Need[] {
  const { name: repository, kind } = parsePath(url.pathname) ?? {};
  if (repository === undefined) return [];
  const write = method === 'DELETE' && kind === 'manifests' ? 'delete' : 'push';
  const own: Need = { repository, action: method === 'GET' || method === 'HEAD' ? 'pull' : write };
  const from = url.searchParams.get('from');
  return from === null ? [own] : [own, { repository: from, action: 'pull' }];
}

async function readAll(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
