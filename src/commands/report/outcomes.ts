export const OUTCOMES = {
  successes: {
    reported: {
      about: 'Everything was read. A number that a registry does not provide is shown as unknown, not as zero.',
      heading: 'Report:',
    },
    partial: {
      about:
        'Something could not be read, as the report shows; the rest is complete. `fail-on: incomplete` fails such a run.',
      heading: 'Partial report:',
      isPartial: true,
    },
  },
  failed: 'Report failed:',
} as const;

/** Outcomes of a successful report. */
export type Success = keyof typeof OUTCOMES.successes;
