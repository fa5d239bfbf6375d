import coerce from 'semver/functions/coerce.js';
import gte from 'semver/functions/gte.js';
import { ActionError } from '../../errors/action-error.ts';
import type { ExecResult, Runtime } from '../../runtime/runtime.ts';

/** What there is to build with. */
export interface DockerFacts {
  /** Of the daemon. */
  readonly docker: string;
  /** As buildx says it. */
  readonly buildx: string;
}

/** A builder as `docker buildx inspect` shows it. */
export interface Builder {
  readonly name: string;
  /** `docker`, `docker-container`, `kubernetes`, `remote`, `cloud`; empty when the builder cannot be reached. */
  readonly driver: string;
  readonly nodes: readonly BuilderNode[];
  /** Why the builder cannot be looked at. */
  readonly error?: string;
}

export interface BuilderNode {
  readonly name: string;
  /** `running`, `inactive`, … */
  readonly status: string;
  /** Version of BuildKit, when it runs and tells. */
  readonly buildkit?: string;
  readonly platforms: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly error?: string;
}

const SECONDS = 1000;

/**
 * Looks for docker, its daemon and buildx.
 * @param env the whole environment of the child
 * @throws ActionError DOCKER_MISSING, DAEMON_UNREACHABLE, BUILDX_MISSING
 */
export async function inspectDocker(runtime: Runtime, env: Readonly<Record<string, string>>): Promise<DockerFacts> {
  const version = await runDocker(runtime, env, ['version', '--format', '{{json .Server.Version}}'], 60 * SECONDS);
  const docker = /^"([^"]+)"$/m.exec(version.stdout)?.[1];
  if (version.exitCode !== 0 || docker === undefined) {
    throw new ActionError('DAEMON_UNREACHABLE', `\`docker version\` ${ending(version)}: ${lastWords(version)}`);
  }
  const buildx = await runDocker(runtime, env, ['buildx', 'version'], 30 * SECONDS);
  if (buildx.exitCode !== 0) {
    throw new ActionError('BUILDX_MISSING', `\`docker buildx version\` ${ending(buildx)}: ${lastWords(buildx)}`);
  }
  const [, found = buildx.stdout.trim()] = buildx.stdout.trim().split(/\s+/);
  return { docker, buildx: found };
}

/**
 * Looks at a builder, without starting it.
 * @param name empty: the current one
 * @returns undefined when there is no such builder
 */
export async function inspectBuilder(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  name: string,
): Promise<Builder | undefined> {
  const result = await runDocker(runtime, env, ['buildx', 'inspect', ...(name === '' ? [] : [name])], 60 * SECONDS);
  const builder = parseBuilder(result.stdout);
  if (builder !== undefined) return builder;
  runtime.log.debug(`docker buildx inspect ${name} ${ending(result)}: ${lastWords(result)}`);
  return undefined;
}

/** Parses the text of `docker buildx inspect`, which is the same since its first versions. Pure. */
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

/** The lines of the builder itself, then those of each node: a node begins with its name, after the line `Nodes:`. */
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
 * Whether a program is at least of a version. One that does not say its version, as builds from source do, is taken to be
 * new: the builder in some distributions of Docker is `v0.0.0+unknown`.
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

/** The last lines that a child wrote, for a message. */
export function lastWords({ stderr, stdout }: ExecResult): string {
  const text = stderr.trim() || stdout.trim() || 'it wrote nothing';
  return text.split(/\r?\n/).slice(-5).join(' ').slice(-600);
}
