import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildArguments } from '../../domain/build-arguments.ts';
import {
  type BuildRequest,
  expandContexts,
  gatedInputs,
  provenanceAttributes,
  sbomAttributes,
  secretLookingArgs,
} from '../../domain/build-request.ts';
import { withoutCacheCredentials } from '../../domain/cache-credentials.ts';
import { type Digest, isDigest } from '../../domain/digest.ts';
import type { GitEvent } from '../../domain/event.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ExecResult, Runtime } from '../../runtime/runtime.ts';
import { type DockerFacts, ending, isAtLeast, runDocker } from './docker.ts';
import { buildEnvironment } from './docker-environment.ts';
import { buildErrorCode, buildHint, failureLine, failureText } from './errors.ts';
import { checkPaths } from './paths.ts';
import { type BuildSecrets, placeSecrets } from './secrets.ts';

export interface BuildPlan {
  readonly request: BuildRequest;
  readonly event: GitEvent;
  readonly docker: DockerFacts;
  /** Name of the builder. */
  readonly builder: string;
  /** `DOCKER_CONFIG` and `BUILDX_CONFIG`, where they are not the user's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** For a git context on the host of the event's server. */
  readonly githubToken?: string | undefined;
}

export interface BuildResult {
  /** A fresh OCI layout. `readLayout(directory, { digest })` checks that it contains what buildx reported. */
  readonly directory: string;
  readonly digest: Digest;
  /** Buildx's metadata about the build, as JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

const MAX_KEPT_LINES = 200;
const MAX_METADATA_BYTES = 64 * 1024 * 1024;

/**
 * Builds an image for all platforms, with its attestations, into an OCI layout in the run's temp directory. Streams the
 * output of buildx to the log; the caller opens the log group.
 * @throws ActionError BUILDX_TOO_OLD, INPUT_INVALID, BUILD_FAILED with the failing step, BUILD_NO_SPACE, PULL_LIMIT,
 * TOO_MANY_REQUESTS, UNAUTHORIZED or DENIED for base images, BUILDER_UNSUITABLE, CANCELLED
 */
export async function build(runtime: Runtime, plan: BuildPlan): Promise<BuildResult> {
  const { event, docker, builder, environment, githubToken } = plan;
  const { variables, conflict: _, ...caches } = withoutCacheCredentials(plan.request);
  const request = { ...expandContexts(plan.request, event), ...caches };
  checkVersion(runtime, request, docker);
  const dockerfile = await checkPaths(runtime, request);
  warnAboutArguments(runtime, request);

  const directory = await mkdtemp(join(runtime.temp, 'build-'));
  const layout = join(directory, 'image');
  const metadataFile = join(directory, 'metadata.json');
  const secrets = await placeSecrets(runtime, request, { token: githubToken, serverUrl: event.serverUrl });
  try {
    const args = buildArguments(request, {
      builder,
      directory: layout,
      metadataFile,
      secrets: secrets.arguments,
      provenance: provenanceAttributes(request.provenance, event),
      sbom: sbomAttributes(request.sbom),
    });
    const output = createOutput(runtime, secrets);
    const env = buildEnvironment(runtime.env, request, { ...environment, ...variables });
    const result = await runDocker(runtime, env, args, undefined, output.line);
    if (result.exitCode !== 0) throw buildError(result, output.last(), dockerfile);
  } finally {
    await secrets.dispose();
  }
  const metadata = await readMetadata(metadataFile);
  const digest = metadata['containerimage.digest'];
  if (!isDigest(digest)) {
    throw new ActionError('BUILD_FAILED', 'docker buildx build ended well and reported no digest of the image.');
  }
  runtime.log.info(`Built ${digest}.`);
  return { directory: layout, digest, metadata };
}

/** Rejects options that an old buildx would silently ignore. */
function checkVersion(runtime: Runtime, request: BuildRequest, { buildx }: DockerFacts): void {
  const cacheServiceV2 = /^(?:1|true)$/i.test(runtime.env.ACTIONS_CACHE_SERVICE_V2 ?? '');
  const gated = gatedInputs(request, { cacheServiceV2 }, (wanted) => isAtLeast(buildx, wanted));
  if (gated.length === 0) return;
  const needs = gated.map(({ input, buildx: version }) => `${input} needs ${version}`).join('; ');
  throw new ActionError('BUILDX_TOO_OLD', `buildx is ${buildx}: ${needs}.`);
}

function warnAboutArguments(runtime: Runtime, { buildArgs }: BuildRequest): void {
  const names = secretLookingArgs(buildArgs);
  if (names.length === 0) return;
  runtime.log.warning(
    `\`build-args\` contains ${names.join(', ')}. Build arguments stay visible in the history of the image, and with \`mode=max\` in its provenance. Use \`secrets\` or \`secret-envs\` for what must not be seen.`,
  );
}

/**
 * When several platforms share a layer, each writes it into the layout; all but one find it locked, wait and continue.
 * The client logs each wait as an error, although the build is not affected. Writing a tar instead would be quiet, but
 * takes two to three times as long with the docker driver (8.4 s instead of 3.1 s, two platforms sharing 500 MiB) and
 * has to be unpacked afterwards. So exactly these lines are hidden from the log, except with debug logging.
 */
const LOCK_WAIT = /\(\*service\)\.Write failed\b.*\bcode = Unavailable desc = ref \S+ locked for \S+ \(since /;

function createOutput(runtime: Runtime, secrets: BuildSecrets) {
  const kept: string[] = [];
  return {
    line: (raw: string) => {
      const line = secrets.redact(raw);
      if (LOCK_WAIT.test(line)) {
        runtime.log.debug(line);
        return;
      }
      kept.push(line);
      if (kept.length > MAX_KEPT_LINES) kept.shift();
      // Build output must not be interpreted as commands by the runner.
      runtime.log.info(/^[\s\u0085]*(?:::|##\[)/.test(line) ? `| ${line}` : line);
    },
    last: (): readonly string[] => kept,
  };
}

function buildError(result: ExecResult, lines: readonly string[], file: string | undefined): ActionError {
  const hint = buildHint(lines);
  const line = failureLine(lines);
  const text = `docker buildx build ${ending(result)}: ${failureText(lines)}${hint === undefined ? '' : `\n${hint}`}`;
  const facts = file === undefined || line === undefined ? {} : { file, line };
  return new ActionError(buildErrorCode(lines), text, { facts });
}

async function readMetadata(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { size } = await stat(file);
    if (size > MAX_METADATA_BYTES) throw new RangeError(`${size} bytes`);
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null) return Object.fromEntries(Object.entries(parsed));
    throw new TypeError('it is no object');
  } catch (error) {
    throw new ActionError(
      'BUILD_FAILED',
      `The metadata that buildx wrote to ${file} cannot be read: ${String(error)}.`,
      {
        cause: error,
      },
    );
  }
}
