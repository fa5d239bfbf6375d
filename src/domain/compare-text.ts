/** Orders texts by their UTF-16 code units, as `sort` does without a function: the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Entries in the order of their keys. */
export function sortedByKey<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => compareText(a, b));
}

/** Orders values by a text of theirs. */
export const byText =
  <T>(textOf: (value: T) => string) =>
  (a: T, b: T): number =>
    compareText(textOf(a), textOf(b));
