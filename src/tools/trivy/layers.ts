import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import pLimit from 'p-limit';
import { isDigest, splitDigest } from '../../domain/digest.ts';
import { ImageFiles, type LayerEntry } from '../../domain/gate/image-files.ts';
import { InstalledPackages } from '../../domain/gate/installed-packages.ts';
import type { ReportFinding } from '../../domain/gate/report.ts';
import { RpmPackages } from '../../domain/gate/rpm-packages.ts';
import { planOverlay, type ScanOverlay } from '../../domain/gate/scan-overlay.ts';
import { isJavaArchive, managerOf, osFile, PACKAGE_DATABASES, RELEASE_FILES } from '../../domain/gate/scanned-files.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { quoted } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';
import { LayerTar, type TarContent, type TarHeader } from './layer-tar.ts';
import { readUnseenSecrets } from './unseen-secrets.ts';

/** Facts from the tar entries of an image's layers that a scanner's report lacks. */
interface LayerFacts {
  /** Files of an operating system or its package manager, sorted; a folder with many is listed once. */
  readonly osFiles: readonly string[];
  /**
   * Whether a layer contains a Java archive, even one removed later: only then does the scanner need its Java database.
   */
  readonly hasJava: boolean;
  /** Credentials in files that the scanner skips, in any layer. */
  readonly secrets: readonly ReportFinding[];
  /** The image's file system as a container sees it. */
  readonly files: ImageFiles;
  /** What the scanner needs in addition to see the same. */
  readonly overlay: ScanOverlay;
}

/** A layer as transferred, and its diff id from the image config. */
export interface UnpackedLayer {
  readonly layer: Descriptor;
  readonly diffId: string;
}

export type LayerReader = (layers: readonly UnpackedLayer[]) => Promise<LayerFacts>;

/** Receives the content of some entries of a layer. */
export type TakeContent = (entry: LayerEntry) => TarContent | undefined;

const MAX_ENTRIES = 3_000_000;
/** No system supports longer ones: https://man7.org/linux/man-pages/man3/realpath.3.html */
const MAX_NAME_LENGTH = 4096;
/** Maximum length of a file that identifies the system. */
export const MAX_TEXT_BYTES = 64 * 1024;

/**
 * Creates a reader that reads each layer once, however many platforms share it. Scanners identify layers by their diff
 * ids in the config: a layer with the diff id of another would never be scanned. So each one is verified.
 * @param open returns the bytes of a layer as transferred
 */
export function createLayerReader(open: (layer: Descriptor) => Readable): LayerReader {
  const known = new Map<string, Promise<ReadLayer>>();
  // A layer is decompressed in another thread while the previous one is hashed.
  const limit = pLimit(2);
  const entriesOf = (unpacked: UnpackedLayer) => {
    const key = `${unpacked.layer.digest} ${unpacked.diffId}`;
    const found = known.get(key) ?? limit(() => readLayer(open(unpacked.layer), unpacked));
    known.set(key, found);
    return found;
  };
  return async (layers) => {
    const read = await Promise.all(layers.map(entriesOf));
    const entries = read.map((layer) => layer.entries);
    const files = new ImageFiles(entries);
    return {
      osFiles: osFilesOf(files),
      secrets: read.flatMap(({ secrets }) => secrets),
      hasJava: entries.some((ofLayer) => ofLayer.some(({ kind, name }) => kind !== 'directory' && isJavaArchive(name))),
      files,
      overlay: planOverlay(entries, files),
    };
  };
}

function osFilesOf(files: ImageFiles): readonly string[] {
  const found = new Set<string>();
  for (const [path] of files.all()) {
    const file = osFile(path);
    if (file !== undefined) found.add(file);
  }
  // A link to a folder.
  for (const path of Object.values(PACKAGE_DATABASES).flat()) {
    if (!found.has(path) && osFile(path) === path && files.find(path) !== undefined) found.add(path);
  }
  return [...found].sort();
}

/** The content of a layer. */
export interface ReadLayer {
  readonly entries: readonly LayerEntry[];
  readonly secrets: readonly ReportFinding[];
}

/**
 * Reads a layer.
 * @param take called with each entry; may return a receiver for its content
 * @throws ActionError LAYOUT_CORRUPT when the layer is not a tar, or does not match the config
 */
export async function readLayer(
  bytes: Readable,
  { layer, diffId }: UnpackedLayer,
  take?: TakeContent,
): Promise<ReadLayer> {
  const secrets: ReportFinding[] = [];
  const entries: LayerEntry[] = [];
  const tar = new LayerTar((header) => {
    if (entries.length >= MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
    const entry = entryOf(header, entries.length);
    const at = entries.push(entry) - 1;
    if (take !== undefined) return take(entry);
    const report = (facts: EntryFacts) => {
      entries[at] = { ...entry, ...facts };
    };
    const unseen = readUnseenSecrets(entry, (found) => secrets.push({ ...found, layer: layer.digest }));
    return inspect(entry, report) ?? unseen;
  });
  const { algorithm, hex } = isDigest(diffId) ? splitDigest(diffId) : { algorithm: 'sha256', hex: '' };
  const hash = createHash(algorithm);
  const read = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      tar.push(chunk);
    }
    tar.end();
  };
  try {
    const inflate = decompressor(await firstBytes(bytes));
    if (inflate === undefined) await pipeline(bytes, read);
    else await pipeline(bytes, inflate, read);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ActionError('LAYOUT_CORRUPT', `The layer ${layer.digest} cannot be read: ${reason}.`, { cause: error });
  }
  const is = hash.digest('hex');
  if (is !== hex) {
    const said = isDigest(diffId) ? diffId : 'something that is no digest';
    throw new ActionError(
      'LAYOUT_CORRUPT',
      `The layer ${layer.digest} unpacks to ${algorithm}:${is}, but the image config lists ${said}.`,
    );
  }
  // Engines and the scanner disagree about a whiteout without a name: the scanner removes the whole folder.
  const nameless = entries.find(({ name }) => /(?:^|\/)\.wh\.$/.test(name));
  if (nameless !== undefined) {
    throw new ActionError(
      'IMAGE_INVALID',
      `The layer ${layer.digest} has the whiteout ${quoted(nameless.name)}, which names no file to remove.`,
    );
  }
  return { entries, secrets };
}

function entryOf({ kind, name, target, size, mode, isSparse }: TarHeader, at: number): LayerEntry {
  if (name.length > MAX_NAME_LENGTH || target.length > MAX_NAME_LENGTH) {
    throw new Error(`a name of it has ${Math.max(name.length, target.length)} characters`);
  }
  // The same rule as in the scanner: https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/walker/tar.go
  const clean = posix.normalize(name === '' ? '.' : name).replace(/^\/+|\/+$/g, '');
  return { kind, name: clean, target, size, mode, at, isSparse };
}

type EntryFacts = Pick<LayerEntry, 'text' | 'packages' | 'packageCount'>;

/** Reads the files that identify the system, and the package databases, as they pass by. */
function inspect({ kind, name, size }: LayerEntry, report: (facts: EntryFacts) => void): TarContent | undefined {
  if (kind !== 'file') return undefined;
  if (RELEASE_FILES.includes(name) && size <= MAX_TEXT_BYTES) {
    const chunks: Uint8Array[] = [];
    const end = () => report({ text: Buffer.concat(chunks).toString('utf8') });
    return { take: (bytes) => chunks.push(Uint8Array.from(bytes)), end };
  }
  const manager = managerOf(name);
  if (manager === 'rpm' && name.endsWith('.sqlite')) {
    const counted = new RpmPackages();
    const end = () => {
      const packageCount = counted.end();
      if (packageCount !== undefined) report({ packageCount });
    };
    return { take: (bytes) => counted.take(bytes), end };
  }
  if (manager === undefined || manager === 'rpm') return undefined;
  const packages = new InstalledPackages(manager);
  return { take: (bytes) => packages.take(bytes), end: () => report({ packages: packages.end() }) };
}

/** Peeks at the beginning of a stream. */
async function firstBytes(stream: Readable): Promise<Uint8Array> {
  await new Promise<void>((resolve, reject) => {
    stream.once('readable', resolve).once('error', reject).once('end', resolve);
  });
  const chunk: unknown = stream.read();
  if (!(chunk instanceof Uint8Array)) return new Uint8Array();
  stream.unshift(chunk);
  return chunk;
}

/** Detects compression by the first bytes instead of the media type, as the scanner and the runtime do. */
function decompressor(first: Uint8Array): Transform | undefined {
  const starts = (...magic: readonly number[]) => magic.every((byte, at) => first[at] === byte);
  if (starts(0x1f, 0x8b)) return createGunzip();
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return createZstdDecompress();
  return undefined;
}
