import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import type { LayerEntry } from '../../domain/gate/image-files.ts';
import { InstalledPackages } from '../../domain/gate/installed-packages.ts';
import type { OverlayFile, ScanOverlay } from '../../domain/gate/scan-overlay.ts';
import { managerOf, RELEASE_FILES } from '../../domain/gate/scanned-files.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import type { TarContent } from './layer-tar.ts';
import { MAX_TEXT_BYTES, readLayer, type UnpackedLayer } from './layers.ts';

/** A layer that is only shown to the scanner. It is uncompressed: its digest is its diff id. */
interface ShownLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly file: string;
}

export interface OverlayLayers {
  /** Below all layers of the image. */
  readonly below: ShownLayer | undefined;
  readonly above: ShownLayer;
  /** Entries of its package databases, by path. */
  readonly packages: ReadonlyMap<string, readonly string[]>;
  /** Content of its files that identify the system, by path. */
  readonly texts: ReadonlyMap<string, string>;
}

/** A larger file is included under one of its names only. */
const MAX_REPEATED_BYTES = 4 * 1024 * 1024;
const BLOCK_BYTES = 512;

/**
 * Writes layers that show the scanner what a container sees.
 * @param directory for files; the caller removes it
 * @throws ActionError LAYOUT_CORRUPT
 */
export async function writeOverlay(
  directory: string,
  open: (layer: Descriptor) => Readable,
  layers: readonly UnpackedLayer[],
  { files, hidden, releases }: ScanOverlay,
): Promise<OverlayLayers> {
  using above = new LayerWriter(join(directory, 'above.tar'));
  using below = new LayerWriter(join(directory, 'below.tar'));
  const facts = { packages: new Map<string, readonly string[]>(), texts: new Map<string, string>() };
  for (const [at, layer] of layers.entries()) {
    const wanted = byEntry(files, at);
    const named = byEntry(releases, at);
    if (wanted.size + named.size === 0) continue;
    await readLayer(open(layer.layer), layer, (entry) => {
      const [paths, releasePaths] = [wanted.get(entry.at) ?? [], named.get(entry.at) ?? []];
      if (paths.length + releasePaths.length === 0) return undefined;
      const content = new Contents(entry);
      content.inspect(paths, facts);
      const repeated = new Set([...paths, ...releasePaths]);
      if (entry.size > MAX_REPEATED_BYTES) content.stream(above, [...repeated][0] ?? '');
      else
        content.repeat(
          [...repeated]
            .map((path) => [above, path] as const)
            .concat(releasePaths.map((path) => [below, path] as const)),
        );
      return content;
    });
  }
  for (const path of hidden) above.add(path.replace(/([^/]+)$/, '.wh.$1'), 0o644, new Uint8Array(0));
  return {
    above: await above.finish(directory),
    below: releases.length === 0 ? undefined : await below.finish(directory),
    ...facts,
  };
}

function byEntry(files: readonly OverlayFile[], layer: number): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const { path, content } of files) {
    if (content.layer !== layer) continue;
    const paths = found.get(content.entry.at) ?? [];
    found.set(content.entry.at, [...paths, path]);
  }
  return found;
}

/** Writes the content of one entry to the overlay layers. */
class Contents implements TarContent {
  readonly #entry: LayerEntry;
  readonly #takers: TarContent[] = [];

  constructor(entry: LayerEntry) {
    this.#entry = entry;
  }

  take(bytes: Uint8Array): void {
    for (const taker of this.#takers) taker.take(bytes);
  }

  end(): void {
    for (const taker of this.#takers) taker.end?.();
  }

  inspect(
    paths: readonly string[],
    facts: { packages: Map<string, readonly string[]>; texts: Map<string, string> },
  ): void {
    for (const path of paths) {
      if (RELEASE_FILES.includes(path) && this.#entry.size <= MAX_TEXT_BYTES) {
        const chunks: Uint8Array[] = [];
        const end = () => facts.texts.set(path, Buffer.concat(chunks).toString('utf8'));
        this.#takers.push({ take: (bytes) => chunks.push(Uint8Array.from(bytes)), end });
      }
      const manager = managerOf(path);
      if (manager === undefined || manager === 'rpm') continue;
      const found = new InstalledPackages(manager);
      this.#takers.push({ take: (bytes) => found.take(bytes), end: () => facts.packages.set(path, found.end()) });
    }
  }

  stream(layer: LayerWriter, path: string): void {
    layer.begin(path, this.#entry.mode, this.#entry.size);
    this.#takers.push({ take: (bytes) => layer.write(bytes), end: () => layer.pad(this.#entry.size) });
  }

  repeat(copies: readonly (readonly [LayerWriter, string])[]): void {
    const chunks: Uint8Array[] = [];
    const end = () => {
      const bytes = Buffer.concat(chunks);
      for (const [layer, path] of copies) layer.add(path, this.#entry.mode, bytes);
    };
    this.#takers.push({ take: (bytes) => chunks.push(Uint8Array.from(bytes)), end });
  }
}

/** Writes a tar of regular files, with bytes streamed from another one. */
class LayerWriter {
  readonly #file: string;
  readonly #hash = createHash('sha256');
  readonly #handle: number;
  #size = 0;
  #isOpen = true;

  constructor(file: string) {
    this.#file = file;
    this.#handle = openSync(file, 'wx');
  }

  add(path: string, mode: number, bytes: Uint8Array): void {
    this.begin(path, mode, bytes.length);
    this.write(bytes);
    this.pad(bytes.length);
  }

  begin(path: string, mode: number, size: number): void {
    const name = Buffer.from(path);
    if (name.length > 100) {
      const record = Buffer.concat([name, Buffer.alloc(1)]);
      this.write(header(Buffer.from('././@LongLink'), 'L', 0, record.length));
      this.write(record);
      this.pad(record.length);
    }
    this.write(header(name.subarray(0, 100), '0', mode, size));
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
    this.#size += bytes.length;
  }

  pad(size: number): void {
    this.write(Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES));
  }

  async finish(directory: string): Promise<ShownLayer> {
    this.write(Buffer.alloc(2 * BLOCK_BYTES));
    this[Symbol.dispose]();
    const hex = this.#hash.digest('hex');
    const file = join(directory, hex);
    await rename(this.#file, file);
    return { digest: `sha256:${hex}`, size: this.#size, file };
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#handle);
    this.#isOpen = false;
  }
}

/** A header in GNU format, which allows names of any length. */
function header(name: Uint8Array, flag: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.set(name, 0);
  octal(mode & 0o7777, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write(`        ${flag}`, 148, 'latin1');
  block.write('ustar  \0', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}
