import { isAddress, readGitContext } from './git-context.ts';

/**
 * What a build context names:
 * - `folder`: files of this machine
 * - `fixed`: a commit of a git repository or a digest, which are the same whenever they are read
 * - `image`: an image by its tag, as in `FROM`
 * - `changing`: an address whose content may change
 */
export type ContextKind = 'folder' | 'fixed' | 'image' | 'changing';

/** Reads the value of `context` or of a line of `build-contexts`. https://docs.docker.com/reference/cli/docker/buildx/build/#build-context */
export function contextKind(value: string): ContextKind {
  if (/@sha256:[0-9a-f]{64}$/.test(value)) return 'fixed';
  if (value.startsWith('docker-image://')) return 'image';
  if (!isAddress(value) && !/^(?:target|input):/.test(value)) return 'folder';
  return readGitContext(value)?.commit === undefined ? 'changing' : 'fixed';
}
