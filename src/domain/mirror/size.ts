import { type Parsed, parsed, problems } from '../parsed.ts';

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
};

/** Reads `20GiB`, `500 MB` or `1.5TB`, in bytes. */
export function parseSize(text: string): Parsed<number> {
  const [, count = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?) ?([KMGT]?i?B)$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(count) * (UNITS[unit.toUpperCase()] ?? Number.NaN));
  return count !== '' && Number.isSafeInteger(bytes) && bytes > 0
    ? parsed(bytes)
    : problems('no size: write a number with its unit, as in `20GiB` or `500MB`');
}
