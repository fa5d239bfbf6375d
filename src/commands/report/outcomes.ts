export const OUTCOMES = {
  successes: {
    reported: {
      about: 'Nothing that was to be read failed. What is unknown is shown as unknown, not as zero.',
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

/** What a report that succeeded came to. */
export type Success = keyof typeof OUTCOMES.successes;
