import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Digest } from '../../domain/digest.ts';
import { isFields } from '../../domain/fields.ts';
import { type Descriptor, MEDIA_TYPES } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { blobPath, clean, corrupt, invalid, MANIFEST_LIMIT, parseDocument, textsOf } from '../image/document.ts';
import { EXTRACT_LIMITS, type Extracted, metered } from './oci-tar.ts';

/** One image of `manifest.json`. https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format */
interface SavedImage {
  readonly config: string;
  readonly layers: readonly string[];
  readonly names: readonly string[];
}

const CHUNK_BYTES = 1024 * 1024;
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/**
 * Converts an unpacked `docker save` tar from before Docker 25, or from a tool that still writes that format (jib,
 * kaniko, nix), into an OCI layout. Layers keep their bytes, compressed or not, so the digests depend only on the
 * archive: a second run produces the same image and finds its version tag unchanged (P3). Each layer is checked against
 * the `diff_ids` of the config, the only checksums in that format. Files are moved out of the archive's folder.
 * @throws ActionError SOURCE_INVALID, SOURCE_UNSAFE, LAYOUT_CORRUPT
 */
export async function convertDockerSave(source: string, archive: Extracted, directory: string): Promise<void> {
  const image = oneImage(await readSmall(archive, 'manifest.json', source), source);
  const configBytes = await readSmall(archive, image.config, source);
  const config = parseDocument(configBytes, `the image config of ${source}`);
  const diffIds = isFields(config.rootfs) ? textsOf(config.rootfs.diff_ids) : [];
  if (diffIds.length !== image.layers.length) {
    throw invalid(
      `${source}: the number of layers (${image.layers.length}) and of diff_ids in the config (${diffIds.length}) differ`,
    );
  }
  const named = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(image.config)?.[1];
  const configDigest = sha256(configBytes);
  if (named !== undefined && configDigest !== `sha256:${named}`) {
    throw corrupt(`${source}: the image config ${image.config} has the digest ${configDigest}`);
  }

  const pathOf = (digest: Digest) => join(directory, ...blobPath(digest));
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true, mode: 0o700 });
  await writeFile(pathOf(configDigest), configBytes);
  const files = image.layers.map((name) => fileOf(archive, name, source));
  const known = new Map<string, SavedLayer>();
  for (const file of new Set(files)) known.set(file, await describeLayer(file));
  const layers = files.flatMap((file, at) => {
    const layer = known.get(file);
    if (layer?.diffId === diffIds[at]) return layer?.descriptor ?? [];
    const name = clean(image.layers[at]);
    throw corrupt(
      `${source}: the layer ${name} unpacks to ${layer?.diffId}, but the image config lists ${clean(diffIds[at])}`,
    );
  });
  for (const [file, { descriptor }] of known) await moveFile(file, pathOf(descriptor.digest));

  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: configDigest, size: configBytes.length },
      layers,
    }),
  );
  const root = { mediaType: MEDIA_TYPES.ociManifest, digest: sha256(manifest), size: manifest.length };
  await writeFile(pathOf(root.digest), manifest);
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [root] };
  await writeFile(join(directory, 'index.json'), JSON.stringify(index));
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

function oneImage(bytes: Uint8Array, source: string): SavedImage {
  // Wrapped in an object, the list passes the same checks as every other untrusted document.
  const wrapped = Buffer.concat([Buffer.from('{"images":'), bytes, Buffer.from('}')]);
  const { images } = parseDocument(wrapped, `manifest.json of ${source}`);
  const found = (Array.isArray(images) ? images : []).filter(isFields).map(
    (image): SavedImage => ({
      config: typeof image.Config === 'string' ? image.Config : '',
      layers: textsOf(image.Layers),
      names: textsOf(image.RepoTags),
    }),
  );
  const [first] = found;
  if (first === undefined) throw new ActionError('SOURCE_INVALID', `manifest.json of ${source} names no image.`);
  if (found.length > 1) {
    const names = found.map(({ names: [name], config }) => clean(name ?? config));
    throw new ActionError(
      'SOURCE_INVALID',
      `${source} contains ${found.length} images, but only one is expected: ${names.slice(0, 20).join(', ')}.`,
    );
  }
  return first;
}

/** The file of an entry. Docker before 25 wrote a link where two layers are the same. */
function fileOf(archive: Extracted, name: string, source: string): string {
  const entry = archive.links.get(name) ?? name;
  // Opens only names that the archive contained, so the document cannot point outside it.
  if (!archive.files.has(entry)) {
    throw new ActionError(
      'SOURCE_INVALID',
      `manifest.json of ${source} names ${clean(name)}, which it does not contain.`,
    );
  }
  return join(archive.directory, entry);
}

async function readSmall(archive: Extracted, name: string, source: string): Promise<Buffer> {
  const file = fileOf(archive, name, source);
  const { size } = await stat(file);
  if (size > MANIFEST_LIMIT)
    throw invalid(`${name} of ${source} has ${size} bytes, more than the ${MANIFEST_LIMIT} that are read`);
  return readFile(file);
}

interface SavedLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: Digest;
}

async function describeLayer(file: string): Promise<SavedLayer> {
  const { size } = await stat(file);
  const packed = await isGzip(file);
  const digest = await hashOf([createReadStream(file, { highWaterMark: CHUNK_BYTES })]);
  const descriptor = { mediaType: packed ? `${LAYER_TYPE}+gzip` : LAYER_TYPE, digest, size };
  if (!packed) return { descriptor, diffId: digest };
  const input = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const unpacked = [input, createGunzip({ chunkSize: CHUNK_BYTES }), metered(input, EXTRACT_LIMITS, file)];
  return { descriptor, diffId: await hashOf(unpacked) };
}

async function hashOf(streams: readonly (Readable | Duplex)[]): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline([...streams, hash]);
  return `sha256:${hash.digest('hex')}`;
}

async function isGzip(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
}

async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch(() => copyFile(from, to));
}

function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
