import { type Parsed, parsed, problems as refused } from '../domain/parsed.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';

/** The headings of the inputs in the documentation, in order. */
export const GROUPS = [
  'What',
  'Build',
  'Attestations',
  'Gate',
  'Signing',
  'Promotion',
  'Cleanup',
  'Report',
  'Setup',
  'Mirror',
  'Registries',
  'Run',
] as const;
export type Group = (typeof GROUPS)[number];

/** Hides a value in every log from now on. */
export type Mask = (secret: string) => void;

/** One input: its documentation, and how its text is parsed. */
export interface Field<T> {
  readonly kind: string;
  readonly group: Group;
  /** Description in Markdown, for `action.yml` and the README. */
  readonly about: string;
  /** As in `action.yml`. The runner fills in `${{ … }}`; without a runner such a default counts as unset. */
  readonly default?: string;
  readonly example?: string;
  /** The value is never shown, not even in part. */
  readonly secret: boolean;
  /** @param raw trimmed text; `''` for an unset input without a default */
  readonly read: (raw: string, mask: Mask) => Parsed<T>;
}

/** The fields that an author of the table writes for each input. */
export interface Facts {
  readonly group: Group;
  readonly about: string;
  readonly example?: string;
}

type WithDefault = Facts & { readonly default: string };

/** A table of inputs by name with the values `V`, which a table literal infers. */
export type Schema<V> = { readonly [K in keyof V]: Field<V[K]> };

/** The values of a table of inputs. */
export type InputsOf<S> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

export function field<T>(
  kind: string,
  facts: Facts & { readonly default?: string; readonly secret?: boolean },
  read: Field<T>['read'],
): Field<T> {
  return { secret: false, ...facts, kind, read };
}

/** Any text. Without a default, undefined when unset. */
export function text(facts: WithDefault): Field<string>;
export function text(facts: Facts): Field<string | undefined>;
export function text(facts: Facts): Field<string | undefined> {
  return field('text', facts, (raw) => parsed(raw || undefined));
}

/** A path of a file or folder, relative to the workspace. */
export function path(facts: WithDefault): Field<string>;
export function path(facts: Facts): Field<string | undefined>;
export function path(facts: Facts): Field<string | undefined> {
  return field('path', facts, (raw) =>
    raw.includes('\0') || raw.includes('\n')
      ? refused(`got ${quoted(raw)}, expected one path on one line.`)
      : parsed(raw || undefined),
  );
}

/** A text with a required form. `what` describes the form in an error: "a version such as 0.76.0". */
export function pattern(form: RegExp, what: string, facts: Facts): Field<string | undefined> {
  return field('text', facts, (raw) => {
    if (raw === '') return parsed(undefined);
    return form.test(raw) ? parsed(raw) : refused(`got ${quoted(raw)}, expected ${what}.`);
  });
}

/** A secret text, masked before anything else, and never shown. */
export function secret(facts: Facts & { readonly default?: string }): Field<string | undefined> {
  return field('secret', { ...facts, secret: true }, (raw, mask) => {
    maskAll(raw, mask);
    return parsed(raw || undefined);
  });
}

/** Masking shorter texts would hide parts of ordinary words, and the runner drops outputs that contain a mask. */
const MIN_SECRET_LENGTH = 3;
const MIN_LINE_LENGTH = 8;
const PEM_FRAME = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/;

/** Masks a secret and its longer lines: logs show multi-line texts line by line. */
export function maskAll(value: string, mask: Mask): void {
  const whole = value.trim();
  if (whole.length >= MIN_SECRET_LENGTH && !PEM_FRAME.test(whole)) mask(value);
  const lines = whole.split(/\r?\n/).map((line) => line.trim());
  if (lines.length > 1) for (const line of lines) if (isTelling(line)) mask(line);
}

/** Whether to mask a line of a secret: not `}`, short `"type": …` lines, or the frame of a PEM file. */
export function isTelling(line: string): boolean {
  return line.length >= MIN_LINE_LENGTH && !PEM_FRAME.test(line);
}

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
};

/** `true` or `false` and nothing else, like core.getBooleanInput: https://yaml.org/spec/1.2/spec.html#id2804923 */
export function flag(facts: WithDefault): Field<boolean> {
  return field('true or false', facts, readFlag);
}

function readFlag(raw: string): Parsed<boolean> {
  const value = Object.hasOwn(FLAGS, raw) ? FLAGS[raw] : undefined;
  return value === undefined ? refused(`got ${quoted(raw)}, expected true or false.`) : parsed(value);
}

/** A flag, or attributes of what it enables: `true`, `false`, `mode=max,version=v1`. Undefined when unset. */
export function flagOrAttributes(facts: WithDefault): Field<boolean | string>;
export function flagOrAttributes(facts: Facts): Field<boolean | string | undefined>;
export function flagOrAttributes(facts: Facts): Field<boolean | string | undefined> {
  return field<boolean | string | undefined>('true, false or attributes', facts, (raw) =>
    raw === '' ? parsed(undefined) : readFlagOrAttributes(raw),
  );
}

/** A flag, or a text with attributes on one line. */
export function readFlagOrAttributes(raw: string): Parsed<boolean | string> {
  if (!raw.includes('=')) {
    const asFlag = readFlag(raw);
    return asFlag.ok
      ? asFlag
      : refused(`got ${quoted(raw)}, expected true, false, or attributes such as \`name=value\`.`);
  }
  return raw.includes('\n')
    ? refused(`got ${quoted(raw)}, expected the attributes on one line, separated by commas.`)
    : parsed(raw);
}

/** One of several words. */
export function choice<const W extends readonly string[]>(words: W, facts: WithDefault): Field<W[number]> {
  return field(words.map((word) => `\`${word}\``).join(', '), facts, (raw) => {
    const found = words.find((word) => word === raw);
    return found === undefined
      ? refused(`got ${quoted(raw)}, expected ${oneOf(words)}.${didYouMean(raw, words)}`)
      : parsed(found);
  });
}

/**
 * Words separated by commas or line breaks, in any case; returned in the order of the allowed words, without
 * duplicates.
 */
export function set<const W extends readonly string[]>(words: W, facts: WithDefault): Field<readonly W[number][]> {
  return field(`list of ${words.join(', ')}`, facts, (raw) => {
    const given = raw.split(/[,\n]/).flatMap((word) => word.trim() || []);
    const unknown = given.filter((word) => !words.some((each) => each.toLowerCase() === word.toLowerCase()));
    if (unknown.length > 0) {
      return refused(
        ...unknown.map(
          (word) => `got ${quoted(word)}, expected one or more of ${words.join(', ')}.${didYouMean(word, words)}`,
        ),
      );
    }
    // An empty set would disable what it configures.
    if (given.length === 0) return refused(`got ${quoted(raw)}, expected one or more of ${words.join(', ')}.`);
    return parsed(words.filter((word) => given.some((each) => each.toLowerCase() === word.toLowerCase())));
  });
}

/** A non-negative whole number in decimal digits. */
export function count(facts: WithDefault): Field<number> {
  return field('number', facts, (raw) => {
    const value = Number(raw);
    return /^\d+$/.test(raw) && Number.isSafeInteger(value)
      ? parsed(value)
      : refused(`got ${quoted(raw)}, expected a whole number such as 3.`);
  });
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration, `3d`, `12h`, `90m` or `45s`, in milliseconds. */
export function duration(facts: WithDefault): Field<number> {
  return field('duration', facts, (raw) => {
    const [, digits, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(raw) ?? [];
    const milliseconds = UNITS[unit ?? ''];
    return digits === undefined || milliseconds === undefined
      ? refused(`got ${quoted(raw)}, expected a length of time such as 3d, 12h or 90m.`)
      : parsed(Number(digits) * milliseconds);
  });
}

/** `a, b or c` */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
