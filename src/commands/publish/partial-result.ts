import type { Outcome } from '../../domain/outcome.ts';
import { failure } from '../../errors/outcome.ts';
import type { Progress } from '../../run/progress.ts';
import type { PublishRecord } from './result.ts';

type Filled = { -readonly [K in keyof PublishRecord]: PublishRecord[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type Draft = Omit<Filled, 'outcome' | 'errors' | keyof Progress> & Progress;

export function emptyDraft(): Draft {
  return {
    warnings: [],
    steps: [],
    tags: [],
    tagNames: [],
    labels: {},
    annotations: [],
    scan: 'not-reached',
    targets: [],
  };
}

/** A run that came to a good end. */
export function succeeded(draft: Draft, outcome: Outcome): PublishRecord {
  return { ...draft, outcome, errors: [] };
}

/** A run that failed, with all that was known until then. */
export function failed(draft: Draft, thrown: unknown): PublishRecord {
  return { ...draft, ...failure(thrown) };
}
