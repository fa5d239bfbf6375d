import { mkdtemp, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ActionError } from '../../errors/action-error.ts';
import type { ExtractLimits } from './oci-tar.ts';

/** An image built by another tool, ready for `readLayout`. */
export interface Source {
  /** An OCI layout: the folder given, or a fresh one (0700) under `temp`. */
  readonly directory: string;
  readonly kind: 'oci-layout' | 'oci-tar' | 'docker-save';
}

export interface SourceOptions {
  /** Folder to unpack an archive into. */
  readonly temp: string;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ExtractLimits>;
}

/**
 * Opens the output of another builder: an OCI layout directory, a tar of one (plain or gzip), or a `docker save` tar.
 * Digests of an index in the archive are kept (P2); only the format from before Docker 25, which has no manifest, gets
 * a new one. The result is not validated yet: `readLayout` does that.
 * @param path absolute
 * @throws ActionError SOURCE_INVALID when it is none of these or contains several images, SOURCE_UNSAFE for an archive
 * that leads out of its folder or unpacks to too much, LAYOUT_CORRUPT for damaged layers, BUILD_NO_SPACE
 */
export async function openSource(path: string, options: SourceOptions): Promise<Source> {
  const facts = await stat(path).catch((error: unknown) => {
    throw new ActionError('SOURCE_INVALID', `There is nothing at ${path}.`, {
      cause: error,
      facts: { input: 'source' },
    });
  });
  if (facts.isDirectory()) {
    const names = await readdir(path);
    if (names.includes('oci-layout')) return { directory: path, kind: 'oci-layout' };
    throw invalid(`${path} is a folder without a file "oci-layout", so it is no OCI layout`);
  }
  if (!facts.isFile()) throw invalid(`${path} is neither a folder nor a file`);

  const compression = await sniff(path);
  const directory = await mkdtemp(join(options.temp, 'source-'));
  const { extractArchive } = await import('./oci-tar.ts');
  const archive = await extractArchive({ ...options, file: path, compression, directory });
  const isDocker = archive.files.has('manifest.json');
  if (archive.files.has('oci-layout') && archive.files.has('index.json')) {
    const [link] = archive.links.keys();
    if (link !== undefined && !isDocker) {
      throw new ActionError(
        'SOURCE_UNSAFE',
        `${path} contains the link ${link}, but links are not allowed in an OCI layout.`,
      );
    }
    return { directory, kind: isDocker ? 'docker-save' : 'oci-tar' };
  }
  if (!isDocker) throw invalid(`${path} is a tar without "oci-layout" and without "manifest.json"`);
  const converted = await mkdtemp(join(options.temp, 'source-'));
  const { convertDockerSave } = await import('./docker-save.ts');
  await convertDockerSave(path, archive, converted);
  return { directory: converted, kind: 'docker-save' };
}

/** Detects tar and gzip by their first bytes. */
async function sniff(path: string): Promise<'none' | 'gzip'> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
  if (buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
  if (bytesRead === 512 && buffer.toString('latin1', 257, 262) === 'ustar') return 'none';
  throw invalid(`${path} is neither a tar nor a gzip of one (zstd and other compressions are not read)`);
}

function invalid(message: string): ActionError {
  return new ActionError('SOURCE_INVALID', `${message}.`, { facts: { input: 'source' } });
}
