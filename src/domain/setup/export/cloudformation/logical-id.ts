import { shortHash } from '../short-hash.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html */
const MAX_LENGTH = 255;
const HASH_LENGTH = 8;

/**
 * A logical id for each name: `AcmeApi` of `acme/api`. A stack finds a resource by it, so it must stay when other names are added:
 * names of letters and slashes have one of their own, and others get a hash only where they clash with another name.
 */
export function logicalIds(names: readonly string[]): ReadonlyMap<string, string> {
  const users = new Map<string, string[]>();
  for (const name of new Set(names)) {
    const id = plainId(name);
    users.set(id, [...(users.get(id) ?? []), name]);
  }
  const ids = new Map<string, string>();
  for (const name of names) {
    const id = plainId(name);
    const isAlone = users.get(id)?.length === 1 || isUnmistakable(name);
    const isValid = /^[A-Za-z]/.test(id) && id.length <= MAX_LENGTH;
    ids.set(name, isAlone && isValid ? id : hashed(id, name));
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

function hashed(id: string, name: string): string {
  const start = `${/^[A-Za-z]/.test(id) ? '' : 'R'}${id}`.slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return `${start}X${shortHash(name)}`;
}
