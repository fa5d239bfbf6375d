import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    applied: { about: 'Every registry is as the file describes it.', heading: 'Set up:' },
    unchanged: { ...UNCHANGED, about: 'Every registry was as the file describes it; nothing was written.' },
    planned: { ...PLANNED, about: 'The plan only; nothing was written.' },
    exported: { about: 'The desired state was written as code of another tool, all of it.', heading: 'Exported:' },
    partial: {
      about:
        'A vendor lacks a setting of the file, or a setting could not be read or written; everything else was compared, and applied unless `dry-run`. With `export`: something of the file is not in the code.',
      heading: 'Set up in part:',
      isPartial: true,
    },
  },
  failed: 'Setup failed:',
} as const;

/** What a setup that succeeded came to. */
export type Success = keyof typeof OUTCOMES.successes;
