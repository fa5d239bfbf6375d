import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { splitDigest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import { ActionError } from '../errors/action-error.ts';
import type { HttpResponse } from '../http/transport.ts';
import type { Place } from './repository.ts';

/** Times that a broken download goes on where it stopped without a byte of progress in between. */
const STALLS = 3;

/**
 * The bytes of a blob, hashed on their way. A connection that breaks is taken up again with a Range request; when the server
 * ignores that, what is known already is read over.
 */
export async function downloadBlob(place: Place, blob: Descriptor): Promise<Readable> {
  const first = await open(place, blob, 0);
  return Readable.from(verified(place, blob, first), { objectMode: false, highWaterMark: 1024 * 1024 });
}

function open({ session, origin, host, name, scopes }: Place, blob: Descriptor, from: number): Promise<HttpResponse> {
  return session.request({
    method: 'GET',
    url: new URL(`/v2/${name}/blobs/${blob.digest}`, origin),
    headers: from === 0 ? {} : { range: `bytes=${from}-` },
    operation: 'read',
    scopes,
    expect: [200, 206],
    what: `GET blob ${name}@${blob.digest}`,
    facts: { registry: host, repository: name, reference: blob.digest },
  });
}

async function* verified(place: Place, blob: Descriptor, first: HttpResponse): AsyncGenerator<Buffer> {
  const { algorithm, hex } = splitDigest(blob.digest);
  const hash = createHash(algorithm);
  const facts = { registry: place.host, repository: place.name, reference: blob.digest };
  const wrong = (what: string) =>
    new ActionError('DIGEST_MISMATCH', `${place.host}/${place.name}@${blob.digest} ${what}.`, { facts });
  let response = first;
  let done = 0;
  for (let stalls = 0; ; ) {
    // A server that ignores Range sends everything again: what has been read is skipped.
    let skip = response.status === 206 ? 0 : done;
    const before = done;
    try {
      for await (const chunk of response.stream) {
        // As it came, and not a copy: blobs are large, and copies of all their parts wait for the collector.
        const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
        const piece = bytes.subarray(skip);
        skip -= Math.min(skip, bytes.length);
        if (piece.length === 0) continue;
        done += piece.length;
        if (done > blob.size) throw wrong(`is longer than its ${blob.size} bytes`);
        hash.update(piece);
        yield piece;
      }
      if (done === blob.size) break;
    } catch (error) {
      if (error instanceof ActionError) throw error;
      if (done === blob.size) break;
    } finally {
      response.stream.destroy();
    }
    stalls = done > before ? 0 : stalls + 1;
    if (stalls >= STALLS) {
      throw new ActionError(
        'REGISTRY_UNREACHABLE',
        `${place.host} broke off the blob ${place.name}@${blob.digest} at byte ${done} of ${blob.size}, again and again.`,
        { facts },
      );
    }
    response = await open(place, blob, done);
  }
  if (hash.digest('hex') !== hex) throw wrong('came with other bytes');
}
