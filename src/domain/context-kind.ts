import { isAddress, readGitContext } from './git-context.ts';

/**
 * The kind of a build context:
 * - `folder`: local files
 * - `fixed`: a commit of a git repository or a digest, whose content never changes
 * - `image`: an image by its tag, as in `FROM`
 * - `changing`: a URL whose content may change
 */
export type ContextKind = 'folder' | 'fixed' | 'image' | 'changing';

/** Reads the value of `context` or of a line of `build-contexts`. https://docs.docker.com/reference/cli/docker/buildx/build/#build-context */
export function contextKind(value: string): ContextKind {
  if (/@sha256:[0-9a-f]{64}$/.test(value)) return 'fixed';
  if (value.startsWith('docker-image://')) return 'image';
  if (!isAddress(value) && !/^(?:target|input):/.test(value)) return 'folder';
  return readGitContext(value)?.commit === undefined ? 'changing' : 'fixed';
}
