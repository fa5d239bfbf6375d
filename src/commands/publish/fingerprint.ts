import { createHash } from 'node:crypto';
import { type BuildRequest, provenanceAttributes, sbomAttributes } from '../../domain/build-request.ts';
import type { GitEvent } from '../../domain/event.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** Raised when a value is added or read in another way: images with a fingerprint of another format are other builds. */
const FORMAT = 2;

/** Settings of buildx and BuildKit that choose a builder or change what is shown. All others count. */
const WITHOUT_EFFECT = /^(?:BUILDX_(?:BUILDER|CONFIG|METADATA_\w+)|BUILDKIT_(?:HOST|PROGRESS|COLORS|TTY_LOG_LINES))$/;

/** What a build depends on besides its request. */
export interface BuildSurroundings {
  readonly env: Runtime['env'];
  readonly event: GitEvent;
  /** Name of an existing builder. */
  readonly builder?: string | undefined;
}

/**
 * A digest over all that a build is asked to put into an image, by which a later run recognises its own work: every value,
 * names and labels included; secrets by their id. The commit is compared by itself. Caches, and what is built without them,
 * change how a build is done and not what it makes.
 * @param request with labels, annotations and arguments that do not depend on the time of the run
 */
export function fingerprintOf(request: BuildRequest, { env, event, builder }: BuildSurroundings): string {
  const ids = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name).toSorted();
  const counted = {
    context: request.context,
    file: request.file,
    target: request.target,
    // Without a platform the builder decides, and as a rule it is that of the runner.
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
    // The run that a provenance names is another one each time.
    provenance: provenanceAttributes(request.provenance, { ...event, runUrl: '' }),
    sbom: sbomAttributes(request.sbom),
  } satisfies Record<keyof BuildRequest, unknown>;
  const settings = Object.entries(env)
    .filter(([name]) => name === 'SOURCE_DATE_EPOCH' || /^(?:BUILDX|BUILDKIT)_[A-Z0-9_]+$/.test(name))
    .filter(([name, value]) => value !== undefined && value !== '' && !WITHOUT_EFFECT.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256')
    .update(JSON.stringify([counted, settings]))
    .digest('hex');
  return `${FORMAT}-${hash}`;
}

/**
 * Run, job and step as one address: what it published in an earlier attempt is what this attempt would build.
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
