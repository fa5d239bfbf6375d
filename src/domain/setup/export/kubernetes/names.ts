import { shortHash } from '../short-hash.ts';

/** A label of DNS, which every kind of resource takes as a name: https://www.rfc-editor.org/rfc/rfc1123 */
const MAX_LENGTH = 63;
/** Room for what is added to a name: `-token` */
const MAX_BASE = 50;

/** Names of resources for texts of the file: valid, unlike each other, and the same whatever else is in the file unless two clash. */
export function resourceNames(texts: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(texts)];
  const byName = Map.groupBy(distinct, plainName);
  return new Map(
    distinct.map((text) => {
      const plain = plainName(text);
      const isTaken = (byName.get(plain)?.length ?? 0) > 1;
      const isLossy = plain === '' || plain.length > MAX_BASE;
      if (!isTaken && !isLossy) return [text, plain];
      const short = plain.slice(0, MAX_BASE).replace(/-+$/, '');
      return [text, `${short === '' ? 'registry' : short}-${shortHash(text)}`.slice(0, MAX_LENGTH)];
    }),
  );
}

function plainName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .replace(/-+$/, '');
}
