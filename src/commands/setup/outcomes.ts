import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    applied: { about: 'Every registry matches the file.', heading: 'Set up:' },
    unchanged: { ...UNCHANGED, about: 'Every registry already matched the file; nothing was written.' },
    planned: { ...PLANNED, about: 'The plan only; nothing was written.' },
    exported: { about: 'The whole desired state was exported.', heading: 'Exported:' },
    partial: {
      about:
        'A vendor does not support a setting in the file, or a setting could not be read or written; everything else was compared, and applied unless `dry-run`. The job fails if a write was denied. With `export`: a setting could not be exported.',
      heading: 'Set up in part:',
      isPartial: true,
    },
  },
  failed: 'Setup failed:',
} as const;

/** Outcomes of a successful setup. */
export type Success = keyof typeof OUTCOMES.successes;
