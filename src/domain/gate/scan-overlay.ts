import { byText } from '../compare-text.ts';
import { type FileContent, type FileNode, type ImageFiles, type LayerEntry, whiteoutOf } from './image-files.ts';
import { managerOf, PACKAGE_DATABASES, RELEASE_FILES, type ScannedKind, scannedAs } from './scanned-files.ts';

/** A file to show to the scanner at a path. */
export interface OverlayFile {
  readonly path: string;
  readonly content: FileContent;
  /** The layer that added the file at this path. */
  readonly layer: number;
}

/** Files shown to the scanner on top of an image's layers, so that it sees what a container sees. */
export interface ScanOverlay {
  readonly files: readonly OverlayFile[];
  /** Files that the scanner would see and a container would not. */
  readonly hidden: readonly string[];
  /** Also shown below all layers: the scanner uses the first file that identifies the system. */
  readonly releases: readonly OverlayFile[];
  /** Files not shown because of the size limits. */
  readonly left: readonly OverlayFile[];
}

const MAX_FILES = 50_000;
const MAX_BYTES = 2 * 1024 ** 3;

/** The last regular file with a name in the layers, which is the one that the scanner keeps. */
interface Sight {
  readonly content: FileContent;
  /** The name occurs more than once in this layer, and the scanner may keep either. */
  readonly isDouble: boolean;
}

/**
 * The scanner only reads regular files, by their name in a layer: it resolves no links, and keeps any of several files
 * with the same name. So files behind links or duplicate names are shown to it as regular files.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/walker/tar.go
 */
export function planOverlay(layers: readonly (readonly LayerEntry[])[], files: ImageFiles): ScanOverlay {
  const seen = sightOf(layers);
  const wanted = new Map<string, OverlayFile>();
  const isSeen = (content: FileContent, kind: ScannedKind) => {
    const { name, mode } = content.entry;
    const there = seen.get(name);
    return (
      !content.entry.isSparse &&
      there?.content.entry === content.entry &&
      !there.isDouble &&
      scannedAs(name, mode) === kind &&
      files.file(name)?.content.entry === content.entry
    );
  };
  const programs = new Set<LayerEntry>();
  const want = (path: string, { content, layer }: FileNode) => {
    const kind = scannedAs(path, content.entry.mode);
    if (kind === undefined || isSeen(content, kind)) return;
    // One name per program is enough: busybox has hundreds.
    if (kind === 'program' && programs.has(content.entry)) return;
    if (kind === 'program') programs.add(content.entry);
    wanted.set(path, { path, content, layer });
  };

  for (const [path, node] of files.all()) {
    if (node.kind === 'file') want(path, node);
    else if (node.kind === 'symlink') {
      const target = files.find(path);
      if (target?.kind === 'file') want(path, { ...target, layer: node.layer });
      else if (/\.(?:dist|egg)-info$|(?:^|\/)(?:conda-meta|specifications|EGG-INFO)$/.test(path)) {
        for (const name of files.list(path)) {
          const file = files.file(`${path}/${name}`);
          if (file !== undefined) want(`${path}/${name}`, { ...file, layer: node.layer });
        }
      }
    }
  }

  const hidden: string[] = [];
  for (const path of systemPaths(files, seen)) {
    const node = files.file(path);
    const there = seen.get(path);
    if (node === undefined) {
      if (there !== undefined && !isErased(layers, path, there.content.layer)) hidden.push(path);
    } else if (there === undefined) want(path, node);
    else if (there.isDouble || there.content.entry !== node.content.entry) {
      wanted.set(path, { path, content: node.content, layer: node.layer });
    }
  }
  const releases = releasesOf(layers, files);
  return { ...bounded([...wanted.values()].sort(byText(({ path }) => path))), hidden, releases };
}

/** Whether the scanner needs more than the layers as they are. */
export function isEmptyOverlay({ files, hidden, releases }: ScanOverlay): boolean {
  return files.length + hidden.length + releases.length === 0;
}

function sightOf(layers: readonly (readonly LayerEntry[])[]): ReadonlyMap<string, Sight> {
  const seen = new Map<string, Sight>();
  for (const [layer, entries] of layers.entries()) {
    for (const entry of entries) {
      if (entry.kind !== 'file' || scannedAs(entry.name, entry.mode) === undefined) continue;
      const isDouble = seen.get(entry.name)?.content.layer === layer;
      seen.set(entry.name, { content: { layer, entry }, isDouble });
    }
  }
  return seen;
}

/** Paths of the system's own files, as seen by a container and by the scanner. */
function systemPaths(files: ImageFiles, seen: ReadonlyMap<string, Sight>): ReadonlySet<string> {
  const named = [...RELEASE_FILES, ...Object.values(PACKAGE_DATABASES).flat()];
  const inFolders = named
    .filter((path) => path.endsWith('/'))
    .flatMap((folder) => files.list(folder).map((name) => `${folder}${name}`));
  const scanned = [...seen.keys()].filter((path) => RELEASE_FILES.includes(path) || managerOf(path) !== undefined);
  return new Set([...named.filter((path) => !path.endsWith('/')), ...inFolders, ...scanned]);
}

/** Whether a later layer removes a path by a whiteout, which the scanner honours. */
function isErased(layers: readonly (readonly LayerEntry[])[], path: string, since: number): boolean {
  return layers.slice(since + 1).some((entries) =>
    entries.some(({ name }) => {
      const gone = whiteoutOf(name);
      return gone !== undefined && ((path === gone.path && !gone.isOpaque) || path.startsWith(`${gone.path}/`));
    }),
  );
}

/** The files that identify the system, if the layers contain different versions. */
function releasesOf(layers: readonly (readonly LayerEntry[])[], files: ImageFiles): readonly OverlayFile[] {
  const visible = RELEASE_FILES.flatMap((path): readonly OverlayFile[] => {
    const node = files.file(path);
    return node === undefined ? [] : [{ path, content: node.content, layer: node.layer }];
  });
  const all = layers.flat().filter(({ kind, name }) => kind === 'file' && RELEASE_FILES.includes(name));
  const contents = new Set(visible.map(({ content }) => content.entry));
  const isStale = all.some((entry) => {
    const now = files.file(entry.name)?.content.entry;
    return !contents.has(entry) && now?.text !== entry.text;
  });
  return isStale ? visible : [];
}

function bounded(files: readonly OverlayFile[]): Pick<ScanOverlay, 'files' | 'left'> {
  const taken: OverlayFile[] = [];
  const left: OverlayFile[] = [];
  let bytes = 0;
  for (const file of files) {
    const { size, isSparse } = file.content.entry;
    if (isSparse || taken.length >= MAX_FILES || bytes + size > MAX_BYTES) left.push(file);
    else {
      taken.push(file);
      bytes += size;
    }
  }
  return { files: taken, left };
}
