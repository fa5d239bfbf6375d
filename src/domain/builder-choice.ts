import { normalPlatform } from './platform.ts';

/** The facts about a builder that decide whether it can write an OCI layout. */
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
 * Why a builder cannot write an image with attestations as an OCI layout; undefined when it can. Several nodes can, one
 * platform at a time. Pure.
 *
 * Docker's built-in builder can if Docker uses containerd's image store. buildx checks the same label:
 * https://github.com/docker/buildx/blob/v0.37.2/driver/docker/driver.go#L82
 */
export function builderProblem(builder: BuilderCandidate): string | undefined {
  const { driver, nodes } = builder;
  const error = builder.error ?? nodes.find((node) => node.error !== undefined)?.error;
  if (error !== undefined) return `it cannot be reached: ${error}`;
  if (nodes.length === 0) return 'it has no node';
  if (driver === 'docker' && nodes.some(({ labels }) => labels[SNAPSHOTTER] === undefined)) {
    return 'it is the builder inside of Docker, which writes OCI layouts only with the containerd image store turned on';
  }
  return undefined;
}

/** Platforms whose programs a builder cannot run. It may still build them if no `RUN` step is involved. */
export function foreignPlatforms(builder: BuilderCandidate, platforms: readonly string[]): readonly string[] {
  const own = new Set(builder.nodes.flatMap((node) => node.platforms.map(normalPlatform)));
  return own.size === 0 ? [] : platforms.filter((each) => each !== 'local' && !own.has(normalPlatform(each)));
}
