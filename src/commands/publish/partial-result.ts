import { failure } from '../../errors/outcome.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';
import type { PublishResult } from './result.ts';

type Filled = { -readonly [K in keyof PublishResult]: PublishResult[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type PartialResult = Omit<Filled, 'outcome' | 'errors' | keyof Progress> & Progress;

export function emptyResult(): PartialResult {
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
export function succeeded(partial: PartialResult, outcome: Success): PublishResult {
  return { ...partial, outcome, errors: [] };
}

/** A run that failed, with all that was known until then. */
export function failed(partial: PartialResult, thrown: unknown): PublishResult {
  return { ...partial, ...failure(thrown) };
}
