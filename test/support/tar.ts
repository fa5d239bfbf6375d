import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';

export interface TarEntry {
  readonly header: Partial<Header> & Pick<Header, 'name'>;
  readonly content?: string | Uint8Array;
}

/** A tar of plain files, path → content, the same bytes each time. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  return tarOfEntries(Object.entries(files).map(([name, content]) => ({ header: { name, mode: 0o644 }, content })));
}

/** A tar of any entries: links, devices, odd names. */
export async function tarOfEntries(entries: readonly TarEntry[]): Promise<Buffer> {
  const writer = pack();
  const chunks: Buffer[] = [];
  for (const entry of entries) add(writer, entry);
  writer.finalize();
  for await (const chunk of writer) if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function add(writer: Pack, { header, content = '' }: TarEntry): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  writer.entry({ mtime: new Date(0), ...header }, bytes);
}

/** Packs a folder as `oci-layout` tars are packed. */
export async function tarDirectory(directory: string, file: string, options: { readonly gzip?: boolean } = {}) {
  const entries: TarEntry[] = [];
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    const facts = await stat(path);
    entries.push(
      facts.isDirectory()
        ? { header: { name: `${name}/`, type: 'directory', mode: 0o755 } }
        : { header: { name, mode: 0o644 }, content: await readFile(path) },
    );
  }
  const tar = await tarOfEntries(entries);
  await writeFile(file, options.gzip ? gzipSync(tar, { level: 1 }) : tar);
}

/** The header of an entry that claims a size, without its content. */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  // Sizes from 8 GiB on are numbers in base 256.
  header[124] = 0x80;
  header.writeBigUInt64BE(BigInt(size), 128);
  header.write('00000000000\0        0', 136);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
