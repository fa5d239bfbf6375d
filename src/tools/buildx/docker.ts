import coerce from 'semver/functions/coerce.js';
import gte from 'semver/functions/gte.js';
import { ActionError } from '../../errors/action-error.ts';
import type { ExecResult, Runtime } from '../../runtime/runtime.ts';

/** The available build tools. */
export interface DockerFacts {
  /** Version of the daemon; empty without one. */
  readonly docker: string;
  /** Version as reported by buildx. */
  readonly buildx: string;
}

/** A builder as `docker buildx inspect` shows it. */
export interface Builder {
  readonly name: string;
  /** `docker`, `docker-container`, `kubernetes`, `remote`, `cloud`; empty when the builder cannot be reached. */
  readonly driver: string;
  readonly nodes: readonly BuilderNode[];
  /** Why the builder cannot be inspected. */
  readonly error?: string;
}

interface BuilderNode {
  readonly name: string;
  /** `running`, `inactive`, … */
  readonly status: string;
  /** Version of BuildKit, when it runs and reports one. */
  readonly buildkit?: string;
  readonly platforms: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly error?: string;
}

const SECOND_MS = 1000;

/**
 * Detects docker, its daemon and buildx.
 * @param env the whole environment of the child
 * @param needsEngine false: the build is done elsewhere, and the command alone is enough
 * @throws ActionError DOCKER_MISSING, DAEMON_UNREACHABLE, BUILDX_MISSING
 */
export async function inspectDocker(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  needsEngine = true,
): Promise<DockerFacts> {
  const version = await runDocker(runtime, env, ['version', '--format', '{{json .Server.Version}}'], 60 * SECOND_MS);
  const docker = /^"([^"]+)"$/m.exec(version.stdout)?.[1];
  if (needsEngine && (version.exitCode !== 0 || docker === undefined)) {
    throw new ActionError('DAEMON_UNREACHABLE', `\`docker version\` ${ending(version)}: ${lastWords(version)}`);
  }
  const buildx = await runDocker(runtime, env, ['buildx', 'version'], 30 * SECOND_MS);
  if (buildx.exitCode !== 0) {
    throw new ActionError('BUILDX_MISSING', `\`docker buildx version\` ${ending(buildx)}: ${lastWords(buildx)}`);
  }
  const [, found = buildx.stdout.trim()] = buildx.stdout.trim().split(/\s+/);
  return { docker: docker ?? '', buildx: found };
}

/**
 * Inspects a builder without starting it.
 * @param name empty: the current one
 * @returns undefined when the builder does not exist
 */
export async function inspectBuilder(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  name: string,
): Promise<Builder | undefined> {
  const result = await runDocker(runtime, env, ['buildx', 'inspect', ...(name === '' ? [] : [name])], 60 * SECOND_MS);
  const builder = parseBuilder(result.stdout);
  if (builder !== undefined) return builder;
  runtime.log.debug(`docker buildx inspect ${name} ${ending(result)}: ${lastWords(result)}`);
  return undefined;
}

/** Parses the text of `docker buildx inspect`, whose format has not changed since its first versions. Pure. */
export function parseBuilder(text: string): Builder | undefined {
  const [head = [], ...sections] = splitSections(text);
  const top = fieldsOf(head);
  const name = top.get('name');
  if (name === undefined || name === '') return undefined;
  const error = top.get('error');
  return {
    name,
    driver: top.get('driver') ?? '',
    nodes: sections.map(parseNode),
    ...(error === undefined ? {} : { error }),
  };
}

/** The lines of the builder itself, then those of each node: a node starts with its name, after the line `Nodes:`. */
function splitSections(text: string): string[][] {
  const sections: string[][] = [[]];
  let inNodes = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === 'Nodes:') inNodes = true;
    else if (inNodes && line.startsWith('Name:')) sections.push([line]);
    else sections.at(-1)?.push(line);
  }
  return sections;
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, key, value] = /^([A-Za-z][A-Za-z ]*?):\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key.toLowerCase(), value.trim());
  }
  return fields;
}

function parseNode(lines: readonly string[]): BuilderNode {
  const fields = fieldsOf(lines);
  // "Buildkit:" until buildx 0.13, "BuildKit version:" since.
  const buildkit = fields.get('buildkit version') ?? fields.get('buildkit');
  const error = fields.get('error');
  const labels = lines.flatMap((line): [string, string][] => {
    const [, key, value] = /^ ([\w.-]+):\s+(.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  return {
    name: fields.get('name') ?? '',
    status: fields.get('status') ?? '',
    platforms: (fields.get('platforms') ?? '').split(',').flatMap((each) => each.trim().replace(/\*$/, '') || []),
    labels: Object.fromEntries(labels),
    ...(buildkit === undefined ? {} : { buildkit }),
    ...(error === undefined ? {} : { error }),
  };
}

/**
 * Whether a program has at least a given version. One without a version, such as a build from source, counts as new:
 * some distributions of Docker have a builder `v0.0.0+unknown`.
 */
export function isAtLeast(found: string | undefined, wanted: string): boolean {
  const version = coerce(found);
  return version === null || version.version === '0.0.0' || gte(version, wanted);
}

/** Runs docker. @throws ActionError DOCKER_MISSING */
export async function runDocker(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  timeout?: number,
  onLine?: (line: string) => void,
): Promise<ExecResult> {
  const listeners = onLine === undefined ? {} : { onStdout: onLine, onStderr: onLine };
  try {
    return await runtime.exec('docker', args, {
      env,
      cwd: runtime.workspace,
      ...(timeout === undefined ? {} : { timeout }),
      ...listeners,
    });
  } catch (error) {
    if (error instanceof ActionError && error.code === 'PROGRAM_MISSING') {
      throw new ActionError('DOCKER_MISSING', `There is no \`docker\` on PATH (${env.PATH ?? 'PATH is empty'}).`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** How a child ended, as the verb of a sentence. */
export function ending({ exitCode, signal, timedOut }: ExecResult): string {
  if (timedOut) return 'did not finish in time';
  return exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`;
}

/** The last lines of a child's output, for a message. */
export function lastWords({ stderr, stdout }: ExecResult): string {
  const text = stderr.trim() || stdout.trim() || 'it wrote nothing';
  return text.split(/\r?\n/).slice(-5).join(' ').slice(-600);
}
