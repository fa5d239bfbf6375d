import { normalPlatform } from './platform.ts';

/** A builder, as far as it matters whether it can write an OCI layout. */
export interface BuilderCandidate {
  readonly name: string;
  readonly driver: string;
  readonly error?: string;
  readonly nodes: readonly {
    readonly status: string;
    readonly platforms: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
    readonly error?: string;
  }[];
}

const SNAPSHOTTER = 'org.mobyproject.buildkit.worker.snapshotter';

/**
 * Why a builder cannot write an image with all its platforms and attestations as an OCI layout; undefined when it can. Pure.
 *
 * - Several nodes each build a part and could only be put together in a registry.
 * - The builder inside of Docker can do it when Docker keeps its images in containerd's store. buildx looks at the same
 *   label: https://github.com/docker/buildx/blob/v0.37.2/driver/docker/driver.go#L82
 */
export function builderProblem(builder: BuilderCandidate): string | undefined {
  const { driver, nodes } = builder;
  const error = builder.error ?? nodes.find((node) => node.error !== undefined)?.error;
  if (error !== undefined) return `it cannot be reached: ${error}`;
  if (nodes.length !== 1) return `it has ${nodes.length} nodes, and only one node can write an OCI layout`;
  if (driver === 'docker' && nodes[0]?.labels[SNAPSHOTTER] === undefined) {
    return 'it is the builder inside of Docker, which writes OCI layouts only with the containerd image store turned on';
  }
  return undefined;
}

/** Platforms that a builder cannot run programs of. It may still build them, as long as no `RUN` step is in the way. */
export function foreignPlatforms(builder: BuilderCandidate, platforms: readonly string[]): readonly string[] {
  const own = new Set(builder.nodes.flatMap((node) => node.platforms.map(normalPlatform)));
  return own.size === 0 ? [] : platforms.filter((each) => each !== 'local' && !own.has(normalPlatform(each)));
}
