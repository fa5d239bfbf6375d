import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    promoted: {
      about: 'The environment points to this image, and everything attached to it is in place.',
      heading: 'Promoted',
    },
    'rolled-back': {
      about: 'The environment is back on an earlier image; the replaced image is on hold.',
      heading: 'Rolled back',
    },
    unchanged: UNCHANGED,
    planned: PLANNED,
  },
  failed: 'Promotion failed:',
} as const;

/** Outcomes of a successful promotion. */
export type Success = keyof typeof OUTCOMES.successes;
