import { FINGERPRINT, REVISION, RUN } from '../../domain/annotations.ts';
import type { BuildRequest } from '../../domain/build-request.ts';
import { type BuildInputs, hasIndex } from '../../inputs/build.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { fingerprintOf, runIdentity } from './fingerprint.ts';
import type { Naming } from './naming.ts';

type Named = Pick<Naming, 'labels' | 'annotations' | 'buildMetadata' | 'fullNames'>;

/** A build, and the marks by which later runs recognise it. */
export interface IdentifiedRequest {
  readonly request: BuildRequest;
  readonly fingerprint: string;
  /** Run, job and step. */
  readonly run: string;
}

/** What to build, with commit, fingerprint and run recorded on the tags' target. */
export function requestFor({ env }: Runtime, inputs: BuildInputs, naming: Naming): IdentifiedRequest {
  const around = { env, event: naming.event, builder: inputs.builder };
  const fingerprint = fingerprintOf(toRequest(inputs, { ...naming, ...naming.undated }, {}), around);
  const run = runIdentity(around);
  const relied = { [REVISION]: naming.commit.sha, [FINGERPRINT]: fingerprint, [RUN]: run };
  return { request: toRequest(inputs, naming, relied), fingerprint, run };
}

function toRequest(inputs: BuildInputs, naming: Named, relied: Readonly<Record<string, string>>): BuildRequest {
  return {
    context: inputs.context,
    file: inputs.file,
    target: inputs.target,
    platforms: inputs.platforms,
    buildArgs: [...metadataArgs(inputs, naming), ...inputs['build-args']],
    buildContexts: inputs['build-contexts'],
    secrets: inputs.secrets,
    secretEnvs: inputs['secret-envs'],
    secretFiles: inputs['secret-files'],
    ssh: inputs.ssh,
    cacheFrom: inputs['cache-from'],
    cacheTo: inputs['cache-to'],
    noCache: inputs['no-cache'],
    noCacheFilters: inputs['no-cache-filters'],
    pull: inputs.pull,
    network: inputs.network,
    addHosts: inputs['add-hosts'],
    allow: inputs.allow,
    shmSize: inputs['shm-size'],
    ulimit: inputs.ulimit,
    cgroupParent: inputs['cgroup-parent'],
    labels: Object.entries(naming.labels).map(([key, value]) => `${key}=${value}`),
    annotations: annotationsFor(inputs, naming, relied),
    tags: naming.fullNames,
    provenance: inputs.provenance,
    sbom: inputs.sbom ?? true,
  };
}

/** BUILD_DATE, VCS_REF and VERSION, unless the user sets them. */
function metadataArgs(inputs: BuildInputs, { buildMetadata }: Named): readonly string[] {
  if (!inputs['build-metadata']) return [];
  const own = new Set(inputs['build-args'].map((arg) => arg.split('=', 1)[0]));
  return Object.entries(buildMetadata).flatMap(([name, value]) => (own.has(name) ? [] : [`${name}=${value}`]));
}

/** The annotations of an index that this run writes itself, around manifests that exist already. */
export function indexAnnotations({ annotations, labels, commit }: Naming): readonly string[] {
  const standard = Object.entries(labels).flatMap(([key, value]) => (value === '' ? [] : [`index:${key}=${value}`]));
  // Those without a level are for the image, which is this index.
  const own = annotations.map((line) => line.replace(/^manifest:/, 'index:'));
  return [...standard, ...own, `index:${REVISION}=${commit.sha}`];
}

/**
 * The user's annotations, plus the standard ones on the tags' target: registries show them, and a later run reads
 * commit, fingerprint and run there with one request. BuildKit rejects index annotations without an index: one platform
 * without attestations.
 */
function annotationsFor(inputs: BuildInputs, { annotations, labels }: Named, relied: Readonly<Record<string, string>>) {
  const level = hasIndex(inputs) ? 'index' : 'manifest';
  const lines = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, value]) => (value === '' ? [] : [`${level}:${key}=${value}`]));
  const { [REVISION]: _, ...standard } = labels;
  // Later ones win: the user's come last, except for those that later runs rely on.
  return [...lines(standard), ...annotations, ...lines(relied)];
}
