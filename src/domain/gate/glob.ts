/** Whether a glob is non-empty and short enough to match. */
export function isGlob(glob: string): boolean {
  return fromRoot(glob) !== '' && glob.length <= 1000;
}

/** Paths in an image have no leading slash. */
export function fromRoot(glob: string): string {
  return glob.replace(/^\/+/, '');
}
