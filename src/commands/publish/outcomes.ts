import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    published: {
      about:
        'Pushed to every registry. Tags point to this image unless they stay on a newer one, or on the first build of its commit.',
      heading: 'Published',
    },
    unchanged: UNCHANGED,
    built: { about: 'Ready but not pushed (`push: false`); no finding blocked it.', heading: 'Built' },
    planned: PLANNED,
  },
  failed: 'Publishing failed:',
} as const;

/** Outcomes of a successful publish. */
export type Success = keyof typeof OUTCOMES.successes;
