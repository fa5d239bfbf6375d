import { copyFile, link, mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blobPath } from './document.ts';
import type { LocalImage } from './image.ts';

/** Codes of the systems that cannot link: another disk, a file system without links, someone else's file. */
const NO_LINK: ReadonlySet<unknown> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES']);

/** Makes a file available at a second path, as a link where the two are on one disk. */
export async function shareFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const file = await realpath(from);
  try {
    await link(file, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (!NO_LINK.has(code)) throw error;
    await copyFile(file, to);
  }
}

/** Writes an image, and nothing else, as a layout into a folder; its files are shared with those of the image. */
export async function shareLayout({ root, manifests, blobs, path }: LocalImage, directory: string): Promise<void> {
  for (const { digest } of [...manifests.map(({ descriptor }) => descriptor), ...blobs]) {
    await shareFile(path(digest), join(directory, ...blobPath(digest)));
  }
  const { mediaType, digest, size } = root.descriptor;
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] }),
  );
}
