import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    mirrored: { about: 'Every target has what the source has.', heading: 'Mirrored' },
    incomplete: {
      about: 'A limit was reached, or a target does not take some attachments; the rest is in place.',
      heading: 'Mirrored in part:',
      isPartial: true,
    },
    unchanged: UNCHANGED,
    planned: PLANNED,
  },
  failed: 'Mirroring failed:',
} as const;

/** What a run that succeeded came to. */
export type Success = keyof typeof OUTCOMES.successes;
