import { OUTCOMES as PUBLISH } from '../publish/outcomes.ts';

export const OUTCOMES = {
  successes: {
    ...PUBLISH.successes,
    built: { about: 'Merged but not pushed (`push: false`); no finding blocked it.', heading: 'Merged' },
  },
  failed: 'Merging failed:',
} as const;
