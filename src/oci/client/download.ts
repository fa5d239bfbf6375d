import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { splitDigest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Pieces } from '../../http/body.ts';
import type { HttpResponse } from '../../http/response-body.ts';
import { type Tap, tap } from '../image/stream-reader.ts';
import type { RepositoryContext } from './context.ts';

/** How often a broken download is resumed without any progress in between. */
const MAX_STALLS = 3;
/** Chunk size of a stream, in bytes. */
const CHUNK_BYTES = 256 * 1024;

/** The bytes of a blob as a stream; see {@link readBlob}. Rejects at once when the registry does not serve the blob. */
export async function downloadBlob(context: RepositoryContext, blob: Descriptor): Promise<Readable> {
  const { read, close } = readBlob(context, blob, await open(context, blob, 0));
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(1, blob.size)));
      read(buffer).then(
        (size) => this.push(size === 0 ? null : buffer.subarray(0, size)),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      close();
      done(error);
    },
  });
}

/**
 * Reads a blob and verifies its digest: the last bytes are returned only if all of them are right. A broken connection
 * is resumed with a Range request; if the server ignores the range, the bytes already read are skipped.
 * @param begun the response to a request for the whole blob, if one was already sent
 * @throws ActionError DIGEST_MISMATCH, REGISTRY_UNREACHABLE when the connection keeps breaking
 */
export function readBlob(context: RepositoryContext, blob: Descriptor, begun?: HttpResponse): Pieces {
  const { algorithm, hex } = splitDigest(blob.digest);
  const hash = createHash(algorithm);
  const facts = { registry: context.host, repository: context.name, reference: blob.digest };
  const where = `${context.host}/${context.name}@${blob.digest}`;
  const wrong = (what: string) => new ActionError('DIGEST_MISMATCH', `${where} ${what}.`, { facts });
  let source: Tap | undefined = begun === undefined ? undefined : tap(begun.stream);
  /** Bytes already read that are sent again. */
  let known = 0;
  let done = 0;
  let stalls = 0;
  /** Whether this response brought new bytes. */
  let fresh = false;
  let over = false;
  let closed = false;

  /** Reads at least one byte, reconnecting when needed. */
  const next = async (buffer: Uint8Array): Promise<number> => {
    for (;;) {
      if (source === undefined) {
        const response = await open(context, blob, done);
        known = response.status === 206 ? 0 : done;
        source = tap(response.stream);
        if (closed) source.close();
      }
      const size = await source.take(known > 0 ? buffer.subarray(0, known) : buffer);
      if (size > 0 && known === 0) {
        fresh = true;
        return size;
      }
      known -= size;
      if (size > 0) continue;
      source.close();
      source = undefined;
      stalls = fresh ? 0 : stalls + 1;
      fresh = false;
      if (stalls < MAX_STALLS && !closed) continue;
      const what = `${context.host} broke off the blob ${context.name}@${blob.digest} at byte ${done} of ${blob.size}, again and again.`;
      throw new ActionError('REGISTRY_UNREACHABLE', what, { facts });
    }
  };

  const finish = async (): Promise<void> => {
    over = true;
    if ((await source?.take(new Uint8Array(1))) === 1) throw wrong(`is longer than its ${blob.size} bytes`);
    source?.close();
    if (hash.digest('hex') !== hex) throw wrong('came with other bytes');
  };

  return {
    read: async (buffer) => {
      if (over) return 0;
      const wanted = buffer.subarray(0, blob.size - done);
      const size = wanted.length === 0 ? 0 : await next(wanted);
      done += size;
      hash.update(wanted.subarray(0, size));
      if (done === blob.size) await finish();
      return size;
    },
    close: () => {
      closed = true;
      source?.close();
    },
  };
}

function open(
  { session, origin, host, name, scopes }: RepositoryContext,
  blob: Descriptor,
  from: number,
): Promise<HttpResponse> {
  return session.request({
    method: 'GET',
    url: new URL(`/v2/${name}/blobs/${blob.digest}`, origin),
    headers: from === 0 ? {} : { range: `bytes=${from}-` },
    operation: 'read',
    scopes: scopes.pull,
    expect: [200, 206],
    what: `GET blob ${name}@${blob.digest}`,
    facts: { registry: host, repository: name, reference: blob.digest },
  });
}
