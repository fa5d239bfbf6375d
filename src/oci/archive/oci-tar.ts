import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { ActionError } from '../../errors/action-error.ts';
import { clean } from '../image/document.ts';

export interface ExtractLimits {
  readonly entries: number;
  /** Limit for the whole content, in bytes. */
  readonly bytes: number;
  /** Bytes out per byte in, checked after the first 64 MiB. Images compress 2 to 5 times, zeros a thousand times. */
  readonly ratio: number;
}

/** Default size limit of an image. */
export const EXTRACT_LIMITS: ExtractLimits = { entries: 100_000, bytes: 20 * 1024 ** 3, ratio: 200 };
const RATIO_FROM = 64 * 1024 ** 2;
const CHUNK_BYTES = 1024 * 1024;
const NAME_LIMIT = 1024;

/** What an archive contained, written below `directory`. */
export interface Extracted {
  readonly directory: string;
  /** Names of the files, with forward slashes. */
  readonly files: ReadonlySet<string>;
  /** Symbolic links and their targets. None is created on disk, and none leads out of the archive. */
  readonly links: ReadonlyMap<string, string>;
}

interface Extraction {
  readonly file: string;
  readonly compression: 'none' | 'gzip';
  /** An empty folder for the exclusive use of this call. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ExtractLimits>;
}

/**
 * Unpacks an untrusted tar. Writes regular files only: nothing outside the folder is touched, nothing is overwritten,
 * no link is created or followed, and it stops at the limits.
 * @throws ActionError SOURCE_UNSAFE, SOURCE_INVALID when the tar is incomplete, BUILD_NO_SPACE, or the signal's reason
 */
export async function extractArchive({ file, compression, directory, signal, limits }: Extraction): Promise<Extracted> {
  const most = { ...EXTRACT_LIMITS, ...limits };
  const files = new Set<string>();
  const links = new Map<string, string>();
  const archive = extract();
  const input = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const meter = metered(input, most, file);
  const options = signal === undefined ? {} : { signal };
  const feeding =
    compression === 'gzip'
      ? pipeline(input, createGunzip({ chunkSize: CHUNK_BYTES }), meter, archive, options)
      : pipeline(input, meter, archive, options);
  // A failure ends the loop below too, which rethrows it. Without this, an entry cut off by the end of the archive
  // would hang.
  const broken = new AbortController();
  feeding.catch((error: unknown) => broken.abort(error));
  const writing = { signal: AbortSignal.any([broken.signal, signal ?? []].flat()) };

  let entries = 0;
  try {
    for await (const entry of archive) {
      entries += 1;
      if (entries > most.entries) throw unsafe(file, `more than ${most.entries} entries`);
      const { name: raw, type, linkname } = entry.header;
      const name = safeName(raw, file);
      if (files.has(name) || links.has(name)) throw unsafe(file, `two entries named ${clean(name)}`);
      if (type === 'file' || type === 'contiguous-file') {
        if (name === '.') throw unsafe(file, 'a file without a name');
        const path = join(directory, name);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        files.add(name);
        await pipeline(
          entry,
          createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: CHUNK_BYTES }),
          writing,
        );
        continue;
      }
      if (type === 'symlink') {
        const target = linkname.startsWith('/') ? linkname : posix.join(posix.dirname(name), linkname);
        links.set(name, safeName(target, file));
      } else if (type !== 'directory') throw unsafe(file, `the entry ${clean(name)} of type ${clean(type)}`);
      entry.resume();
    }
    await feeding;
  } catch (error) {
    archive.destroy();
    await feeding.catch(() => undefined);
    const isEffect = error instanceof Error && error.name === 'AbortError' && broken.signal.aborted;
    throw explain(isEffect ? broken.signal.reason : error, file, signal);
  }
  return { directory, files, links };
}

/** The name of an entry, relative to the archive. Anything that could resolve elsewhere is rejected, not repaired. */
function safeName(raw: string, file: string): string {
  const parts = raw.replace(/\/+$/, '').split('/');
  const bad =
    raw === '' ||
    raw.length > NAME_LIMIT ||
    raw.startsWith('/') ||
    parts.includes('..') ||
    // Backslashes and colons are separators on Windows; control characters never belong in a name.
    /[\\\p{Cc}]|^[A-Za-z]:/u.test(raw);
  if (bad) throw unsafe(file, `the entry ${clean(raw)}, which leads out of its folder`);
  return parts.filter((part) => part !== '' && part !== '.').join('/') || '.';
}

/** Counts the output and stops a gzip bomb before it fills the disk. */
export function metered(input: { readonly bytesRead: number }, most: ExtractLimits, file: string): Transform {
  let bytes = 0;
  return new Transform({
    readableHighWaterMark: CHUNK_BYTES,
    writableHighWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > most.bytes) done(unsafe(file, `more than ${most.bytes} bytes`));
      else if (bytes > RATIO_FROM && bytes > input.bytesRead * most.ratio) {
        done(unsafe(file, `more than ${most.ratio} bytes for each byte of the file`));
      } else done(null, chunk);
    },
  });
}

function unsafe(file: string, what: string): ActionError {
  return new ActionError('SOURCE_UNSAFE', `${file} contains ${what}.`, { facts: { input: 'source' } });
}

function explain(error: unknown, file: string, signal: AbortSignal | undefined): unknown {
  signal?.throwIfAborted();
  if (error instanceof ActionError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ActionError('BUILD_NO_SPACE', `There is no space to unpack ${file}.`, { cause: error });
  }
  if (['EEXIST', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)) {
    return unsafe(file, `two entries for one place, or a name that is too long (${code})`);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ActionError('SOURCE_INVALID', `${file} is not a whole tar: ${message}.`, {
    cause: error,
    facts: { input: 'source' },
  });
}
