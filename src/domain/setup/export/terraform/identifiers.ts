import { shortHash } from '../short-hash.ts';

/** Longer ones are cut. */
const MAX_LENGTH = 60;

/** Gives every name a block name of its own, and the same name the same one again. */
export type Identifiers = (name: string) => string;

/**
 * Block names for names of a registry: `acme/api` → `acme_api`. Two that come to the same text differ by a hash of the name, the
 * one that comes first keeps it.
 */
export function newIdentifiers(): Identifiers {
  const found = new Map<string, string>();
  const used = new Set<string>();
  return (name) => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const plain = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '');
    const start = /^[a-z]/.test(plain) ? plain : `r_${plain}`;
    const isName = start === plain && plain.length <= MAX_LENGTH && !used.has(plain);
    let id = isName ? plain : `${start.slice(0, MAX_LENGTH)}_${shortHash(name)}`.replaceAll(/_+/g, '_');
    for (let salt = 1; used.has(id); salt += 1) id = `${start.slice(0, MAX_LENGTH)}_${shortHash(`${name} ${salt}`)}`;
    used.add(id);
    found.set(name, id);
    return id;
  };
}

/** Block names for all of these names, in their order. */
export function identifiers(names: readonly string[]): ReadonlyMap<string, string> {
  const identifier = newIdentifiers();
  return new Map(names.map((name) => [name, identifier(name)]));
}

/**
 * Block names for what belongs to something with a block name of its own: `ci` of `acme` → `acme__ci`. Both parts have single
 * underscores only, so that `b-c` of `a` and `c` of `a-b` differ, and no name depends on what belongs to something else.
 */
export function identifiersBelow(owner: string, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map([...identifiers(names)].map(([name, id]) => [name, `${owner}__${id}`]));
}
