import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    applied: { about: 'Every registry is as the file describes it.', heading: 'Set up:' },
    unchanged: { ...UNCHANGED, about: 'Every registry was as the file describes it; nothing was written.' },
    planned: { ...PLANNED, about: 'The plan only; nothing was written.' },
    partial: {
      about:
        'A vendor lacks a setting of the file, or a setting could not be read or written; everything else was compared, and applied unless `dry-run`.',
      heading: 'Set up in part:',
    },
  },
  failed: 'Setup failed:',
} as const;

/** What a setup that succeeded came to. */
export type Success = keyof typeof OUTCOMES.successes;
