/** Milliseconds. */
export const DAY = 24 * 60 * 60 * 1000;

/** `YYYY-MM-DD` of a time in milliseconds, in UTC. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** @param day `YYYY-MM-DD` */
export function daysAfter(day: string, count: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + count * DAY);
}
