import type { IncomingHttpHeaders } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { ActionError } from '../errors/action-error.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The final URL, which a relative `Location` refers to. */
  readonly url: URL;
  /** The body, which must be read to its end or destroyed. */
  readonly stream: Readable;
}

/** A body that trickles in never triggers the idle timeout, so its total time is limited too. */
const MAX_BODY_TIME_MS = 300_000;

/** Loaded for the rare proxy that compresses: it takes longer to load than most answers take to come. */
function zlib() {
  return process.getBuiltinModule('node:zlib');
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib().createGunzip(),
  'x-gzip': () => zlib().createGunzip(),
  deflate: () => zlib().createInflate(),
  br: () => zlib().createBrotliDecompress(),
  zstd: () => zlib().createZstdDecompress(),
};

/**
 * The body without its content coding: requests ask for none, but some proxies compress anyway.
 * @throws ActionError ANSWER_INVALID for an unknown coding
 */
function decoded({ stream, headers, url, status }: HttpResponse): Readable {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity' || status === 204 || status === 304) return stream;
  const decoder = DECODERS[coding];
  if (decoder !== undefined) return pipeline(stream, decoder(), () => undefined);
  stream.destroy();
  throw invalid(url, `sent an answer with the content encoding "${coding.slice(0, 50)}", which was not requested`);
}

function invalid({ host }: URL, what: string): ActionError {
  return new ActionError('ANSWER_INVALID', `${host} ${what}.`, { facts: { registry: host } });
}

/**
 * Reads a body of at most `limit` bytes.
 * @throws ActionError ANSWER_INVALID when it is longer or cannot be decoded; an error with the code ETIMEDOUT after
 * five minutes
 */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const body = decoded(response);
  const chunks: Buffer[] = [];
  let size = 0;
  const late = Object.assign(new Error(`the body of the answer did not end within ${MAX_BODY_TIME_MS / 1000} s`), {
    code: 'ETIMEDOUT',
  });
  const limiting = setTimeout(() => response.stream.destroy(late), MAX_BODY_TIME_MS);
  try {
    for await (const chunk of body) {
      const piece = Buffer.from(chunk);
      size += piece.length;
      if (size > limit) {
        response.stream.destroy();
        throw invalid(response.url, `sent more than ${limit} bytes where that is more than enough`);
      }
      chunks.push(piece);
    }
  } catch (error) {
    if (body === response.stream || response.stream.errored !== null || error instanceof ActionError) throw error;
    throw invalid(
      response.url,
      `sent an answer that is not the ${response.headers['content-encoding']} it claims to be`,
    );
  } finally {
    clearTimeout(limiting);
  }
  return Buffer.concat(chunks);
}

/** How much of an uninteresting response is read to keep its connection usable. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/** Reads the rest of an ignored body, so that the next request can reuse the connection. Never fails. */
export async function discard(response: HttpResponse): Promise<void> {
  await readBody(response, MAX_DISCARDED_BYTES).catch(() => undefined);
}
