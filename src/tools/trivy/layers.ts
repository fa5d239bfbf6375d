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

/** What the tar entries of an image's layers tell that a scanner's report does not. */
export interface LayerFacts {
  /** Files that an operating system or its package manager has put there, sorted; a folder of many is named once. */
  readonly osFiles: readonly string[];
  /** Whether a layer holds a Java archive, removed later or not: only then the scanner needs its index of them. */
  readonly hasJava: boolean;
  /** Credentials in files that the scanner does not open, in any layer. */
  readonly secrets: readonly ReportFinding[];
  /** What a container finds in the image. */
  readonly files: ImageFiles;
  /** What the scanner has to be shown to see the same. */
  readonly overlay: ScanOverlay;
}

/** A layer as it travels, and the digest that the image config gives to what it unpacks to. */
export interface UnpackedLayer {
  readonly layer: Descriptor;
  readonly diffId: string;
}

export type LayerReader = (layers: readonly UnpackedLayer[]) => Promise<LayerFacts>;

/** Takes the content of some entries of a layer. */
export type TakeContent = (entry: LayerEntry) => TarContent | undefined;

const MOST_ENTRIES = 3_000_000;
/** Longer ones exist on no system: https://man7.org/linux/man-pages/man3/realpath.3.html */
const LONGEST_NAME = 4096;
/** Of a file that names the system. */
export const LONGEST_TEXT = 64 * 1024;

/**
 * Makes a reader of layers, which reads each layer once, however many platforms share it. Scanners find layers by what the
 * config calls them: with the name of another one, a layer would never be looked at. So each has to be what it is called.
 * @param open opens the bytes of a layer as they travel
 */
export function createLayerReader(open: (layer: Descriptor) => Readable): LayerReader {
  const known = new Map<string, Promise<ReadLayer>>();
  // A layer is unpacked in a thread of its own while the one before it is hashed.
  const limit = pLimit(2);
  const entriesOf = (each: UnpackedLayer) => {
    const key = `${each.layer.digest} ${each.diffId}`;
    const found = known.get(key) ?? limit(() => readLayer(open(each.layer), each));
    known.set(key, found);
    return found;
  };
  return async (layers) => {
    const read = await Promise.all(layers.map(entriesOf));
    const entries = read.map((each) => each.entries);
    const files = new ImageFiles(entries);
    return {
      osFiles: osFilesOf(files),
      secrets: read.flatMap(({ secrets }) => secrets),
      hasJava: entries.some((each) => each.some(({ kind, name }) => kind !== 'directory' && isJavaArchive(name))),
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
  // Behind the link of a folder.
  for (const path of Object.values(PACKAGE_DATABASES).flat()) {
    if (!found.has(path) && osFile(path) === path && files.find(path) !== undefined) found.add(path);
  }
  return [...found].sort();
}

/** What is in a layer. */
export interface ReadLayer {
  readonly entries: readonly LayerEntry[];
  readonly secrets: readonly ReportFinding[];
}

/**
 * Reads a layer.
 * @param take offered each entry as it comes
 * @throws ActionError LAYOUT_CORRUPT when the layer is not a tar, or not the one that the config means
 */
export async function readLayer(
  bytes: Readable,
  { layer, diffId }: UnpackedLayer,
  take?: TakeContent,
): Promise<ReadLayer> {
  const secrets: ReportFinding[] = [];
  const entries: LayerEntry[] = [];
  const tar = new LayerTar((header) => {
    if (entries.length >= MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} entries`);
    const entry = entryOf(header, entries.length);
    const at = entries.push(entry) - 1;
    if (take !== undefined) return take(entry);
    const tell = (facts: EntryFacts) => {
      entries[at] = { ...entry, ...facts };
    };
    const unseen = readUnseenSecrets(entry, (found) => secrets.push({ ...found, layer: layer.digest }));
    return inspect(entry, tell) ?? unseen;
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
      `The layer ${layer.digest} unpacks to ${algorithm}:${is}, and the image config says ${said}.`,
    );
  }
  // Engines and the scanner do not agree on what a whiteout without a name removes: the scanner drops the whole folder.
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
  if (name.length > LONGEST_NAME || target.length > LONGEST_NAME) {
    throw new Error(`a name of it has ${Math.max(name.length, target.length)} characters`);
  }
  // As the scanner does it: https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/walker/tar.go
  const clean = posix.normalize(name === '' ? '.' : name).replace(/^\/+|\/+$/g, '');
  return { kind, name: clean, target, size, mode, at, isSparse };
}

type EntryFacts = Pick<LayerEntry, 'text' | 'packages' | 'packageCount'>;

/** Reads what names the system, and what is listed as installed, while it passes by. */
function inspect({ kind, name, size }: LayerEntry, tell: (facts: EntryFacts) => void): TarContent | undefined {
  if (kind !== 'file') return undefined;
  if (RELEASE_FILES.includes(name) && size <= LONGEST_TEXT) {
    const chunks: Uint8Array[] = [];
    const end = () => tell({ text: Buffer.concat(chunks).toString('utf8') });
    return { take: (bytes) => chunks.push(Uint8Array.from(bytes)), end };
  }
  const manager = managerOf(name);
  if (manager === 'rpm' && name.endsWith('.sqlite')) {
    const counted = new RpmPackages();
    const end = () => {
      const packageCount = counted.end();
      if (packageCount !== undefined) tell({ packageCount });
    };
    return { take: (bytes) => counted.take(bytes), end };
  }
  if (manager === undefined || manager === 'rpm') return undefined;
  const packages = new InstalledPackages(manager);
  return { take: (bytes) => packages.take(bytes), end: () => tell({ packages: packages.end() }) };
}

/** The beginning of a stream, which is put back. */
async function firstBytes(stream: Readable): Promise<Uint8Array> {
  await new Promise<void>((resolve, reject) => {
    stream.once('readable', resolve).once('error', reject).once('end', resolve);
  });
  const chunk: unknown = stream.read();
  if (!(chunk instanceof Uint8Array)) return new Uint8Array();
  stream.unshift(chunk);
  return chunk;
}

/** By the first bytes, not by the media type: what counts is what the scanner and the runtime will do. */
function decompressor(first: Uint8Array): Transform | undefined {
  const starts = (...magic: readonly number[]) => magic.every((byte, at) => first[at] === byte);
  if (starts(0x1f, 0x8b)) return createGunzip();
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return createZstdDecompress();
  return undefined;
}
