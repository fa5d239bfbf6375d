/** The kept part of a page's structure. */
type Page =
  | { readonly kind: 'leaf'; readonly rows: number }
  | { readonly kind: 'interior'; readonly children: readonly number[] };

const MAGIC = 'SQLite format 3\0';
const INTERIOR = 0x05;
const LEAF = 0x0d;
const FILE_HEADER = 100;
/** 4 GiB with the usual page size. */
const MAX_PAGES = 1_000_000;
const MAX_SCHEMA_PAGES = 64;

/**
 * Counts the packages of an rpm database as its bytes pass by: the rows of the table `Packages` in `rpmdb.sqlite`.
 * Keeps only the structure of the pages, because a table can only be found once all of them are known.
 * https://www.sqlite.org/fileformat2.html#b_tree_pages,
 * https://github.com/rpm-software-management/rpm/blob/master/lib/backend/sqlite.cc
 */
export class RpmPackages {
  readonly #pages = new Map<number, Page>();
  /** Pages that may contain the definition of the table. */
  readonly #definitions = new Map<number, Buffer>();
  readonly #head: Uint8Array[] = [];
  #headLength = 0;
  /** 0 until known; undefined when it is not such a database. */
  #pageSize: number | undefined = 0;
  #page = Buffer.alloc(0);
  #filled = 0;
  #number = 0;

  take(bytes: Uint8Array): void {
    if (this.#pageSize === 0) {
      this.#head.push(Uint8Array.from(bytes));
      this.#headLength += bytes.length;
      if (this.#headLength < FILE_HEADER) return;
      const head = Buffer.concat(this.#head);
      this.#head.length = 0;
      this.#pageSize = pageSizeOf(head);
      this.#page = Buffer.alloc(this.#pageSize ?? 0);
      this.#fill(head);
    } else this.#fill(bytes);
  }

  /** @returns undefined when rpm could not read the database */
  end(): number | undefined {
    const root = this.#rootOfPackages();
    return root === undefined ? undefined : this.#rowsBelow(root);
  }

  #fill(bytes: Uint8Array): void {
    if (this.#pageSize === undefined) return;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#page.length - this.#filled);
      this.#page.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#page.length) this.#endPage();
    }
  }

  #endPage(): void {
    this.#filled = 0;
    this.#number += 1;
    if (this.#number > MAX_PAGES) this.#pageSize = undefined;
    const page = this.#page;
    const start = this.#number === 1 ? FILE_HEADER : 0;
    const cells = page.readUInt16BE(start + 3);
    if (page[start] === LEAF) {
      this.#pages.set(this.#number, { kind: 'leaf', rows: cells });
      if (page.includes('CREATE TABLE') && page.includes('Packages') && this.#definitions.size < MAX_SCHEMA_PAGES) {
        this.#definitions.set(this.#number, Buffer.from(page));
      }
    } else if (page[start] === INTERIOR && start + 12 + cells * 2 <= page.length) {
      const pointers = Array.from({ length: cells }, (_, at) => page.readUInt16BE(start + 12 + at * 2));
      const children = pointers.filter((at) => at + 4 <= page.length).map((at) => page.readUInt32BE(at));
      this.#pages.set(this.#number, { kind: 'interior', children: [...children, page.readUInt32BE(start + 8)] });
    }
  }

  #rootOfPackages(): number | undefined {
    for (const number of this.#leavesBelow(1)) {
      const page = this.#definitions.get(number);
      const root = page === undefined ? undefined : rootIn(page, number === 1 ? FILE_HEADER : 0);
      if (root !== undefined) return root;
    }
    return undefined;
  }

  #rowsBelow(root: number): number {
    return this.#leavesBelow(root).reduce((sum, number) => {
      const page = this.#pages.get(number);
      return page?.kind === 'leaf' ? sum + page.rows : sum;
    }, 0);
  }

  #leavesBelow(root: number): readonly number[] {
    const seen = new Set<number>();
    const leaves: number[] = [];
    const open = [root];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      const page = this.#pages.get(number);
      if (page === undefined || seen.has(number)) continue;
      seen.add(number);
      if (page.kind === 'leaf') leaves.push(number);
      else open.push(...page.children);
    }
    return leaves;
  }
}

function pageSizeOf(head: Buffer): number | undefined {
  if (head.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const said = head.readUInt16BE(16);
  const size = said === 1 ? 65_536 : said;
  return size >= 512 && (size & (size - 1)) === 0 ? size : undefined;
}

/** The root page of the table `Packages`, from a schema page: each row is type, name, table, root page, SQL. */
function rootIn(page: Buffer, start: number): number | undefined {
  const cells = page.readUInt16BE(start + 3);
  for (let at = 0; at < cells; at += 1) {
    const values = rowAt(page, page.readUInt16BE(start + 8 + at * 2));
    if (values?.[0] === 'table' && values[1] === 'Packages') return Number(values[3]);
  }
  return undefined;
}

/** https://www.sqlite.org/fileformat2.html#record_format, limited to what a schema row needs. */
function rowAt(page: Buffer, cell: number): readonly (string | number)[] | undefined {
  let at = cell;
  const varint = () => {
    let value = 0;
    for (let count = 0; count < 9; count += 1) {
      const byte = page[at++] ?? 0;
      value = value * 128 + (byte & 0x7f);
      if ((byte & 0x80) === 0) break;
    }
    return value;
  };
  varint();
  varint();
  const header = at;
  const end = header + varint();
  const types: number[] = [];
  while (at < end && types.length < 5) types.push(varint());
  at = end;
  const values = types.slice(0, 4).map((type) => {
    const length = type >= 13 && type % 2 === 1 ? (type - 13) / 2 : (INTEGER_BYTES[type] ?? 0);
    const bytes = page.subarray(at, at + length);
    at += length;
    return type >= 13 ? bytes.toString('utf8') : bytes.reduce((value, byte) => value * 256 + byte, 0);
  });
  return at <= page.length ? values : undefined;
}

/** Sizes of the serial types 0 to 6. */
const INTEGER_BYTES: readonly number[] = [0, 1, 2, 3, 4, 6, 8];
