import { shortHash } from '../short-hash.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html */
const MAX_LENGTH = 255;
const HASH_LENGTH = 8;

/**
 * A logical id for each name: `AcmeApi` of `acme/api`. A stack finds a resource by it, so it must stay when other names are added:
 * names of letters and slashes have one of their own, and others get a hash only where they clash with another name.
 */
export function logicalIds(names: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(names)];
  const byId = Map.groupBy(distinct, plainId);
  const isOwn = (name: string) => {
    const id = plainId(name);
    const isAlone = byId.get(id)?.length === 1 || isUnmistakable(name);
    return isAlone && /^[A-Za-z]/.test(id) && id.length <= MAX_LENGTH;
  };
  const ids = new Map(distinct.filter(isOwn).map((name) => [name, plainId(name)]));
  const used = new Set(ids.values());
  for (const name of distinct) {
    if (ids.has(name)) continue;
    let id = hashed(name, '');
    for (let salt = 1; used.has(id); salt += 1) id = hashed(name, ` ${salt}`);
    used.add(id);
    ids.set(name, id);
  }
  return ids;
}

/** Capitals mark where a part begins, so no two of these names have the same id. */
const isUnmistakable = (name: string) => /^[a-z][a-z0-9]*(?:\/[a-z][a-z0-9]*)*$/.test(name);

function plainId(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}`)
    .join('');
}

/** @param salt empty, unless even the hash is taken */
function hashed(name: string, salt: string): string {
  const id = plainId(name);
  const start = `${/^[A-Za-z]/.test(id) ? '' : 'R'}${id}`.slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return `${start}X${shortHash(`${name}${salt}`)}`;
}
