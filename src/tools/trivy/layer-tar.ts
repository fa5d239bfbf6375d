import { isUtf8 } from 'node:buffer';

/** The type of a tar entry. `other`: devices, pipes, and types that neither scanner nor engine unpacks. */
type TarKind = 'file' | 'directory' | 'symlink' | 'link' | 'other';

export interface TarHeader {
  readonly kind: TarKind;
  /** As written: it may begin with `./`, `/` or `../`. */
  readonly name: string;
  /** Target of a link. */
  readonly target: string;
  /** Bytes of content that follow. */
  readonly size: number;
  readonly mode: number;
  /** A sparse file: the bytes that follow are not its whole content. */
  readonly isSparse: boolean;
}

/** Receives the content of one entry, piece by piece. */
export interface TarContent {
  readonly take: (bytes: Uint8Array) => void;
  readonly end?: () => void;
}

const BLOCK_BYTES = 512;
/** Go's limit for long names and PAX records. */
const MAX_RECORD_BYTES = 1024 * 1024;
const HEADER_ONLY = new Set(['1', '2', '3', '4', '5', '6']);
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

interface Pending {
  readonly header: Header;
  readonly chunks: Uint8Array[];
}

interface Header extends TarHeader {
  readonly flag: string;
  readonly isExtended: boolean;
}

/**
 * Reads a tar like Go's `archive/tar`, which the scanner and all container engines use for layers: any difference would
 * open a gap. Links have no content whatever their size field says, the archive ends at two empty blocks, a global PAX
 * header does not affect names. https://github.com/golang/go/blob/master/src/archive/tar/reader.go
 */
export class LayerTar {
  readonly #onEntry: (header: TarHeader) => TarContent | undefined;
  #block: Uint8Array = new Uint8Array(0);
  /** Remaining bytes of content, then of padding. */
  #remaining = 0;
  #padding = 0;
  #content: TarContent | undefined;
  #record: Pending | undefined;
  #sparse: Header | undefined;
  #emptyBlocks = 0;
  #pax: ReadonlyMap<string, string> = new Map();
  #longName: string | undefined;
  #longTarget: string | undefined;

  /** @param onEntry called for each entry; returns the receiver of its content */
  constructor(onEntry: (header: TarHeader) => TarContent | undefined) {
    this.#onEntry = onEntry;
  }

  /** @throws Error when the bytes are not a tar */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#emptyBlocks < 2) {
      if (this.#remaining > 0) {
        const piece = chunk.subarray(at, at + this.#remaining);
        at += piece.length;
        this.#remaining -= piece.length;
        this.#content?.take(piece);
        if (this.#remaining === 0) this.#endContent();
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        at += skipped;
        this.#padding -= skipped;
      } else {
        const piece = chunk.subarray(at, at + BLOCK_BYTES - this.#block.length);
        at += piece.length;
        const block = this.#block.length === 0 ? piece : Buffer.concat([this.#block, piece]);
        if (block.length === BLOCK_BYTES) this.#takeBlock(block);
        this.#block = block.length === BLOCK_BYTES ? new Uint8Array(0) : block;
      }
    }
  }

  /** @throws Error when the tar is truncated */
  end(): void {
    if (this.#emptyBlocks >= 2) return;
    if (this.#remaining > 0 || this.#block.length > 0 || this.#record !== undefined || this.#sparse !== undefined) {
      throw new Error(this.#remaining > 0 ? `it ends ${this.#remaining} bytes too early` : 'it ends in a header');
    }
  }

  #takeBlock(block: Uint8Array): void {
    if (this.#sparse !== undefined) {
      const header = this.#sparse;
      if (block[504] === 0) this.#sparse = undefined;
      if (this.#sparse === undefined) this.#begin(header);
      return;
    }
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      this.#emptyBlocks += 1;
      return;
    }
    if (this.#emptyBlocks > 0) throw new Error('an entry follows an empty block');
    const header = parseHeader(block);
    if ('xgLK'.includes(header.flag)) {
      if (header.size > MAX_RECORD_BYTES) throw new Error(`a header has a record of ${header.size} bytes`);
      const chunks: Uint8Array[] = [];
      this.#record = { header, chunks };
      this.#expect(header.size, { take: (bytes) => chunks.push(Uint8Array.from(bytes)) });
      return;
    }
    if (header.isExtended) this.#sparse = header;
    else this.#begin(header);
  }

  #begin(raw: Header): void {
    const pax = this.#pax;
    const name = this.#longName ?? (pax.get('GNU.sparse.name') || pax.get('path') || raw.name);
    const target = this.#longTarget ?? (pax.get('linkpath') || raw.target);
    const paxSize = pax.get('size');
    const size = paxSize === undefined || paxSize === '' ? raw.size : Number(paxSize);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('an entry has no valid size');
    const isSparse = raw.flag === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'));
    this.#pax = new Map();
    this.#longName = undefined;
    this.#longTarget = undefined;
    // Only the oldest format has no type for directories.
    const kind = raw.flag === '\0' && name.endsWith('/') ? 'directory' : raw.kind;
    const contentSize = HEADER_ONLY.has(raw.flag) || kind === 'directory' ? 0 : size;
    this.#expect(contentSize, this.#onEntry({ kind, name, target, size: contentSize, mode: raw.mode, isSparse }));
  }

  #expect(size: number, content: TarContent | undefined): void {
    this.#remaining = size;
    this.#padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#content = content;
    if (size === 0) this.#endContent();
  }

  #endContent(): void {
    const content = this.#content;
    this.#content = undefined;
    const record = this.#record;
    this.#record = undefined;
    if (record === undefined) {
      content?.end?.();
      return;
    }
    const bytes = Buffer.concat(record.chunks);
    if (record.header.flag === 'x') this.#pax = parsePax(bytes);
    else if (record.header.flag === 'L') this.#longName = textOf(bytes);
    else if (record.header.flag === 'K') this.#longTarget = textOf(bytes);
    else {
      // Go returns a global header as an entry, and resets the headers before it.
      this.#pax = new Map();
      this.#longName = undefined;
      this.#longTarget = undefined;
    }
  }
}

const TAR_KINDS: Readonly<Record<string, TarKind>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'link',
  '2': 'symlink',
  '5': 'directory',
};

function parseHeader(block: Uint8Array): Header {
  const sum = checksums(block);
  const said = numberAt(block, 148, 8);
  if (said !== sum.unsigned && said !== sum.signed) throw new Error('a header has the wrong checksum');
  const flag = String.fromCharCode(block[156] ?? 0);
  const magic = latin(block, 257, 8);
  const isStar = latin(block, 508, 4) === 'tar\0';
  const prefix = magic.startsWith('ustar\0') ? textOf(block.subarray(345, isStar ? 476 : 500)) : '';
  const name = textOf(block.subarray(0, 100));
  return {
    flag,
    kind: TAR_KINDS[flag] ?? 'other',
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: textOf(block.subarray(157, 257)),
    size: numberAt(block, 124, 12),
    mode: numberAt(block, 100, 8),
    isSparse: flag === 'S',
    isExtended: flag === 'S' && block[482] !== 0,
  };
}

function checksums(block: Uint8Array): { readonly unsigned: number; readonly signed: number } {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return { unsigned, signed };
}

/** Octal digits, or a base-256 number, marked by its first bit. */
function numberAt(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  const [first = 0] = field;
  if ((first & 0x80) !== 0) {
    if ((first & 0x40) !== 0) throw new Error('a header has a negative number');
    return field.reduce((value, byte, index) => value * 256 + (index === 0 ? byte & 0x7f : byte), 0);
  }
  const digits = latin(block, at, length)
    .replaceAll(/^[ \0]+|[ \0]+$/g, '')
    .replace(/\0.*$/s, '');
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new Error('a header has a number that is none');
  return Number.parseInt(digits, 8);
}

/** `<length> <key>=<value>\n`, repeated. */
function parsePax(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(latin(bytes, at, Math.min(Math.max(space - at, 0), 10)));
    const record = bytes.subarray(space + 1, at + length);
    const equals = record.indexOf(0x3d);
    if (space < 0 || !(length > space - at) || at + length > bytes.length || equals < 1 || record.at(-1) !== 0x0a) {
      throw new Error('a PAX header is not valid');
    }
    records.set(DECODER.decode(record.subarray(0, equals)), DECODER.decode(record.subarray(equals + 1, -1)));
    at += length;
  }
  return records;
}

/** Up to the first NUL. Invalid UTF-8 is decoded losslessly, so that different names stay different. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  return isUtf8(text) ? DECODER.decode(text) : latin(text, 0, text.length);
}

function latin(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.max(0, Math.min(length, bytes.length - at))).toString(
    'latin1',
  );
}
