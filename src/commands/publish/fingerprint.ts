import { createHash } from 'node:crypto';
import { type BuildRequest, provenanceAttributes, sbomAttributes } from '../../domain/build-request.ts';
import { sortedByKey } from '../../domain/compare-text.ts';
import type { GitEvent } from '../../domain/event.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** Increased when values are added or read differently: fingerprints of other formats never match. */
const FORMAT_VERSION = 2;

/** Settings of buildx and BuildKit that choose a builder or affect only the display. All others count. */
const WITHOUT_EFFECT = /^(?:BUILDX_(?:BUILDER|CONFIG|METADATA_\w+)|BUILDKIT_(?:HOST|PROGRESS|COLORS|TTY_LOG_LINES))$/;

/** Inputs of a build besides its request. */
export interface BuildSurroundings {
  readonly env: Runtime['env'];
  readonly event: GitEvent;
  /** Name of an existing builder. */
  readonly builder?: string | undefined;
}

/**
 * A digest of everything that a build is asked to put into an image, by which later runs recognise the same build:
 * every value, names and labels included; secrets by their id. The commit is compared separately. Caches, and stages
 * built without them, do not affect the content.
 * @param request with labels, annotations and arguments that do not depend on the time of the run
 */
export function fingerprintOf(request: BuildRequest, { env, event, builder }: BuildSurroundings): string {
  const ids = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name).toSorted();
  const counted = {
    context: request.context,
    file: request.file,
    target: request.target,
    // Without a platform the builder decides, usually for the runner's own.
    platforms: request.platforms.length > 0 ? request.platforms : [env.RUNNER_ARCH, builder],
    buildArgs: request.buildArgs.map((arg) => (arg.includes('=') ? arg : [arg, env[arg]])),
    buildContexts: request.buildContexts,
    secrets: ids(request.secrets),
    secretEnvs: ids(request.secretEnvs),
    secretFiles: ids(request.secretFiles),
    ssh: request.ssh.map((entry) => entry.split('=', 1)[0]).toSorted(),
    cacheFrom: undefined,
    cacheTo: undefined,
    noCache: undefined,
    noCacheFilters: undefined,
    pull: undefined,
    network: request.network,
    addHosts: request.addHosts,
    allow: request.allow,
    shmSize: request.shmSize,
    ulimit: request.ulimit,
    cgroupParent: request.cgroupParent,
    labels: request.labels.toSorted(),
    annotations: request.annotations,
    tags: request.tags.toSorted(),
    // The provenance names a different run each time.
    provenance: provenanceAttributes(request.provenance, { ...event, runUrl: '' }),
    sbom: sbomAttributes(request.sbom),
  } satisfies Record<keyof BuildRequest, unknown>;
  const settings = sortedByKey(
    Object.entries(env)
      .filter(([name]) => name === 'SOURCE_DATE_EPOCH' || /^(?:BUILDX|BUILDKIT)_[A-Z0-9_]+$/.test(name))
      .filter(([name, value]) => value !== undefined && value !== '' && !WITHOUT_EFFECT.test(name)),
  );
  const hash = createHash('sha256')
    .update(JSON.stringify([counted, settings]))
    .digest('hex');
  return `${FORMAT_VERSION}-${hash}`;
}

/**
 * Run, job and step as one URL: what it published in an earlier attempt is what this attempt would build.
 * https://docs.github.com/actions/reference/workflows-and-actions/variables
 */
export function runIdentity({ env, event }: BuildSurroundings): string {
  const run = event.runUrl.replace(/\/attempts\/\d+$/, '');
  return `${run}#${env.GITHUB_JOB ?? ''}/${env.GITHUB_ACTION ?? ''}`;
}

/** Whether this is a later attempt of a run ("Re-run jobs"). */
export function isLaterAttempt(env: Runtime['env']): boolean {
  return Number(env.GITHUB_RUN_ATTEMPT ?? '1') > 1;
}
