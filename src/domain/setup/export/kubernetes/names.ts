import { shortHash } from '../short-hash.ts';
import { STORE_NAME } from './secret-store.ts';

/** A label of DNS, which every kind of resource takes as a name: https://www.rfc-editor.org/rfc/rfc1123 */
const MAX_LENGTH = 63;
/** Room for what is added to a name: `-token` */
const MAX_BASE = 50;

/** The account that gets the token of a pull secret. */
export const tokenAccount = (name: string) => `${name}-token`;

/**
 * Names of resources for texts of the file: valid, unlike each other and what is added to them, and the same whatever else is in the
 * file unless two clash.
 */
export function resourceNames(texts: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(texts)];
  const byName = Map.groupBy(distinct, plainName);
  const isOwn = (text: string) => {
    const plain = plainName(text);
    const isTaken = (byName.get(plain)?.length ?? 0) > 1 || plain === STORE_NAME || plain.endsWith(tokenAccount(''));
    return !isTaken && plain !== '' && plain.length <= MAX_BASE;
  };
  const names = new Map(distinct.filter(isOwn).map((text) => [text, plainName(text)]));
  const used = new Set(names.values());
  for (const text of distinct) {
    if (names.has(text)) continue;
    const short = plainName(text).slice(0, MAX_BASE).replace(/-+$/, '');
    const hashed = (salt: string) =>
      `${short === '' ? 'registry' : short}-${shortHash(`${text}${salt}`)}`.slice(0, MAX_LENGTH);
    let name = hashed('');
    for (let salt = 1; used.has(name); salt += 1) name = hashed(` ${salt}`);
    used.add(name);
    names.set(text, name);
  }
  return names;
}

function plainName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .replace(/-+$/, '');
}
