import type { LineCounter } from 'yaml';

/** A position in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Positions of offsets in the text that a counter has seen; the start of the file for an offset that is not known. */
export function positions(counter: LineCounter): (offset: number | undefined) => Position {
  return (offset) => {
    const { line, col } = counter.linePos(offset ?? 0);
    return { line: line || 1, column: col || 1 };
  };
}
