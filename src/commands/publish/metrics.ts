import { sample } from '../../report/metrics/catalogue.ts';
import { gateSamples, targetSamples } from '../../report/metrics/target-samples.ts';
import { imageTitle } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import type { PublishResult } from './result.ts';

/** The metrics of a command that publishes an image. */
export function publishMetrics(
  { targets, tags, gateResult, image: built }: PublishResult,
  command: 'publish' | 'merge',
): CommandMetrics {
  const names = targets.length > 0 ? targets.map(({ image }) => image) : tags.map((tag) => tag.replace(/:[^:/]*$/, ''));
  const image = imageTitle(names);
  const run = { command, image };
  return {
    image,
    samples: [
      ...targetSamples(run, targets),
      ...gateSamples(run, gateResult),
      ...(built?.platforms ?? []).map(({ name, bytes }) =>
        sample('registry_action_image_size_bytes', { ...run, platform: name }, bytes),
      ),
    ],
  };
}
