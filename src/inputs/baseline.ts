import { type BaselineReference, readBaseline } from '../domain/gate/baseline-reference.ts';
import { parsed } from '../domain/parsed.ts';
import { type Facts, type Field, field } from './schema.ts';

/** The image that findings are compared with; undefined when unset. */
export function baseline(facts: Facts): Field<BaselineReference | undefined> {
  return field<BaselineReference | undefined>('tag, digest or full name', facts, (raw) =>
    raw === '' ? parsed(undefined) : readBaseline(raw),
  );
}
