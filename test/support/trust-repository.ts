import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/** A repository of The Update Framework on loopback, with one key for all roles. */
export interface TrustRepositoryDouble {
  readonly url: string;
  /** `root.json`, that clients are given. */
  readonly root: Buffer;
  /** Paths that were asked for. */
  readonly requests: string[];
  /** Replaces what is served. */
  readonly serve: (path: string, body: string | undefined) => void;
  readonly metadata: (role: 'timestamp' | 'snapshot' | 'targets', changes?: object) => string;
  /** The same repository with another key. */
  readonly foreign: (role: 'timestamp' | 'snapshot' | 'targets', changes?: object) => string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const YEARS = '2100-01-01T00:00:00Z';

/** @param files targets by name */
export async function startTrustRepository(files: Readonly<Record<string, string>>): Promise<TrustRepositoryDouble> {
  const own = newKey();
  const other = newKey();
  const roles = Object.fromEntries(
    ['root', 'timestamp', 'snapshot', 'targets'].map((role) => [role, { keyids: [own.id], threshold: 1 }]),
  );
  const targets = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      { length: text.length, hashes: { sha256: createHash('sha256').update(text).digest('hex') } },
    ]),
  );
  const common = { spec_version: '1.0.31', version: 1, expires: YEARS };
  const documents = {
    timestamp: { _type: 'timestamp', ...common, meta: { 'snapshot.json': { version: 1 } } },
    snapshot: { _type: 'snapshot', ...common, meta: { 'targets.json': { version: 1 } } },
    targets: { _type: 'targets', ...common, targets },
  };
  const root = own.signed({ _type: 'root', ...common, consistent_snapshot: false, keys: { [own.id]: own.key }, roles });
  const served = new Map<string, string>([
    ...Object.entries(documents).map(([role, document]) => [`/${role}.json`, own.signed(document)] as const),
    ...Object.entries(files).map(([name, text]) => [`/targets/${name}`, text] as const),
  ]);
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    const body = served.get(url);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    root: Buffer.from(root),
    requests,
    serve: (path, body) => void (body === undefined ? served.delete(path) : served.set(path, body)),
    metadata: (role, changes) => own.signed({ ...documents[role], ...changes }),
    foreign: (role, changes) => other.signed({ ...documents[role], ...changes }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const key = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: Buffer.from(x, 'base64url').toString('hex') },
  };
  const id = createHash('sha256').update(canonical(key)).digest('hex');
  const secret = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return {
    id,
    key,
    signed: (document: object) => {
      const sig = sign(null, Buffer.from(canonical(document)), secret).toString('hex');
      return JSON.stringify({ signed: document, signatures: [{ keyid: id, sig }] });
    },
  };
}

/** Names in order, nothing between them: https://wiki.laptop.org/go/Canonical_JSON */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`;
}
