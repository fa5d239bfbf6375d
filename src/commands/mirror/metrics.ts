import { sample } from '../../report/metrics/catalogue.ts';
import { imageTitle, withoutHost } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import type { MirrorResult } from './result.ts';

/** The metrics of a mirror run: what each target has got, and what was copied in all. */
export function mirrorMetrics({ sources, totals }: MirrorResult): CommandMetrics {
  const image = imageTitle(sources.map(({ source }) => source));
  const run = { command: 'mirror', image };
  const targets = sources.flatMap(({ targets: names, tags, errors }) =>
    names.flatMap((target) => {
      const repository = withoutHost(target);
      const registry = target.slice(0, Math.max(0, target.length - repository.length - 1));
      const labels = { ...run, registry, repository };
      const written = tags.filter((tag) => tag.target === target && tag.isDone).length;
      return [
        sample('registry_action_target_success', labels, errors.length === 0 ? 1 : 0),
        sample('registry_action_tags_written', labels, written),
      ];
    }),
  );
  return {
    image,
    samples: [
      ...targets,
      sample('registry_action_copied_images', run, totals.images),
      sample('registry_action_copied_bytes', run, totals.bytes),
    ],
  };
}
