import { randomBytes } from 'node:crypto';
import { builderProblem, foreignPlatforms } from '../../domain/builder-choice.ts';
import { type BuilderEndpoint, driverOption } from '../../domain/builder-endpoint.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Builder, ending, inspectBuilder, isAtLeast, lastWords, runDocker } from './docker.ts';
import { buildErrorCode } from './errors.ts';

type BuilderDriver = 'docker-container' | 'kubernetes' | 'remote';

export interface BuilderWish {
  /** Name of the builder to use, with no alternative; undefined: any suitable one. */
  readonly name?: string | undefined;
  readonly platforms: readonly string[];
  readonly driver: BuilderDriver;
  /** With the driver `remote`: a node for each. */
  readonly endpoints: readonly BuilderEndpoint[];
  /** Files with the certificates for the endpoints. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** Options for a new builder; any of them, a configuration or another driver forces one to be created. */
  readonly driverOptions: readonly string[];
  /** Path of a buildkitd.toml for a new builder. */
  readonly config?: string | undefined;
  /** Entitlements that a new builder has to support. */
  readonly allow: readonly string[];
  /** Called with the name of a builder before it is created, so that the post step can always remove it. */
  readonly announce: (name: string) => void;
}

export interface ChosenBuilder {
  readonly builder: Builder;
  /** True when it was created for this run. */
  readonly made: boolean;
  /** Removes a created builder. After a cancellation the post step does this. */
  readonly dispose: () => Promise<void>;
}

/** The first BuildKit with provenance and SBOM: https://github.com/moby/buildkit/releases/tag/v0.11.0 */
const OLDEST_BUILDKIT = '0.11.0';
const SECOND_MS = 1000;

/**
 * The builder for a build to an OCI layout: the named one, otherwise the current one if suitable, otherwise a new one
 * with one docker-container node for this run.
 * @param env the whole environment of the child
 * @throws ActionError BUILDER_UNSUITABLE; PULL_LIMIT, BUILD_NO_SPACE and the like for a builder that does not start
 */
export async function chooseBuilder(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  wish: BuilderWish,
): Promise<ChosenBuilder> {
  const named = wish.name ?? env.BUILDX_BUILDER ?? '';
  const wantsOwn =
    wish.name === undefined &&
    (wish.driver !== 'docker-container' || wish.driverOptions.length > 0 || wish.config !== undefined);
  if (!wantsOwn) {
    const found = await inspectBuilder(runtime, env, named);
    const started = found === undefined ? undefined : await start(runtime, env, found);
    const problem = started === undefined ? 'there is no such builder' : problemOf(started);
    if (started !== undefined && problem === undefined) {
      report(runtime, started, wish.platforms);
      return { builder: started, made: false, dispose: async () => undefined };
    }
    const title = `The builder "${started?.name ?? named}"${started === undefined ? '' : ` (driver ${started.driver || 'unknown'})`}`;
    if (named !== '') throw new ActionError('BUILDER_UNSUITABLE', `${title} cannot be used: ${problem}.`);
    runtime.log.info(`${title} is not used: ${problem}. A builder is made for this run.`);
  }
  return makeBuilder(runtime, env, wish);
}

/** Removes a builder that was created for a run. */
export async function removeBuilder(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  name: string,
): Promise<void> {
  const removed = await runDocker(runtime, env, ['buildx', 'rm', '--force', name], 60 * SECOND_MS);
  if (removed.exitCode === 0) runtime.log.info(`Removed builder ${name}.`);
  else runtime.log.warning(`Builder ${name} could not be removed: ${lastWords(removed)}`);
}

async function makeBuilder(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  wish: BuilderWish,
): Promise<ChosenBuilder> {
  const run = (runtime.env.GITHUB_RUN_ID ?? '').replace(/\D/g, '') || 'local';
  const name = `registry-action-${run}-${randomBytes(4).toString('hex')}`;
  wish.announce(name);
  const dispose = async () => {
    // A cancelled run starts no more children; the post step has the name.
    if (!runtime.signal.aborted) await removeBuilder(runtime, env, name);
  };
  try {
    for (const args of createArguments(name, wish)) {
      const created = await runDocker(runtime, env, args, 60 * SECOND_MS);
      if (created.exitCode === 0) continue;
      throw new ActionError(
        'BUILDER_UNSUITABLE',
        `A builder could not be made: \`docker buildx create\` ${ending(created)}: ${lastWords(created)}`,
        creationRemedy(wish, lastWords(created)),
      );
    }
    const made = await inspectBuilder(runtime, env, name);
    const builder = made === undefined ? undefined : await start(runtime, env, made, wish.driverOptions);
    const problem = builder === undefined ? 'it is gone again' : problemOf(builder);
    if (builder === undefined || problem !== undefined) {
      throw new ActionError('BUILDER_UNSUITABLE', `The builder ${name} was made and cannot be used: ${problem}.`);
    }
    report(runtime, builder, wish.platforms);
    return { builder, made: true, dispose };
  } catch (error) {
    await dispose().catch((failure: unknown) => runtime.log.debug(String(failure)));
    throw error;
  }
}

/** What to do when buildx refuses to make a builder, where that is in the inputs or in the environment of the job. */
function creationRemedy({ driver, driverOptions }: BuilderWish, said: string): { readonly remedy?: readonly string[] } {
  if (driver === 'kubernetes' && /no configuration has been provided|kubeconfig/i.test(said)) {
    return {
      remedy: [
        'Before this step, write the configuration of the cluster to `~/.kube/config`, or set `KUBECONFIG` to the path of its file.',
      ],
    };
  }
  return driverOptions.length === 0
    ? {}
    : {
        remedy: [
          `Correct \`driver-opts\`, which are those of the driver ${driver}: https://docs.docker.com/build/builders/drivers/${driver}/.`,
        ],
      };
}

/** The arguments of `docker` for each node. */
function createArguments(
  name: string,
  { driver, endpoints, tls, driverOptions, config, allow }: BuilderWish,
): readonly (readonly string[])[] {
  // buildx allows network.host by default, but not when flags are given.
  const flags = allow.includes('security.insecure')
    ? ['--buildkitd-flags', '--allow-insecure-entitlement=network.host --allow-insecure-entitlement=security.insecure']
    : [];
  const files = tls === undefined ? [] : [`cacert=${tls.ca}`, `cert=${tls.cert}`, `key=${tls.key}`];
  const options = [...files, ...driverOptions.map(driverOption)].flatMap((option) => ['--driver-opt', option]);
  if (driver === 'remote') {
    return endpoints.map(({ address, platforms }, at) => [
      ...['buildx', 'create', '--name', name, '--driver', driver, '--node', `node${at}`],
      ...(at === 0 ? [] : ['--append']),
      ...(platforms.length === 0 ? [] : ['--platform', platforms.join(',')]),
      ...options,
      address,
    ]);
  }
  return [
    [
      ...['buildx', 'create', '--name', name, '--driver', driver],
      ...options,
      ...(config === undefined ? [] : ['--buildkitd-config', config]),
      ...flags,
    ],
  ];
}

/** Starts an inactive builder: only then does it report its version and platforms. */
async function start(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  builder: Builder,
  options: readonly string[] = [],
): Promise<Builder> {
  const asleep = builder.nodes.some(({ status, error }) => status !== 'running' && error === undefined);
  if (!asleep || builder.driver === 'docker') return builder;
  const args = ['buildx', 'inspect', '--bootstrap', builder.name];
  const started = await runDocker(runtime, env, args, 600 * SECOND_MS, (line) => runtime.log.debug(line));
  if (started.exitCode === 0) return (await inspectBuilder(runtime, env, builder.name)) ?? builder;
  const said = lastWords(started);
  const code = buildErrorCode([said]);
  // Where its pods may run decides whether they ever do.
  const where = builder.driver === 'kubernetes' && options.length > 0 ? ` (driver-opts: ${options.join('; ')})` : '';
  throw new ActionError(
    code === 'BUILD_FAILED' ? 'BUILDER_UNSUITABLE' : code,
    `The builder ${builder.name}${where} does not start: \`docker buildx inspect --bootstrap\` ${ending(started)}: ${said}`,
  );
}

function problemOf(builder: Builder): string | undefined {
  const problem = builderProblem(builder);
  if (problem !== undefined) return problem;
  const old = builder.nodes.find((node) => !isAtLeast(node.buildkit, OLDEST_BUILDKIT));
  return old === undefined
    ? undefined
    : `its BuildKit is ${old.buildkit}, and ${OLDEST_BUILDKIT} is the oldest that writes attestations`;
}

function report(runtime: Runtime, builder: Builder, platforms: readonly string[]): void {
  const [node] = builder.nodes;
  const nodes = builder.nodes.length > 1 ? `, ${builder.nodes.length} nodes` : '';
  runtime.log.info(
    `Builder ${builder.name}: driver ${builder.driver}${nodes}, BuildKit ${node?.buildkit ?? 'of Docker'}.`,
  );
  const foreign = foreignPlatforms(builder, platforms);
  if (foreign.length > 0) {
    runtime.log.info(
      `It cannot run programs for ${foreign.join(', ')} itself. If a RUN step for them fails with "exec format error", add docker/setup-qemu-action before this step.`,
    );
  }
}
