import type { HandOver } from '../../domain/merge/hand-over.ts';
import type { OfferedPart } from '../../run/merge/read-part.ts';

/** One of the images that were merged, and who built it, as far as that job has said. */
export interface PartFacts {
  /** Path of the layout, or name in the registry. */
  readonly source: string;
  readonly digest: string;
  readonly platforms: readonly string[];
  readonly builtBy?: Pick<HandOver, 'commit' | 'run' | 'gate'>;
}

export function describePart({ name, image, handOver }: OfferedPart): PartFacts {
  return {
    source: name,
    digest: image.root.descriptor.digest,
    platforms: image.platforms.map((platform) => platform.name),
    ...(handOver === undefined ? {} : { builtBy: { commit: handOver.commit, run: handOver.run, gate: handOver.gate } }),
  };
}
