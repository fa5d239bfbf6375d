import { resolve } from 'node:path';
import { FINGERPRINT, REVISION } from '../../domain/annotations.ts';
import type { BuildRequest } from '../../domain/build-request.ts';
import type { BuiltCommit } from '../../domain/commit.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Inputs } from '../../inputs/parse.ts';
import { requireAttestations } from '../../oci/attestations.ts';
import type { LocalImage } from '../../oci/image.ts';
import { readLayout } from '../../oci/layout.ts';
import { type Login, loginOf, writePrivateDockerConfig } from '../../registries/docker-config.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { chooseBuilder } from '../../tools/builder.ts';
import { build } from '../../tools/buildx.ts';
import { inspectDocker } from '../../tools/docker.ts';
import { dockerEnvironment } from '../../tools/docker-environment.ts';
import { STATE } from '../clean-up.ts';
import type { Destination } from '../destinations.ts';
import type { Draft } from './draft.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Naming } from './naming.ts';
import { attestationsOfBuild, namesOf, type Obtained } from './obtain.ts';

/**
 * Builds the image with buildx to an OCI layout, and reads the result back as any other image: digest as buildx reported
 * it, every platform asked for, every attestation about its platform. Nothing leaves the runner.
 */
export async function buildImage(
  runtime: Runtime,
  inputs: Inputs,
  naming: Naming,
  destinations: readonly Destination[],
  draft: Draft,
): Promise<Obtained> {
  const environment = await writePrivateDockerConfig(runtime, [...inputs.logins, ...(await loginsOf(destinations))]);
  const env = dockerEnvironment(runtime.env, environment);
  const docker = await inspectDocker(runtime, env);
  const config = inputs['buildkitd-config'];
  const { builder } = await chooseBuilder(runtime, env, {
    name: inputs.builder,
    platforms: inputs.platforms,
    driverOptions: inputs['driver-opts'],
    config: config === undefined ? undefined : resolve(runtime.workspace, config),
    allow: inputs.allow,
    // The post step removes it, so that a cancelled run leaves no builder behind either.
    announce: (name) => {
      runtime.state.save(STATE.builder, name);
      runtime.state.save(STATE.environment, JSON.stringify(environment));
    },
  });
  const token = inputs['github-token'];
  const built = await build(runtime, {
    request: toRequest(inputs, naming),
    event: naming.event,
    docker,
    builder: builder.name,
    environment,
    ...(token === undefined ? {} : { githubToken: token }),
  });
  draft.buildMetadata = built.metadata;
  const image = await readLayout(built.directory, {
    digest: built.digest,
    ...(inputs.platforms.length > 0 ? { platforms: inputs.platforms } : {}),
  });
  requireAttestations(image, attestationsOfBuild(inputs));
  requireCommit(image, naming.commit);
  runtime.log.info(`The layout holds ${image.root.descriptor.digest}: ${namesOf(image)}.`);
  return { image, origin: `docker buildx ${docker.buildx}, builder ${builder.name} (${builder.driver})` };
}

/**
 * A branch in a git URL can move between the look at it and the build: BuildKit records which commit it has built.
 * @throws ActionError COMMIT_MISMATCH
 */
export function requireCommit({ platforms }: Pick<LocalImage, 'platforms'>, { sha, source }: BuiltCommit): void {
  if (source !== 'context') return;
  const built = platforms.flatMap(({ statements }) => statements.flatMap(({ commit }) => commit ?? []));
  const other = built.find((each) => each !== sha);
  if (other === undefined) return;
  throw new ActionError(
    'COMMIT_MISMATCH',
    `\`context\` pointed to ${sha} when the image was named, and BuildKit built ${other}. Run again, or write the commit into the address: \`#${other}\`.`,
  );
}

function toRequest(inputs: Inputs, naming: Naming): BuildRequest {
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
    annotations: annotationsFor(inputs, naming),
    tags: naming.fullNames,
    provenance: inputs.provenance,
    sbom: inputs.sbom ?? true,
  };
}

/** BUILD_DATE, VCS_REF and VERSION, unless the user sets them. */
function metadataArgs(inputs: Inputs, { buildMetadata }: Naming): readonly string[] {
  if (!inputs['build-metadata']) return [];
  const own = new Set(inputs['build-args'].map((arg) => arg.split('=', 1)[0]));
  return Object.entries(buildMetadata).flatMap(([name, value]) => (own.has(name) ? [] : [`${name}=${value}`]));
}

/**
 * The user's annotations, and on what the tags will point at the standard ones: registries show them, and a later run
 * reads the commit and the fingerprint there with one request. BuildKit refuses annotations of an index where there is
 * none: one platform without attestations.
 */
function annotationsFor(inputs: Inputs, { annotations, labels, commit }: Naming): readonly string[] {
  const hasIndex = inputs.platforms.length > 1 || inputs.sbom !== false || inputs.provenance !== false;
  const level = hasIndex ? 'index' : 'manifest';
  const standard = { ...labels, [REVISION]: commit.sha, [FINGERPRINT]: fingerprintOf(inputs) };
  const top = Object.entries(standard).flatMap(([key, value]) => (value === '' ? [] : [`${level}:${key}=${value}`]));
  // A later one wins: what the user says comes last, but for the two that later runs rely on.
  const relied = top.filter(
    (line) => line.startsWith(`${level}:${REVISION}=`) || line.startsWith(`${level}:${FINGERPRINT}=`),
  );
  return [...top.filter((line) => !relied.includes(line)), ...annotations, ...relied];
}

/** What the run has to log in with, for base images and caches at the same registries. */
async function loginsOf(destinations: readonly Destination[]): Promise<readonly Login[]> {
  const registries = [...new Set(destinations.map(({ registry }) => registry))];
  const found = await Promise.all(
    registries.map(async ({ host, credentials }) => {
      const held = await credentials();
      return held === undefined ? undefined : loginOf(host, held);
    }),
  );
  return found.filter((login) => login !== undefined);
}
