import { type Digest, isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { normalPlatform } from '../platform.ts';
import { quoted } from '../suggestion.ts';

/** An image to merge that is in a registry, or a file or folder that names some. */
export type WrittenDigest =
  | {
      readonly kind: 'digest';
      /** As its line says; undefined when only the digest is known. */
      readonly platform?: string;
      readonly digest: Digest;
    }
  | { readonly kind: 'path'; readonly path: string };

/** Reads the lines of `digests`: `linux/arm64=sha256:…`, a digest alone, or a path. Pure. */
export function parseDigests(lines: readonly string[]): Parsed<readonly WrittenDigest[]> {
  const read = lines.filter((line) => line !== '' && !line.startsWith('#')).map(readLine);
  const wrong = read.flatMap((each) => (each.ok ? [] : each.problems));
  return wrong.length > 0 ? problems(...wrong) : parsed(read.flatMap((each) => (each.ok ? [each.value] : [])));
}

function readLine(line: string): Parsed<WrittenDigest> {
  const [, platform, digest] = /^(?:([^=\s]+)\s*=\s*)?(sha\d+:\S*)$/.exec(line) ?? [];
  if (digest === undefined) {
    return line.includes('=') || line.includes('\0')
      ? problems(`got ${quoted(line)}, expected \`linux/arm64=sha256:…\`, a digest, or a path.`)
      : parsed({ kind: 'path', path: line });
  }
  if (!isDigest(digest)) return problems(`got ${quoted(line)}, whose digest is not whole: sha256 has 64 digits.`);
  return parsed({ kind: 'digest', digest, ...(platform === undefined ? {} : { platform: normalPlatform(platform) }) });
}

/**
 * The digest in the name of a file, as the widespread pattern hands digests over: an empty file whose name is the hex
 * part. https://docs.docker.com/build/ci/github-actions/multi-platform/#distribute-build-across-multiple-runners
 */
export function digestOfFileName(name: string): Digest | undefined {
  const digest = `sha256:${name.replace(/^sha256[:-]/, '')}`;
  return isDigest(digest) ? digest : undefined;
}
