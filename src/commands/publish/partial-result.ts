import { failure } from '../../errors/outcome.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';
import type { PublishResult } from './result.ts';

type Filled = { -readonly [K in keyof PublishResult]: PublishResult[K] };

/** The result so far. A run updates it as it proceeds, so that a failure can report its progress. */
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

/** A successful run. */
export function succeeded(partial: PartialResult, outcome: Success): PublishResult {
  return { ...partial, outcome, errors: [] };
}

/** A failed run, with everything known until then. */
export function failed(partial: PartialResult, thrown: unknown): PublishResult {
  return { ...partial, ...failure(thrown) };
}
