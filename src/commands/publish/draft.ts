import type { Outcome } from '../../domain/outcome.ts';
import { type ActionError, allErrors } from '../../errors/action-error.ts';
import { CATALOGUE } from '../../errors/catalogue.ts';
import type { PublishRecord } from '../../report/record.ts';
import type { Progress } from '../progress.ts';

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

/** A run that failed: the first error decides the outcome, all are told. */
export function failed(draft: Draft, thrown: unknown): PublishRecord {
  const errors: readonly ActionError[] = allErrors(thrown);
  const [first] = errors;
  return { ...draft, outcome: first === undefined ? 'failed' : CATALOGUE[first.code].outcome, errors };
}
