import { PLANNED, UNCHANGED } from '../../domain/outcome.ts';

export const OUTCOMES = {
  successes: {
    cleaned: {
      about: 'Everything that the plan names is gone, except what has changed since or what the registry keeps.',
      heading: 'Cleaned up',
    },
    unchanged: { ...UNCHANGED, about: 'There was nothing to delete.' },
    imported: { about: 'The retention rules were converted to a policy.', heading: 'Converted' },
    planned: { ...PLANNED, about: 'The plan only; nothing was deleted.' },
  },
  failed: 'Cleanup failed:',
} as const;

/** What becomes of the retention rules of a registry. */
export const ACTION_WORDS = {
  install: 'to be set',
  remove: 'to be removed',
  unchanged: 'as it is to be',
  export: 'to be set by you',
  none: 'none of this policy',
} as const;

/** Outcomes of a successful cleanup. */
export type Success = keyof typeof OUTCOMES.successes;
