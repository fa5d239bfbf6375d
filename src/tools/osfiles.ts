import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { Descriptor } from '../domain/manifest.ts';
import { ActionError } from '../errors/action-error.ts';

/** What the tar entries of an image's layers tell that a scanner's report does not. */
export interface LayerFacts {
  /** Files that an operating system or its package manager has put there, sorted; a folder of many is named once. */
  readonly osFiles: readonly string[];
  /** Whether there is a Java archive: only then the scanner needs its index of them. */
  readonly hasJava: boolean;
}

/** Where systems say what they are, and where package managers keep what is installed. A trailing slash: anything below. */
const OS_FILES: readonly string[] = [
  'etc/os-release',
  'usr/lib/os-release',
  'etc/alpine-release',
  'etc/debian_version',
  'etc/redhat-release',
  'etc/centos-release',
  'etc/oracle-release',
  'etc/system-release',
  'etc/SuSE-release',
  'etc/arch-release',
  'etc/gentoo-release',
  'etc/slackware-version',
  'etc/lsb-release',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  'var/lib/dpkg/status',
  'var/lib/dpkg/status.d/',
  'var/lib/rpm/',
  'usr/lib/sysimage/rpm/',
  'usr/share/rpm/',
  'var/lib/rpmmanifest/',
  'var/lib/pacman/local/',
  'var/db/pkg/',
  'var/lib/opkg/status',
  'usr/lib/opkg/status',
  'var/db/xbps/',
  'var/lib/pkgtools/packages/',
  'nix/var/nix/db/db.sqlite',
  'var/guix/db/db.sqlite',
];

const JAVA = /\.(?:jar|war|ear|par)$/i;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** The layer's own changes that matter here. */
interface LayerChanges {
  readonly files: readonly string[];
  /** Entries that are no folder: they take the place of whatever lay below their name. */
  readonly removed: readonly string[];
  /** Folders whose earlier content is gone. */
  readonly emptied: readonly string[];
}

export type LayerReader = (layers: readonly Descriptor[]) => Promise<LayerFacts>;

/**
 * Makes a reader of layers, which reads each layer once, however many platforms share it.
 * @param open opens the bytes of a layer as they travel
 */
export function createLayerReader(open: (layer: Descriptor) => Readable): LayerReader {
  const known = new Map<string, Promise<LayerChanges>>();
  const changesOf = (layer: Descriptor) => {
    const found = known.get(layer.digest) ?? readChanges(open(layer), layer);
    known.set(layer.digest, found);
    return found;
  };
  return async (layers) => {
    let files = new Set<string>();
    for (const layer of layers) {
      const { files: added, removed, emptied } = await changesOf(layer);
      const gone = (path: string) =>
        removed.some((each) => path === each || path.startsWith(`${each}/`)) ||
        emptied.some((each) => each === '' || path.startsWith(`${each}/`));
      files = new Set([...[...files].filter((path) => !gone(path)), ...added]);
    }
    const osFiles = new Set([...files].flatMap((path) => osFile(path) ?? []));
    return { osFiles: [...osFiles].sort(), hasJava: [...files].some((path) => JAVA.test(path)) };
  };
}

function osFile(path: string): string | undefined {
  return OS_FILES.find((each) => (each.endsWith('/') ? path.startsWith(each) : path === each));
}

/** Whether an entry can have a say in what is looked for: itself, or a file or whiteout in the way to it. */
function leadsToOsFile(path: string): boolean {
  return OS_FILES.some((each) => each.startsWith(`${path}/`) || each === path);
}

/**
 * https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 * @throws ActionError LAYOUT_CORRUPT when the layer is not a tar
 */
async function readChanges(bytes: Readable, layer: Descriptor): Promise<LayerChanges> {
  const files: string[] = [];
  const removed: string[] = [];
  const emptied: string[] = [];
  const take = ({ name, type }: Header) => {
    const path = name.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
    const slash = path.lastIndexOf('/');
    const [folder, base] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
    if (base === OPAQUE) emptied.push(folder);
    else if (base.startsWith(WHITEOUT)) removed.push([folder, base.slice(WHITEOUT.length)].filter(Boolean).join('/'));
    else if (type !== 'directory') {
      if (osFile(path) !== undefined || JAVA.test(path)) files.push(path);
      if (leadsToOsFile(path)) removed.push(path);
    }
  };
  const tar = extract();
  tar.on('entry', (header, stream, next) => {
    take(header);
    stream.on('end', next).resume();
  });
  try {
    const first = await firstBytes(bytes);
    const inflate = decompressor(first);
    if (inflate === undefined) await pipeline(bytes, tar);
    else await pipeline(bytes, inflate, tar);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ActionError('LAYOUT_CORRUPT', `The layer ${layer.digest} cannot be read: ${reason}.`, { cause: error });
  }
  return { files, removed, emptied };
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
