import type { Parsed } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { isLocatedList, isLocatedMap, type Located } from './tree.ts';

/** A part of a JSON Schema (draft 2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Where a reader reports what is wrong, with the place. */
export type Report = (at: Located, message: string) => void;

/** Reads one value and describes it to editors: parser and schema come from one definition. */
export interface Reader<T> {
  /** Undefined after a problem was reported. */
  readonly read: (at: Located, report: Report) => T | undefined;
  readonly schema: JsonSchema;
  /** `a list of patterns`, for messages. */
  readonly expected: string;
}

const shown = ({ value }: Located): string =>
  isLocatedMap(value) ? 'a map' : isLocatedList(value) ? 'a list' : value === null ? 'nothing' : quoted(String(value));

const wrong = (at: Located, expected: string, report: Report): undefined => {
  report(at, `expected ${expected}, found ${shown(at)}`);
};

export const text = (expected: string, longest = 500): Reader<string> => ({
  read: (at, report) =>
    typeof at.value === 'string' && at.value.trim() !== '' && at.value.length <= longest && !/\p{Cc}/u.test(at.value)
      ? at.value
      : wrong(at, expected, report),
  schema: { type: 'string', minLength: 1, maxLength: longest },
  expected,
});

/** Numbers are accepted where people forget quotes, as in `- 1.10`, only to tell them that YAML cuts the zero. */
export const parsedText = <T>(
  expected: string,
  parse: (value: string) => Parsed<T>,
  schema: JsonSchema = {},
): Reader<T> => ({
  read: (at, report) => {
    if (typeof at.value === 'number') {
      report(at, `expected ${expected}, found the number ${at.value}: put it in quotes`);
      return undefined;
    }
    if (typeof at.value !== 'string') return wrong(at, expected, report);
    const value = parse(at.value);
    if (value.ok) return value.value;
    for (const problem of value.problems) report(at, `${quoted(at.value)}: ${problem}`);
    return undefined;
  },
  schema: { type: 'string', ...schema },
  expected,
});

export const count = (least: number, most: number): Reader<number> => {
  const expected = least === most ? `the number ${least}` : `a whole number from ${least} to ${most}`;
  return {
    read: (at, report) =>
      typeof at.value === 'number' && Number.isInteger(at.value) && at.value >= least && at.value <= most
        ? at.value
        : wrong(at, expected, report),
    schema: { type: 'integer', minimum: least, maximum: most },
    expected,
  };
};

export const boolean: Reader<boolean> = {
  read: (at, report) => (typeof at.value === 'boolean' ? at.value : wrong(at, '`true` or `false`', report)),
  schema: { type: 'boolean' },
  expected: '`true` or `false`',
};

export const oneOf = <const T extends string>(...words: readonly T[]): Reader<T> => {
  const expected = words.map((word) => `\`${word}\``).join(words.length === 2 ? ' or ' : ', ');
  return {
    read: (at, report) => {
      const word = words.find((known) => known === at.value);
      if (word !== undefined) return word;
      const meant = typeof at.value === 'string' ? didYouMean(at.value, words) : '';
      report(at, `expected ${expected}, found ${shown(at)}.${meant}`.replace(/\.$/, ''));
      return undefined;
    },
    schema: { enum: words },
    expected,
  };
};

/** A list, or one value where a list of one is meant. */
export const listOf = <T>(item: Reader<T>, { least = 0, most = 1000 } = {}): Reader<readonly T[]> => ({
  read: (at, report) => {
    if (!isLocatedList(at.value)) {
      if (at.value === null || isLocatedMap(at.value)) return wrong(at, `a list of ${item.expected}`, report);
      const only = item.read(at, report);
      return only === undefined ? undefined : [only];
    }
    if (at.value.length < least) return wrongLength(at, `the list is empty, expected ${item.expected}`, report);
    if (at.value.length > most) return wrongLength(at, `the list has more than ${most} entries`, report);
    const values = at.value.map((each) => item.read(each, report));
    return values.includes(undefined) ? undefined : values.filter((value) => value !== undefined);
  },
  schema: { anyOf: [{ type: 'array', items: item.schema, minItems: least, maxItems: most }, item.schema] },
  expected: `a list of ${item.expected}`,
});

const wrongLength = (at: Located, message: string, report: Report): undefined => report(at, message) as undefined;

/** Tries readers by the shape of the value: the first whose `is` holds. */
export const either = <A, B>(is: (at: Located) => boolean, yes: Reader<A>, no: Reader<B>): Reader<A | B> => ({
  read: (at, report) => (is(at) ? yes.read(at, report) : no.read(at, report)),
  schema: { anyOf: [yes.schema, no.schema] },
  expected: `${no.expected} or ${yes.expected}`,
});

/** One key of a map. */
interface Field<T> {
  readonly reader: Reader<T>;
  /** For editors: one sentence. */
  readonly about: string;
  readonly required?: true;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;
/** The values of a map of fields; every key may be absent. */
type FieldValues<F extends Fields> = { readonly [K in keyof F]?: ValueOf<F[K]> };
/** What a map of fields reads as. */
export type ReadFields<F extends Fields> = FieldValues<F> & { readonly at: Located };

/** A map with these keys and no others. */
export const mapOf = <F extends Fields>(expected: string, fields: F): Reader<ReadFields<F>> =>
  mapWithPosition('at', expected, fields);

/** A map with a key of its own that is called `at`: its position is under another name. */
export const mapWithPosition = <P extends string, F extends Fields>(
  position: P,
  expected: string,
  fields: F,
): Reader<FieldValues<F> & { readonly [K in P]: Located }> => {
  const names = Object.keys(fields);
  const required = names.filter((name) => fields[name]?.required === true);
  return {
    read: (at, report) => {
      if (!isLocatedMap(at.value)) return wrong(at, expected, report);
      const entries = at.value;
      let isSound = true;
      for (const [name, { key }] of entries) {
        if (Object.hasOwn(fields, name)) continue;
        isSound = false;
        report(key, `unknown key ${quoted(name)}, expected ${names.join(', ')}.${didYouMean(name, names)}`);
      }
      for (const name of required) {
        if (entries.has(name)) continue;
        isSound = false;
        report(at, `\`${name}\` is missing in ${expected}`);
      }
      const values = names.flatMap((name): (readonly [string, unknown])[] => {
        const entry = entries.get(name);
        if (entry === undefined) return [];
        const value = fields[name]?.reader.read(entry.value, report);
        if (value === undefined) isSound = false;
        return [[name, value]];
      });
      // The keys and types of the object are those of the table that was just walked.
      return isSound
        ? ({ ...Object.fromEntries(values), [position]: at } as FieldValues<F> & { readonly [K in P]: Located })
        : undefined;
    },
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.entries(fields).map(([name, { reader, about }]) => [name, { description: about, ...reader.schema }]),
      ),
      ...(required.length > 0 ? { required } : {}),
    },
    expected,
  };
};

/** A reader whose value is made into something else, which may fail. */
export const mapped = <A, B>(
  reader: Reader<A>,
  make: (value: A, at: Located, report: Report) => B | undefined,
): Reader<B> => ({
  read: (at, report) => {
    const value = reader.read(at, report);
    return value === undefined ? undefined : make(value, at, report);
  },
  schema: reader.schema,
  expected: reader.expected,
});

/** A map whose keys the user chooses. */
export const recordOf = <T>(
  expected: string,
  key: RegExp,
  item: Reader<T>,
  most = 1000,
): Reader<ReadonlyMap<string, { readonly value: T; readonly at: Located }>> => ({
  read: (at, report) => {
    if (!isLocatedMap(at.value)) return wrong(at, expected, report);
    if (at.value.size > most) return wrongLength(at, `the map has more than ${most} entries`, report);
    let isSound = true;
    const entries = [...at.value].flatMap(([name, entry]) => {
      if (!key.test(name)) {
        isSound = false;
        report(entry.key, `${quoted(name)} cannot be a name here, expected ${key.source}`);
        return [];
      }
      const value = item.read(entry.value, report);
      if (value === undefined) isSound = false;
      return value === undefined ? [] : [[name, { value, at: entry.key }] as const];
    });
    return isSound ? new Map(entries) : undefined;
  },
  schema: { type: 'object', propertyNames: { pattern: key.source }, additionalProperties: item.schema },
  expected,
});
