import type { Instant } from '../retention/inventory.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Age groups, the youngest first; each up to its number of days. */
const GROUPS = [
  { name: 'up to 7 days', days: 7 },
  { name: '8 to 30 days', days: 30 },
  { name: '31 to 90 days', days: 90 },
  { name: '91 days to a year', days: 365 },
  { name: 'over a year', days: Number.POSITIVE_INFINITY },
] as const;

/** A number of images of one age group. */
export interface AgeGroup {
  readonly name: string;
  readonly images: number;
}

/**
 * Counts images by age, in groups without an image as well; the unknown ones come last, if there are any. A time in the future (a
 * wrong clock of the builder) counts as new.
 */
export function ageGroups(times: readonly (Instant | undefined)[], now: Instant): readonly AgeGroup[] {
  const counts = GROUPS.map(() => 0);
  let unknown = 0;
  for (const time of times) {
    if (time === undefined) unknown += 1;
    else {
      const at = GROUPS.findIndex(({ days }) => now - time <= days * DAY_MS);
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const known = GROUPS.map(({ name }, at) => ({ name, images: counts[at] ?? 0 }));
  return unknown === 0 ? known : [...known, { name: 'unknown', images: unknown }];
}

/** `3 h`, `12 d`, `2 y`: an age for people. */
export function ageText(milliseconds: number): string {
  const hours = Math.max(0, Math.floor(milliseconds / (60 * 60 * 1000)));
  if (hours < 48) return `${hours} h`;
  const days = Math.floor(hours / 24);
  return days < 730 ? `${days} d` : `${Math.floor(days / 365)} y`;
}
