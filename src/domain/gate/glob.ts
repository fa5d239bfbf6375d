/** Whether a glob names anything, and is of a length that can be matched with. */
export function isGlob(glob: string): boolean {
  return fromRoot(glob) !== '' && glob.length <= 1000;
}

/** Paths in an image are given without the slash of the root. */
export function fromRoot(glob: string): string {
  return glob.replace(/^\/+/, '');
}
