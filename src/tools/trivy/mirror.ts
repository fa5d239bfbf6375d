import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes } from '../../domain/manifest.ts';
import { parseImageName } from '../../domain/reference.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Kind } from './metadata.ts';

/** The part of a repository that is needed to read a database. */
export interface MirrorRepository {
  readonly get: (reference: string) => Promise<ManifestBytes | undefined>;
  /** Fails when the bytes do not match the descriptor. */
  readonly getBlob: (blob: Descriptor) => Promise<Readable>;
}

/** The location of a database, from `db-repository`. */
export interface MirrorName {
  readonly host: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
}

/** Limits for the layer as transferred, and for its unpacked content: the databases of 2026 have 0.1 and 1.5 GB. */
const MAX_LAYER_BYTES = 4 * 1024 ** 3;
const MAX_UNPACKED_BYTES = 16 * 1024 ** 3;
const METADATA_FILE = 'metadata.json';

/** `ghcr.io/aquasecurity/trivy-db:2`, or with a digest; the default tag is the schema version, as in Trivy. */
export function parseMirror(text: string, kind: Kind): MirrorName | undefined {
  const [, named = '', digest] = /^([^@]*)(?:@(.+))?$/.exec(text.trim()) ?? [];
  const [, image = '', tag] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/.exec(named.replace(/:(?=\d+\/)/, '\0')) ?? [];
  const name = parseImageName(image.replace('\0', ':'));
  if (!name.ok || (digest !== undefined && !isDigest(digest))) return undefined;
  const { host, repository } = name.value;
  return { host, repository, reference: digest ?? tag ?? String(kind.version) };
}

/**
 * Downloads a database from a mirror and unpacks it: an OCI artifact with one layer. Verifies the digest and extracts
 * only the database and its metadata. https://trivy.dev/docs/latest/guide/configuration/db/
 * @param directory where the two files are written; created if missing
 * @throws ActionError MANIFEST_UNKNOWN, DATABASE_INVALID, and all read errors
 */
export async function fetchDatabase(
  mirror: MirrorRepository,
  reference: string,
  kind: Kind,
  directory: string,
  now: Date,
): Promise<void> {
  const manifest = await mirror.get(reference);
  if (manifest === undefined) throw new ActionError('MANIFEST_UNKNOWN', `There is no ${reference}.`);
  const bytes = await mirror.getBlob(layerOf(manifest, kind));
  await mkdir(directory, { recursive: true });
  await unpack(bytes, [kind.file, METADATA_FILE], directory);
  await noteDownload(join(directory, METADATA_FILE), now);
}

function layerOf({ descriptor, bytes }: ManifestBytes, kind: Kind): Descriptor {
  if (isIndexType(descriptor.mediaType))
    throw invalid('it is an index of several platforms, and one artifact is expected');
  const { layers } = fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  const [layer, ...more] = Array.isArray(layers) ? layers.map(fieldsOf) : [];
  if (layer === undefined) throw invalid('the artifact has no layer');
  if (more.length > 0) throw invalid('the artifact has several layers, and one is expected');
  const { mediaType, digest, size } = layer;
  if (mediaType !== kind.layerType) {
    throw invalid(
      `the layer is of another media type (${String(mediaType).slice(0, 100)}), so this is not such a database`,
    );
  }
  if (!isDigest(digest) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid('the layer has no digest or no size');
  }
  if (size > MAX_LAYER_BYTES) throw invalid(`the layer has ${size} bytes, more than ${MAX_LAYER_BYTES}`);
  return { mediaType, digest, size };
}

/** Extracts files with exactly these names; all others are skipped, so nothing is written elsewhere. */
async function unpack(compressed: Readable, names: readonly string[], directory: string): Promise<void> {
  const archive = extract();
  const feeding = pipeline(compressed, createGunzip({ chunkSize: 1024 * 1024 }), archive);
  // An entry cut off by the end of the archive would hang.
  const broken = new AbortController();
  feeding.catch((error: unknown) => broken.abort(error));
  let unpacked = 0;
  try {
    for await (const entry of archive) {
      const { name, type, size = 0 } = entry.header;
      unpacked += size;
      if (unpacked > MAX_UNPACKED_BYTES) throw invalid(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      const file = names.find((each) => each === name.replace(/^\.\//, ''));
      if (file === undefined || type !== 'file') {
        entry.resume();
        continue;
      }
      const output = createWriteStream(join(directory, file), { flags: 'wx', mode: 0o600 });
      await pipeline(entry, output, { signal: broken.signal });
    }
    await feeding;
  } catch (error) {
    archive.destroy();
    await feeding.catch(() => undefined);
    const isEffect = error instanceof Error && error.name === 'AbortError' && broken.signal.aborted;
    const cause: unknown = isEffect ? broken.signal.reason : error;
    if (cause instanceof ActionError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOSPC' || code === 'EDQUOT') throw cause;
    throw invalid(`the layer cannot be unpacked (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** Trivy treats a database as current for an hour after its download, whose time it reads here. */
async function noteDownload(file: string, now: Date): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || text.length > 64 * 1024) throw invalid(`it has no readable ${METADATA_FILE}`);
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch {
    throw invalid(`it has no readable ${METADATA_FILE}`);
  }
  await writeFile(file, JSON.stringify({ ...fieldsOf(metadata), DownloadedAt: now }));
}

function invalid(reason: string): ActionError {
  return new ActionError('DATABASE_INVALID', reason);
}
