import type { Outcome } from '../../domain/outcome.ts';
import { allErrors } from '../../errors/action-error.ts';
import { CATALOGUE } from '../../errors/catalogue.ts';
import type { PromotionReport } from '../../report/promotion-record.ts';
import type { Progress } from '../progress.ts';

type Filled = { -readonly [K in keyof PromotionReport]: PromotionReport[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type Draft = Omit<Filled, 'outcome' | 'errors' | keyof Progress> & Progress;

export function emptyDraft(): Draft {
  return { warnings: [], steps: [], kind: 'promotion', requirements: [], targets: [], passed: [] };
}

export function succeeded(draft: Draft, outcome: Outcome): PromotionReport {
  return { ...draft, outcome, errors: [] };
}

/** A run that failed: the first error decides the outcome, all are told. */
export function failed(draft: Draft, thrown: unknown): PromotionReport {
  const errors = allErrors(thrown);
  const [first] = errors;
  return { ...draft, outcome: first === undefined ? 'failed' : CATALOGUE[first.code].outcome, errors };
}
