import { readFileSync } from 'node:fs';

/** What a registry said once, word for word, and the row of the catalogue that it belongs to. */
export interface RecordedAnswer {
  readonly from: string;
  readonly to: string;
  readonly host: string;
  readonly operation: 'read' | 'write' | 'delete' | 'token' | 'keyless';
  readonly status: number;
  readonly body: string;
}

export const RECORDED: readonly RecordedAnswer[] = JSON.parse(
  readFileSync(new URL('../fixtures/registry-errors.json', import.meta.url), 'utf8'),
);

/** The recorded refusals to write, for one row. */
export function refusedWrites(to: string): readonly RecordedAnswer[] {
  return RECORDED.filter((each) => each.to === to && each.operation === 'write');
}
