import type { Parsed } from './parsed.ts';
import { parsed, problems } from './parsed.ts';
import { normalPlatform } from './platform.ts';
import { parseImageName } from './reference.ts';
import { didYouMean, quoted } from './suggestion.ts';

/** The formats of an archive. */
const ARCHIVE_FORMATS = ['oci', 'docker'] as const;

/** An archive to write. */
export interface WantedArchive {
  /** `oci`: the whole image. `docker`: one platform, as `docker load` reads it. */
  readonly format: (typeof ARCHIVE_FORMATS)[number];
  readonly path: string;
}

/** Reads the lines of `export`: `oci=out/image.tar`. Pure. */
export function parseArchives(lines: readonly string[]): Parsed<readonly WantedArchive[]> {
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const read = written.map((line) => {
    const [, word = '', path = ''] = /^([^=]*)=(.*)$/.exec(line) ?? [];
    const format = ARCHIVE_FORMATS.find((each) => each === word.trim());
    return { line, word, format, path: path.trim() };
  });
  const wrong = read.flatMap(({ line, word, format, path }) =>
    format === undefined || path === '' || path.includes('\0')
      ? [`got ${quoted(line)}, expected \`oci=<path>\` or \`docker=<path>\`.${didYouMean(word, ARCHIVE_FORMATS)}`]
      : [],
  );
  const paths = read.map(({ path }) => path);
  const twice = new Set(paths.filter((path, at) => paths.indexOf(path) !== at));
  const found = [...wrong, ...[...twice].map((path) => `names ${quoted(path)} more than once.`)];
  return found.length > 0
    ? problems(...found)
    : parsed(read.flatMap(({ format, path }) => (format === undefined ? [] : [{ format, path }])));
}

const ARCHITECTURES: Readonly<Record<string, string>> = { X64: 'amd64', X86: '386', ARM64: 'arm64', ARM: 'arm/v7' };

/**
 * The platform that a runner's Docker Engine runs: Linux, also on other systems, whose engines run in a Linux machine.
 * @param arch `RUNNER_ARCH`
 */
export function runnerPlatform(arch: string | undefined): string {
  return normalPlatform(`linux/${ARCHITECTURES[arch ?? ''] ?? 'amd64'}`);
}

/** `app:1` in full, as containerd names images: `docker.io/library/app:1`. */
export function canonicalName(name: string): string {
  const at = name.lastIndexOf(':');
  const read = parseImageName(name.slice(0, at));
  return read.ok ? `${read.value.name}${name.slice(at)}` : name;
}
