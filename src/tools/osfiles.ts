import { createHash } from 'node:crypto';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { isDigest, splitDigest } from '../domain/digest.ts';
import type { ReportFinding } from '../domain/gate/report.ts';
import type { Descriptor } from '../domain/manifest.ts';
import { ActionError } from '../errors/action-error.ts';
import { readUnseenSecrets } from './unseen-secrets.ts';

/** What the tar entries of an image's layers tell that a scanner's report does not. */
export interface LayerFacts {
  /** Files that an operating system or its package manager has put there, sorted; a folder of many is named once. */
  readonly osFiles: readonly string[];
  /** Whether a layer holds a Java archive, removed later or not: only then the scanner needs its index of them. */
  readonly hasJava: boolean;
  /** Credentials in files that the scanner does not open, in any layer. */
  readonly secrets: readonly ReportFinding[];
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
  readonly hasJava: boolean;
  readonly secrets: readonly ReportFinding[];
}

/** A layer as it travels, and the digest that the image config gives to what it unpacks to. */
export interface UnpackedLayer {
  readonly layer: Descriptor;
  readonly diffId: string;
}

export type LayerReader = (layers: readonly UnpackedLayer[]) => Promise<LayerFacts>;

/**
 * Makes a reader of layers, which reads each layer once, however many platforms share it. Scanners find layers by what the
 * config calls them: with the name of another one, a layer would never be looked at. So each has to be what it is called.
 * @param open opens the bytes of a layer as they travel
 */
export function createLayerReader(open: (layer: Descriptor) => Readable): LayerReader {
  const known = new Map<string, Promise<LayerChanges>>();
  const changesOf = (each: UnpackedLayer) => {
    const key = `${each.layer.digest} ${each.diffId}`;
    const found = known.get(key) ?? readChanges(open(each.layer), each);
    known.set(key, found);
    return found;
  };
  return async (layers) => {
    let files = new Set<string>();
    let hasJava = false;
    const secrets: ReportFinding[] = [];
    for (const layer of layers) {
      const { files: added, removed, emptied, hasJava: holdsJava, secrets: found } = await changesOf(layer);
      hasJava ||= holdsJava;
      secrets.push(...found);
      const gone = (path: string) =>
        removed.some((each) => path === each || path.startsWith(`${each}/`)) ||
        emptied.some((each) => each === '' || path.startsWith(`${each}/`));
      files = new Set([...[...files].filter((path) => !gone(path)), ...added]);
    }
    const osFiles = new Set([...files].flatMap((path) => osFile(path) ?? []));
    return { osFiles: [...osFiles].sort(), hasJava, secrets };
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
 * @throws ActionError LAYOUT_CORRUPT when the layer is not a tar, or not the one that the config means
 */
async function readChanges(bytes: Readable, { layer, diffId }: UnpackedLayer): Promise<LayerChanges> {
  const files: string[] = [];
  const removed: string[] = [];
  const emptied: string[] = [];
  let hasJava = false;
  const take = ({ name, type }: Header) => {
    const path = name.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
    const slash = path.lastIndexOf('/');
    const [folder, base] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
    if (base === OPAQUE) emptied.push(folder);
    else if (base.startsWith(WHITEOUT)) removed.push([folder, base.slice(WHITEOUT.length)].filter(Boolean).join('/'));
    else if (type !== 'directory') {
      hasJava ||= JAVA.test(path);
      if (osFile(path) !== undefined) files.push(path);
      if (leadsToOsFile(path)) removed.push(path);
    }
  };
  const { algorithm, hex } = isDigest(diffId) ? splitDigest(diffId) : { algorithm: 'sha256', hex: '' };
  const hash = createHash(algorithm);
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const tar = extract();
  const secrets: ReportFinding[] = [];
  tar.on('entry', (header, stream, next) => {
    take(header);
    readUnseenSecrets(header, stream, (found) => secrets.push({ ...found, layer: layer.digest }));
    stream.on('end', next).resume();
  });
  try {
    const first = await firstBytes(bytes);
    const inflate = decompressor(first);
    if (inflate === undefined) await pipeline(bytes, hashed, tar);
    else await pipeline(bytes, inflate, hashed, tar);
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
  return { files, removed, emptied, hasJava, secrets };
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
