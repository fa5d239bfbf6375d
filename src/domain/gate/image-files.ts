/** One entry of a layer, as in its tar. */
export interface LayerEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'link' | 'other';
  /** Normalised as in the scanner: no `./`, no leading slash; a leading `..` is kept. */
  readonly name: string;
  /** Target of a link. */
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  /** Its index in the layer. */
  readonly at: number;
  /** Content of a small file that identifies the system, or of a package database. */
  readonly text?: string;
  readonly packages?: readonly string[];
  /** Package count of a database that is not read further. */
  readonly packageCount?: number;
  /** The bytes in the layer are not the content. */
  readonly isSparse: boolean;
}

/** The content of a file: its entry and layer. */
export interface FileContent {
  readonly layer: number;
  readonly entry: LayerEntry;
}

export type ImageNode =
  | { readonly kind: 'directory'; readonly children: Map<string, ImageNode> }
  /** `layer` added this name; the content may be from an earlier one. */
  | { readonly kind: 'file'; readonly content: FileContent; readonly layer: number; readonly isLink: boolean }
  | { readonly kind: 'symlink'; readonly target: string; readonly layer: number }
  | { readonly kind: 'other' };

type Directory = Extract<ImageNode, { kind: 'directory' }>;
export type FileNode = Extract<ImageNode, { kind: 'file' }>;

/** A link whose target does not exist when the link is created: engines refuse to unpack it. */
export interface BrokenLink {
  readonly path: string;
  readonly target: string;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const MAX_HOPS = 100;

/** The path removed by a whiteout, or the folder emptied by an opaque one; undefined for other names. */
export function whiteoutOf(name: string): { readonly path: string; readonly isOpaque: boolean } | undefined {
  const slash = name.lastIndexOf('/');
  const base = name.slice(slash + 1);
  if (!base.startsWith(WHITEOUT)) return undefined;
  const folder = name.slice(0, Math.max(slash, 0));
  if (base === OPAQUE) return { path: folder, isOpaque: true };
  return { path: [folder, base.slice(WHITEOUT.length)].filter(Boolean).join('/'), isOpaque: false };
}

/**
 * The files that a container sees: layers unpacked on top of each other, links resolved within the image.
 * https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export class ImageFiles {
  readonly #root: Directory = { kind: 'directory', children: new Map() };
  readonly #broken: BrokenLink[] = [];

  constructor(layers: readonly (readonly LayerEntry[])[]) {
    for (const [layer, entries] of layers.entries()) {
      // Whiteouts only affect earlier layers, whatever their position in their own.
      for (const { name } of entries) this.#erase(name);
      for (const entry of entries) this.#add(layer, entry);
    }
  }

  get brokenLinks(): readonly BrokenLink[] {
    return this.#broken;
  }

  /** The node at a path after resolving all links. */
  find(path: string): ImageNode | undefined {
    return this.#find(partsOf(path), 0);
  }

  /** The file at a path after resolving all links. */
  file(path: string): FileNode | undefined {
    const node = this.find(path);
    return node?.kind === 'file' ? node : undefined;
  }

  /** The names in a folder after resolving all links, sorted; empty when the folder does not exist. */
  list(path: string): readonly string[] {
    const node = this.find(path);
    return node?.kind === 'directory' ? [...node.children.keys()].sort() : [];
  }

  /** Every file and symbolic link with its real path. */
  *all(): Generator<readonly [string, Exclude<ImageNode, Directory>]> {
    const open: [string, Directory][] = [['', this.#root]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [path, { children }] = next;
      for (const [name, node] of children) {
        const full = path === '' ? name : `${path}/${name}`;
        if (node.kind === 'directory') open.push([full, node]);
        else yield [full, node];
      }
    }
  }

  #erase(name: string): void {
    const gone = whiteoutOf(name);
    if (gone === undefined) return;
    const parts = partsOf(gone.path);
    if (gone.isOpaque) {
      const folder = this.#find(parts, 0);
      if (folder?.kind === 'directory') folder.children.clear();
      return;
    }
    const base = parts.pop();
    const parent = this.#find(parts, 0);
    if (parent?.kind === 'directory' && base !== undefined) parent.children.delete(base);
  }

  #add(layer: number, entry: LayerEntry): void {
    const parts = partsOf(entry.name);
    const base = parts.pop();
    if (base === undefined || base.startsWith(WHITEOUT)) return;
    const parent = this.#makeDirectory(parts);
    const known = parent.children.get(base);
    const put = (node: ImageNode) => parent.children.set(base, node);
    if (entry.kind === 'directory') {
      if (known?.kind !== 'directory') put({ kind: 'directory', children: new Map() });
    } else if (entry.kind === 'file') put({ kind: 'file', content: { layer, entry }, layer, isLink: false });
    else if (entry.kind === 'symlink') put({ kind: 'symlink', target: entry.target, layer });
    else if (entry.kind === 'other') put({ kind: 'other' });
    else {
      const target = this.#linked(entry.target);
      if (target?.kind === 'file') put({ ...target, layer, isLink: true });
      else if (target?.kind === 'symlink') put({ ...target, layer });
      else {
        this.#broken.push({ path: entry.name, target: entry.target });
        parent.children.delete(base);
      }
    }
  }

  /** The target of a hard link: its last name is not resolved. */
  #linked(target: string): ImageNode | undefined {
    const parts = partsOf(target);
    const base = parts.pop();
    const parent = this.#find(parts, 0);
    return parent?.kind === 'directory' && base !== undefined ? parent.children.get(base) : undefined;
  }

  /** The folder at a path, created if missing; links on the way are resolved, files are replaced. */
  #makeDirectory(parts: readonly string[]): Directory {
    let directory = this.#root;
    for (const [at, part] of parts.entries()) {
      const child = directory.children.get(part);
      const real = child?.kind === 'symlink' ? this.#find(parts.slice(0, at + 1), 0) : child;
      const next: Directory = real?.kind === 'directory' ? real : { kind: 'directory', children: new Map() };
      if (next !== real) directory.children.set(part, next);
      directory = next;
    }
    return directory;
  }

  #find(parts: readonly string[], hops: number): ImageNode | undefined {
    const stack: Directory[] = [this.#root];
    const way = [...parts].reverse();
    let count = hops;
    let node: ImageNode = this.#root;
    for (let part = way.pop(); part !== undefined; part = way.pop()) {
      if (part === '..') {
        if (stack.length > 1) stack.pop();
        node = stack.at(-1) ?? this.#root;
        continue;
      }
      const child: ImageNode | undefined = node.kind === 'directory' ? node.children.get(part) : undefined;
      if (child === undefined) return undefined;
      if (child.kind === 'symlink') {
        count += 1;
        if (count > MAX_HOPS) return undefined;
        if (child.target.startsWith('/')) {
          stack.length = 1;
          node = this.#root;
        }
        way.push(
          ...child.target
            .split('/')
            .filter((each) => each !== '' && each !== '.')
            .reverse(),
        );
        continue;
      }
      node = child;
      if (node.kind === 'directory') stack.push(node);
    }
    return node;
  }
}

/** The names of a path from the root of the image; `..` cannot leave the root. */
function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}
