import { type FileHandle, open } from 'node:fs/promises';

const MAGIC = 0xed0cdaed;
const HEADER_BYTES = 16;
const BRANCH_FLAG = 0x01;
const LEAF_FLAG = 0x02;
const MAX_PAGES = 10_000;
const MAX_PAGE_BYTES = 1024 * 1024;

/**
 * Names of the buckets at the root of a bbolt file, the format of Trivy's database. Little-endian, like all platforms
 * it is built for. https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go
 * @throws Error when the file is not one
 */
export async function bucketNames(file: string): Promise<ReadonlySet<string>> {
  await using handle = await open(file, 'r');
  const start = await bytesAt(handle, 0, HEADER_BYTES + 64);
  const pageSize = start.readUInt32LE(HEADER_BYTES + 8);
  if (start.readUInt32LE(HEADER_BYTES) !== MAGIC || pageSize < 512 || pageSize > MAX_PAGE_BYTES) {
    throw new Error('it is no bbolt file');
  }
  const second = await bytesAt(handle, pageSize, HEADER_BYTES + 64);
  // Of two meta pages, the later complete one counts. A file opened read-only has both.
  const metas = [start, second].filter((meta) => meta.readUInt32LE(HEADER_BYTES) === MAGIC);
  const [meta = start] = metas.toSorted((a, b) =>
    Number(b.readBigUInt64LE(HEADER_BYTES + 48) - a.readBigUInt64LE(HEADER_BYTES + 48)),
  );
  const names = new Set<string>();
  const pages = [Number(meta.readBigUInt64LE(HEADER_BYTES + 16))];
  const known = new Set(pages);
  for (let page = pages.pop(); page !== undefined; page = pages.pop()) {
    const { keys, children } = readPage(await wholePage(handle, page, pageSize));
    for (const key of keys) names.add(key);
    for (const child of children) {
      if (known.has(child) || known.size > MAX_PAGES) throw new Error('its pages go round in circles');
      known.add(child);
      pages.push(child);
    }
  }
  return names;
}

async function wholePage(handle: FileHandle, page: number, pageSize: number): Promise<Buffer> {
  const overflow = (await bytesAt(handle, page * pageSize, HEADER_BYTES)).readUInt32LE(12);
  if ((overflow + 1) * pageSize > 64 * MAX_PAGE_BYTES) throw new Error('it has a page that is too large');
  return bytesAt(handle, page * pageSize, (overflow + 1) * pageSize);
}

function readPage(page: Buffer): { readonly keys: readonly string[]; readonly children: readonly number[] } {
  const flags = page.readUInt16LE(8);
  const at = Array.from({ length: page.readUInt16LE(10) }, (_, index) => HEADER_BYTES + index * 16);
  const keyAt = (element: number, position: number, size: number) =>
    page.subarray(element + position, element + position + size).toString('utf8');
  if (flags === LEAF_FLAG) {
    // Bucket elements are flagged; the root has no others.
    const keys = at.map((offset) => keyAt(offset, page.readUInt32LE(offset + 4), page.readUInt32LE(offset + 8)));
    return { keys, children: [] };
  }
  if (flags !== BRANCH_FLAG) throw new Error('it has a page of an unknown kind');
  return { keys: [], children: at.map((offset) => Number(page.readBigUInt64LE(offset + 8))) };
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw new Error('it is cut off');
  return buffer;
}
