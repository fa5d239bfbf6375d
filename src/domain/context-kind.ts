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
  if (!isAddress(value)) return 'folder';
  return /#(?:[0-9a-f]{40}|[0-9a-f]{64})(?::|$)/.test(value) ? 'fixed' : 'changing';
}

/** Whether docker takes a value for something else than a folder. */
export function isAddress(value: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/|target:|input:)/i.test(value);
}
