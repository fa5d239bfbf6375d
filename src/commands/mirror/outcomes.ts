import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    mirrored: { about: 'Every target is up to date with its source.', heading: 'Mirrored' },
    incomplete: {
      about: 'A limit was reached, or a target does not accept some attachments; everything else is in place.',
      heading: 'Mirrored in part:',
      isPartial: true,
    },
    unchanged: UNCHANGED,
    planned: PLANNED,
  },
  failed: 'Mirroring failed:',
} as const;

/** Outcomes of a successful mirror run. */
export type Success = keyof typeof OUTCOMES.successes;
