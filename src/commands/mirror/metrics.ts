import { sample } from '../../report/metrics/catalogue.ts';
import { imageTitle, withoutHost } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import type { MirrorResult } from './result.ts';

/** The metrics of a mirror run: what each target has got, and what was copied in all. */
export function mirrorMetrics({ sources, totals }: MirrorResult): CommandMetrics {
  const image = imageTitle(sources.map(({ source }) => source));
  const run = { command: 'mirror', image };
  // Several mirrors may write to one target, which is one series.
  const names = new Set(sources.flatMap(({ targets: own }) => own));
  const targets = [...names].flatMap((target) => {
    const repository = withoutHost(target);
    const registry = target.slice(0, Math.max(0, target.length - repository.length - 1));
    const labels = { ...run, registry, repository };
    const own = sources.filter((source) => source.targets.includes(target));
    const tags = own.flatMap((source) => source.tags.filter((tag) => tag.target === target));
    // A source that could not be read has no tags.
    const isUnread = own.some((source) => source.errors.length > 0 && source.tags.length === 0);
    const isWhole = !isUnread && tags.every(({ action }) => action !== 'failed' && action !== 'blocked');
    return [
      sample('registry_action_target_success', labels, isWhole ? 1 : 0),
      sample('registry_action_tags_written', labels, tags.filter(({ isDone }) => isDone).length),
    ];
  });
  return {
    image,
    samples: [
      ...targets,
      sample('registry_action_copied_images', run, totals.images),
      sample('registry_action_copied_bytes', run, totals.bytes),
    ],
  };
}
