import { counted } from '../amount.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** Milliseconds. */
export type Duration = number;

export const HOUR: Duration = 3_600_000;
export const DAY: Duration = 24 * HOUR;
const UNITS: Readonly<Record<string, Duration>> = { h: HOUR, d: DAY, w: 7 * DAY };

/** 100 years: more is a mistake. */
const MAX_DURATION: Duration = 36_500 * DAY;

const GRAMMAR = /^(\d{1,6})([hdw])$/;
/** What other tools accept, and what to write here. */
const FOREIGN: readonly (readonly [RegExp, (count: number) => string])[] = [
  [/^(\d{1,4})\s*(?:mo|months?)$/i, (count) => `months differ in length: write days, as in \`${count * 30}d\``],
  [/^(\d{1,4})\s*(?:y|yrs?|years?)$/i, (count) => `years differ in length: write days, as in \`${count * 365}d\``],
  [/^(\d{1,6})\s*(?:m|mins?|minutes?)$/i, () => 'minutes are too short for a cleanup; write months in days'],
  [/^(\d{1,9})\s*(?:s|secs?|seconds?)$/i, (count) => `write hours or days, as in \`${Math.ceil(count / 3600)}h\``],
  [/^(\d{1,6})\s*(?:hours?|hrs?)$/i, (count) => `write \`${count}h\``],
  [/^(\d{1,6})\s*(?:days?)$/i, (count) => `write \`${count}d\``],
  [/^(\d{1,6})\s*(?:weeks?|wks?)$/i, (count) => `write \`${count}w\``],
  [/^(\d{1,6})$/, (count) => `write the unit, as in \`${count}d\``],
];

/** Reads `36h`, `14d` or `2w`. A day has 24 hours, always: a cleanup has no time zones. */
export function parseDuration(text: string): Parsed<Duration> {
  const [, count = '', unit = ''] = GRAMMAR.exec(text) ?? [];
  const value = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (count !== '' && value <= MAX_DURATION) return parsed(value);
  if (count !== '') return problems('more than 100 years');
  const trimmed = text.trim();
  for (const [pattern, advice] of FOREIGN) {
    const found = pattern.exec(trimmed);
    if (found !== null) return problems(`not a duration: ${advice(Number(found[1]))}`);
  }
  return problems('not a duration: expected hours, days or weeks, such as `36h`, `14d` or `2w`');
}

/** For sentences: `20 days`, `1 day`, `5 hours`. Rounded down, so that "older than 14 days" is never said of 13. */
export function inWords(duration: Duration): string {
  const [count, unit] =
    Math.abs(duration) >= 2 * DAY || duration % DAY === 0
      ? [Math.floor(duration / DAY), 'day']
      : [Math.floor(duration / HOUR), 'hour'];
  return counted(count, unit);
}
