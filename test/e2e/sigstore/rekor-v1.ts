import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** An entry as Rekor 1 answers it. https://github.com/sigstore/rekor/blob/main/openapi.yaml */
interface EntryV1 {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: { readonly signedEntryTimestamp: string; readonly inclusionProof: object };
}

/** A log of version 1, whose server needs a database, so that it is not run here: one tree for each entry, with real signatures. */
export interface RekorV1 {
  readonly url: string;
  /** For `tlogs` of a trusted root. */
  readonly trusted: object;
  readonly add: (body: object) => EntryV1;
  /** From now on entries are in the log already: 409 and where. */
  readonly knowEverything: () => void;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const ORIGIN = 'rekor-v1.local';

export async function startRekorV1(): Promise<RekorV1> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = hash(der);
  const entries: EntryV1[] = [];
  let knowsAll = false;

  const add = (document: object): EntryV1 => {
    const body = Buffer.from(canonical(document));
    const root = hash(Buffer.concat([Buffer.from([0]), body]));
    const entry = {
      body: body.toString('base64'),
      integratedTime: Math.floor(Date.now() / 1000),
      logID: id.toString('hex'),
      logIndex: entries.length,
    };
    // The number of the tree tells verifiers that this is version 1.
    const note = `${ORIGIN} - 1193050959916656506\n1\n${root.toString('base64')}\n`;
    const signature = Buffer.concat([id.subarray(0, 4), sign('sha256', Buffer.from(note), privateKey)]);
    const added = {
      ...entry,
      verification: {
        signedEntryTimestamp: sign('sha256', Buffer.from(canonical(entry)), privateKey).toString('base64'),
        inclusionProof: {
          checkpoint: `${note}\n\u2014 ${ORIGIN} ${signature.toString('base64')}\n`,
          ...{ hashes: [], logIndex: 0, rootHash: root.toString('hex'), treeSize: 1 },
        },
      },
    };
    entries.push(added);
    return added;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const answer = (status: number, body: unknown, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    const at = /^\/api\/v1\/log\/entries\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (at !== undefined) return answer(200, { [`uuid-${at}`]: entries[Number(at)] });
    const { kind, spec }: Proposed = JSON.parse(await text(request));
    if (kind !== 'dsse') return answer(400, { code: 400, message: `unexpected kind ${kind}` });
    const { envelope, verifiers } = spec.proposedContent;
    const { payload, signatures }: Envelope = JSON.parse(envelope);
    const sums = (bytes: Buffer) => ({ algorithm: 'sha256', value: hash(bytes).toString('hex') });
    const added = add({
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: sums(Buffer.from(envelope)),
        payloadHash: sums(Buffer.from(payload, 'base64')),
        signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: canonicalPem(verifiers[0] ?? '') })),
      },
    });
    if (knowsAll) {
      return answer(409, { code: 409, message: 'exists' }, { location: `/api/v1/log/entries/${added.logIndex}` });
    }
    return answer(201, { [`uuid-${added.logIndex}`]: added });
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(500).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    trusted: {
      baseUrl: `http://${ORIGIN}`,
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: der.toString('base64'),
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor: { start: '2024-01-01T00:00:00Z' },
      },
      logId: { keyId: id.toString('base64') },
    },
    add,
    knowEverything: () => {
      knowsAll = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Proposed {
  readonly kind: string;
  readonly spec: { readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] } };
}

interface Envelope {
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string }[];
}

/** As Rekor writes certificates again: with a line break at the end. */
function canonicalPem(verifier: string): string {
  return Buffer.from(`${Buffer.from(verifier, 'base64').toString().trim()}\n`).toString('base64');
}

function hash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Names in order, nothing between them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const sorted = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`;
}
