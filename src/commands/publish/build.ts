import { resolve } from 'node:path';
import { type Login, loginOf, writePrivateDockerConfig } from '../../credentials/docker-config.ts';
import type { BuildRequest } from '../../domain/build-request.ts';
import type { BuiltCommit } from '../../domain/commit.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { BuildInputs } from '../../inputs/build.ts';
import { requireAttestations } from '../../oci/image/attestations.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { STATE } from '../../run/leftovers.ts';
import { warn } from '../../run/progress.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type BuildPlan, build } from '../../tools/buildx/build.ts';
import { chooseBuilder } from '../../tools/buildx/builder.ts';
import { placeCertificates } from '../../tools/buildx/certificates.ts';
import { inspectDocker } from '../../tools/buildx/docker.ts';
import { dockerEnvironment } from '../../tools/buildx/docker-environment.ts';
import { findContextTokens } from '../../tools/commits/context-tokens.ts';
import { buildOnNodes } from './build-on-nodes.ts';
import { attestationsOfBuild, namesOf, type Obtained } from './image-source.ts';
import type { Naming } from './naming.ts';
import type { PartialResult } from './partial-result.ts';
import type { PublishInputs } from './settings.ts';

/**
 * Builds the image with buildx into an OCI layout, and validates the result like any other image: digest as reported by
 * buildx, all requested platforms, attestations about their own platform. Nothing leaves the runner.
 */
export async function buildImage(
  runtime: Runtime,
  inputs: BuildInputs,
  registries: PublishInputs['registries'],
  naming: Naming,
  request: BuildRequest,
  destinations: readonly Destination[],
  partial: PartialResult,
): Promise<Obtained> {
  const environment = await writePrivateDockerConfig(runtime, [
    ...registries.logins,
    ...(await loginsOf(destinations)),
  ]);
  const env = dockerEnvironment(runtime.env, environment);
  // Other drivers do not need the Docker Engine of the runner.
  const docker = await inspectDocker(runtime, env, inputs.driver === 'docker-container');
  const config = inputs['buildkitd-config'];
  const tls = await placeCertificates(runtime, inputs);
  const { builder } = await chooseBuilder(runtime, env, {
    name: inputs.builder,
    driver: inputs.driver,
    endpoints: inputs.endpoint,
    tls,
    platforms: inputs.platforms,
    driverOptions: inputs['driver-opts'],
    config: config === undefined ? undefined : resolve(runtime.workspace, config),
    allow: inputs.allow,
    // The post step removes it, so that even a cancelled run leaves no builder behind.
    announce: (name) => {
      runtime.state.save(STATE.builder, name);
      runtime.state.save(STATE.environment, JSON.stringify(environment));
    },
  });
  for (const warning of await findContextTokens(runtime, request)) warn(runtime, partial, warning);
  const token = registries.githubToken;
  const plan = {
    request,
    event: naming.event,
    docker,
    builder: builder.name,
    environment,
    ...(token === undefined ? {} : { githubToken: token }),
  };
  const { image, metadata } = await (builder.nodes.length > 1 && request.platforms.length > 1
    ? buildOnNodes(runtime, plan, builder, partial)
    : buildAtOnce(runtime, plan));
  partial.buildMetadata = metadata;
  requireAttestations(image, attestationsOfBuild(inputs));
  requireCommit(image, naming.commit);
  runtime.log.info(`The layout has ${image.root.descriptor.digest}: ${namesOf(image)}.`);
  return { image, origin: `docker buildx ${docker.buildx}, builder ${builder.name} (${builder.driver})` };
}

/** All platforms in one build. */
async function buildAtOnce(runtime: Runtime, plan: BuildPlan) {
  const { directory, digest, metadata } = await build(runtime, plan);
  const { platforms } = plan.request;
  return { metadata, image: await readLayout(directory, { digest, ...(platforms.length > 0 ? { platforms } : {}) }) };
}

/**
 * Verifies the commit that BuildKit records for a git URL: its branch may have moved before the build.
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

/** The run's logins, for base images and caches at the same registries. */
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
