/** Keys and indexes that lead to a part of a policy file. */
export type PartPath = readonly (string | number)[];

/** The beginning of a message about a part: `promotion.yaml:4:7, environments.production, entry 1`. */
export type PartName = (path: PartPath) => string;

/** `environments.production, entry 1` */
export function partText(path: PartPath): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `, entry ${part + 1}` : `${at > 0 ? '.' : ''}${part}`))
    .join('');
}
