import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createRegistryClient } from '../../src/oci/client/registry-client.ts';
import type { OpenMirror } from '../../src/tools/trivy/database.ts';
import { tarOf } from './tar.ts';

/** Mirrors for who has no login, each request tried once. */
export const openAnonymously: OpenMirror = async (host, repository, { signal }) => {
  const quiet = () => undefined;
  const client = await createRegistryClient({
    host,
    credentials: async () => undefined,
    clock: { now: () => new Date(), sleep: (milliseconds) => sleep(milliseconds) },
    signal,
    log: { info: quiet, debug: quiet, notice: quiet, warning: quiet, error: quiet, group: (_, task) => task() },
    mask: quiet,
    attempts: 1,
  });
  return client.repository(repository);
};

const FIXTURE = fileURLToPath(new URL('../fixtures/trivy-db/db/trivy.db', import.meta.url));
const HOUR = 3_600_000;

export interface DatabaseFacts {
  /** Default: now. */
  readonly updatedAt?: Date;
  /** Default: a day after `updatedAt`. Trivy takes a database for current until then. */
  readonly nextUpdate?: Date;
  /** Default: `updatedAt`. Trivy asks again an hour after. */
  readonly downloadedAt?: Date;
  /** Schema version, default 2. */
  readonly version?: number;
}

function metadata(facts: DatabaseFacts): string {
  const updated = facts.updatedAt ?? new Date();
  return JSON.stringify({
    Version: facts.version ?? 2,
    NextUpdate: facts.nextUpdate ?? new Date(updated.getTime() + 24 * HOUR),
    UpdatedAt: updated,
    DownloadedAt: facts.downloadedAt ?? updated,
  });
}

/**
 * Puts the small database of `test/fixtures/trivy-db` below a folder, as a Trivy cache holds it.
 * @returns the folder, for `--cache-dir`
 */
export async function writeTrivyDb(cacheDir: string, facts: DatabaseFacts = {}): Promise<string> {
  await mkdir(join(cacheDir, 'db'), { recursive: true });
  await copyFile(FIXTURE, join(cacheDir, 'db', 'trivy.db'));
  await writeFile(join(cacheDir, 'db', 'metadata.json'), metadata(facts));
  return cacheDir;
}

/**
 * The layer of a mirror: a tar.gz of the two files of the database.
 * @param content another file in the place of the database
 */
export async function packTrivyDb(facts: DatabaseFacts = {}, content?: string): Promise<Buffer> {
  const database = content ?? (await readFile(FIXTURE));
  return gzipSync(await tarOf({ 'trivy.db': database, 'metadata.json': metadata(facts) }), { level: 1 });
}

/** The layer of a mirror of the Java index, which knows one jar by the SHA-1 of its bytes. */
export async function packJavaDb(directory: string, jar?: Uint8Array): Promise<Buffer> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'trivy-java.db');
  const db = new DatabaseSync(file);
  // https://github.com/aquasecurity/trivy-java-db/blob/main/pkg/db/db.go
  db.exec(`
    CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
    CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, license TEXT,
      foreign key (artifact_id) references artifacts(id));
    CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
    CREATE INDEX indices_artifact_idx ON indices(artifact_id);
    CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1);
    INSERT INTO artifacts VALUES (1, 'org.apache.commons', 'commons-text');`);
  if (jar !== undefined) {
    const sha1 = createHash('sha1').update(jar).digest();
    db.prepare("INSERT INTO indices VALUES (1, '1.9', ?, 'jar', 'Apache-2.0')").run(sha1);
  }
  db.close();
  const now = new Date();
  const facts = { version: 1, updatedAt: now, nextUpdate: new Date(now.getTime() + 72 * HOUR) };
  const tar = await tarOf({ 'trivy-java.db': await readFile(file), 'metadata.json': metadata(facts) });
  return gzipSync(tar, { level: 1 });
}

/** What can be wrong with a mirror. */
type MirrorFault =
  | { readonly status: number; readonly code: string }
  | 'wrong-media-type'
  | 'two-layers'
  | 'no-title'
  | 'not-a-database';

export interface MirrorSpec {
  readonly layer: Uint8Array;
  readonly kind?: 'db' | 'javadb';
  readonly fault?: MirrorFault;
}

export interface Mirrors {
  /** `localhost:<port>/<name>:<tag>`, what `--db-repository` takes. */
  readonly repository: (name: string) => string;
  /** `GET /v2/…`, in order. */
  readonly requests: readonly string[];
  /** Authorization headers that arrived. */
  readonly authorizations: readonly string[];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Serves databases on loopback as OCI artifacts, one repository for each name, each with its own fault. */
export async function serveMirrors(specs: Readonly<Record<string, MirrorSpec>>): Promise<Mirrors> {
  const requests: string[] = [];
  const authorizations: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.headers.authorization !== undefined) authorizations.push(request.headers.authorization);
    const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const spec = specs[name];
    const fail = (status: number, code: string) => {
      const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] });
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    };
    if (request.url === '/v2/') response.writeHead(200).end('{}');
    else if (spec === undefined) fail(404, 'NAME_UNKNOWN');
    else if (typeof spec.fault === 'object') fail(spec.fault.status, spec.fault.code);
    else {
      const { manifest, blobs } = artifact(spec);
      const blob = blobs.get(reference);
      if (kind === 'manifests') {
        response.setHeader('docker-content-digest', digest(manifest));
        response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }).end(manifest);
      } else if (blob === undefined) fail(404, 'BLOB_UNKNOWN');
      else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(blob);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    repository: (name) => `localhost:${port}/${name}:2`,
    requests,
    authorizations,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function artifact({ layer, kind = 'db', fault }: MirrorSpec) {
  const content = fault === 'not-a-database' ? gzipSync('nothing of use') : layer;
  const config = Buffer.from('{}');
  const type =
    fault === 'wrong-media-type'
      ? 'application/octet-stream'
      : `application/vnd.aquasec.trivy.${kind}.layer.v1.tar+gzip`;
  const one = {
    mediaType: type,
    digest: digest(content),
    size: content.length,
    ...(fault === 'no-title' ? {} : { annotations: { 'org.opencontainers.image.title': `${kind}.tar.gz` } }),
  };
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.aquasec.trivy.config.v1+json',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digest(config), size: config.length },
      layers: fault === 'two-layers' ? [one, one] : [one],
    }),
  );
  return {
    manifest,
    blobs: new Map([
      [digest(content), content],
      [digest(config), config],
    ]),
  };
}
