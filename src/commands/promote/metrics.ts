import { gateSamples, targetSamples } from '../../report/metrics/target-samples.ts';
import { imageTitle } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import type { PromotionResult } from './result.ts';

/** The metrics of a promotion. */
export function promotionMetrics({ targets, gateResult }: PromotionResult): CommandMetrics {
  const image = imageTitle(targets.map((target) => target.image));
  const run = { command: 'promote', image };
  return { image, samples: [...targetSamples(run, targets), ...gateSamples(run, gateResult)] };
}
