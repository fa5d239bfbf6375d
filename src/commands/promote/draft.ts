import type { Outcome } from '../../domain/outcome.ts';
import { failure } from '../../errors/outcome.ts';
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

/** A run that failed, with all that was known until then. */
export function failed(draft: Draft, thrown: unknown): PromotionReport {
  return { ...draft, ...failure(thrown) };
}
