import { shortHash } from '../short-hash.ts';

/** Longer ones are cut. */
const MAX_LENGTH = 60;

/**
 * Names of blocks for names of a registry: `acme/api` → `acme_api`. Two that come to the same text differ by a hash of the name, the
 * first one keeps it.
 */
export function identifiers(names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const used = new Set<string>();
  for (const name of names) {
    if (found.has(name)) continue;
    const plain = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '');
    const start = /^[a-z]/.test(plain) ? plain : `r_${plain}`;
    const isName = start === plain && plain.length <= MAX_LENGTH && !used.has(plain);
    let id = isName ? plain : `${start.slice(0, MAX_LENGTH)}_${shortHash(name)}`.replaceAll(/_+/g, '_');
    while (used.has(id)) id = `${id}_`;
    used.add(id);
    found.set(name, id);
  }
  return found;
}
