import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { checkJsonOutput } from './json-output.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What happened, as the runner tells it to the action. */
export interface WorkflowEvent {
  /** `push`, `pull_request`, … */
  readonly name: string;
  readonly ref: string;
  readonly sha: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** `GITHUB_HEAD_REF` and `GITHUB_BASE_REF` of a pull request. */
  readonly headRef?: string;
  readonly baseRef?: string;
}

export interface ActionOptions {
  readonly inputs: Readonly<Record<string, string>>;
  /** On top of the clean environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: a fresh empty folder. */
  readonly workspace?: string;
  /** Default: a push to main of a commit that nobody has. */
  readonly event?: WorkflowEvent;
  /** `RUNNER_TEMP`; default: a fresh folder. Runs that share one share the scanner's database, as steps of a job do. */
  readonly tempDir?: string;
  /** `RUNNER_TOOL_CACHE`; default: a fresh folder. Runs that share one share the tools that they install. */
  readonly toolCache?: string;
  /** Program and arguments that start the process of each step, such as one that measures it. Default: none. */
  readonly through?: readonly string[];
  /** Called with the main step's process, to signal it or to look at it. */
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Each line of the main step's log as it comes. */
  readonly onLine?: (line: string) => void;
  /** Sends a signal once a line of the log matches, as the runner does when a job is cancelled. */
  readonly signalAfter?: { readonly line: RegExp; readonly signal: NodeJS.Signals };
  /** Milliseconds after which the step is ended. Default: 5 minutes. */
  readonly timeout?: number;
}

interface ActionAnnotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
}

export interface StepResult {
  /** null: ended by a signal. */
  readonly exitCode: number | null;
  /** What it wrote to both streams. */
  readonly log: string;
}

export interface ActionRun extends StepResult {
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly state: Readonly<Record<string, string>>;
  readonly masks: readonly string[];
  readonly annotations: readonly ActionAnnotation[];
  readonly runnerTemp: string;
  readonly workspace: string;
  /** The files that the runner reads after a step, as they were written. */
  readonly commandFiles: Readonly<Record<'output' | 'state' | 'summary' | 'env' | 'path', string>>;
  /** Runs the post step, with the state of the main step. */
  readonly post: () => Promise<StepResult>;
  readonly dispose: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** The bundle under test: `dist/index.js`, or that in the folder that `ACTION_DIST` names. */
export function actionEntry(): string {
  return join(process.env.ACTION_DIST ?? join(ROOT, 'dist'), 'index.js');
}

/**
 * Runs the built action as a runner does: a child process of its own under the Node of `action.yml`, with the inputs, the
 * files and the variables of a job, and nothing else of this process's environment but PATH.
 * The `json` output of every run is held to its schema. Never throws for a red step; use it with `await using`.
 */
export async function runAction(options: ActionOptions): Promise<ActionRun> {
  if (!process.version.startsWith('v24.'))
    throw new Error(`The action runs under Node 24, this is ${process.version}.`);
  const root = await realpath(await mkdtemp(join(tmpdir(), 'action-run-')));
  const files = {
    output: join(root, 'output'),
    state: join(root, 'state'),
    summary: join(root, 'summary'),
    env: join(root, 'env'),
    path: join(root, 'path'),
  };
  const runnerTemp = options.tempDir ?? join(root, 'temp');
  const workspace = options.workspace ?? join(root, 'workspace');
  const toolCache = options.toolCache ?? join(root, 'tools');
  for (const each of [runnerTemp, workspace, toolCache, join(root, 'home')]) await mkdir(each, { recursive: true });
  for (const each of Object.values(files)) await writeFile(each, '');
  const event = options.event ?? DEFAULT_EVENT;
  await writeFile(join(root, 'event.json'), JSON.stringify(event.payload));

  const given: Record<string, string | undefined> = {
    // The scanner that the set-up of the tests has found is there, as on a machine that has it.
    PATH: [process.env.TEST_TRIVY_DIR ?? [], process.env.PATH ?? []].flat().join(delimiter),
    HOME: join(root, 'home'),
    // The bundle is compiled once for all tests: a third of the time of a short run.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/registry-action/compiled'),
    ...(await inputVariables(options.inputs)),
    ...jobVariables(event),
    GITHUB_EVENT_PATH: join(root, 'event.json'),
    GITHUB_OUTPUT: files.output,
    GITHUB_STATE: files.state,
    GITHUB_STEP_SUMMARY: files.summary,
    GITHUB_ENV: files.env,
    GITHUB_PATH: files.path,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: runnerTemp,
    RUNNER_TOOL_CACHE: toolCache,
    ...options.env,
  };
  const env = defined(given);
  const main = await step(env, workspace, options);
  const [output, state, summary, envText, path] = await Promise.all(
    Object.values(files).map((file) => readFile(file, 'utf8')),
  );
  const commandFiles = {
    output: output ?? '',
    state: state ?? '',
    summary: summary ?? '',
    env: envText ?? '',
    path: path ?? '',
  };
  const saved = parseCommandFile(commandFiles.state);
  const outputs = parseCommandFile(commandFiles.output);
  await checkJsonOutput(outputs);
  const dispose = () => rm(root, { recursive: true, force: true, maxRetries: 3 });
  return {
    ...main,
    outputs,
    summary: commandFiles.summary,
    state: saved,
    masks: commands(main.log).flatMap(({ name, message }) => (name === 'add-mask' ? message : [])),
    annotations: commands(main.log).flatMap(annotation),
    runnerTemp,
    workspace,
    commandFiles,
    post: () => {
      const states = Object.entries(saved).map(([name, value]) => [`STATE_${name}`, value]);
      const { through = [] } = options;
      return step({ ...env, ...Object.fromEntries(states) }, workspace, { through });
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

const DEFAULT_EVENT: WorkflowEvent = {
  name: 'push',
  ref: 'refs/heads/main',
  sha: 'c'.repeat(40),
  payload: {
    ref: 'refs/heads/main',
    after: 'c'.repeat(40),
    repository: {
      name: 'app',
      full_name: 'org/app',
      owner: { login: 'org' },
      private: false,
      default_branch: 'main',
      html_url: 'https://github.com/org/app',
      description: 'An app',
      license: { spdx_id: 'MIT' },
    },
  },
};

/** `INPUT_*` as the runner names them: upper case, spaces as underscores, hyphens kept; defaults of action.yml filled in. */
async function inputVariables(inputs: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const document: unknown = parse(await readFile(join(ROOT, 'action.yml'), 'utf8'));
  const declared = isRecord(document) && isRecord(document.inputs) ? document.inputs : {};
  const defaults = Object.entries(declared).map(([name, input]): [string, string] => {
    const value = isRecord(input) && input.default !== undefined ? String(input.default) : '';
    // An expression is the runner's to fill in; the only one is the job's token, which a test has not.
    return [name, value.includes('${{') ? '' : value];
  });
  const all = { ...Object.fromEntries(defaults), ...inputs };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

function jobVariables(event: WorkflowEvent): Record<string, string> {
  const [, kind, name = event.ref] = /^refs\/(heads|tags|pull)\/(.+)$/.exec(event.ref) ?? [];
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: 'publish',
    GITHUB_ACTOR: 'dev',
    GITHUB_API_URL: CLOSED_PORT,
    GITHUB_EVENT_NAME: event.name,
    GITHUB_JOB: 'publish',
    GITHUB_REF: event.ref,
    GITHUB_REF_NAME: name,
    GITHUB_REF_TYPE: kind === 'tags' ? 'tag' : 'branch',
    GITHUB_HEAD_REF: event.headRef ?? '',
    GITHUB_BASE_REF: event.baseRef ?? '',
    GITHUB_REPOSITORY: 'org/app',
    GITHUB_REPOSITORY_OWNER: 'org',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '4242',
    GITHUB_RUN_NUMBER: '7',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: event.sha,
    GITHUB_WORKFLOW: 'publish',
    RUNNER_ARCH: 'X64',
    RUNNER_NAME: 'test',
    RUNNER_OS: 'Linux',
  };
}

/** Nothing listens there: a test that wants GitHub's API brings one. */
const CLOSED_PORT = 'http://127.0.0.1:9';

function step(
  env: NodeJS.ProcessEnv,
  workspace: string,
  hooks: Pick<ActionOptions, 'through' | 'onSpawn' | 'onLine' | 'signalAfter' | 'timeout'>,
): Promise<StepResult> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = [...(hooks.through ?? []), process.execPath, actionEntry()];
    const child = spawn(program, args, { cwd: workspace, env, stdio: ['ignore', 'pipe', 'pipe'] });
    hooks.onSpawn?.(child);
    let log = '';
    let signalled = false;
    const read = lineReader((line) => {
      hooks.onLine?.(line);
      if (signalled || hooks.signalAfter?.line.test(line) !== true) return;
      signalled = true;
      child.kill(hooks.signalAfter.signal);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        read(text);
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), hooks.timeout ?? 300_000);
    child.once('error', reject);
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, log });
    });
  });
}

function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

/**
 * Parses what a step wrote to `GITHUB_OUTPUT` or `GITHUB_STATE`: `name=value` lines, or heredocs of several lines.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
 */
function parseCommandFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '') continue;
    const [, name, delimiterWord] = /^([^=]*?)<<(.+)$/.exec(line) ?? [];
    if (name === undefined || delimiterWord === undefined) {
      const equals = line.indexOf('=');
      if (equals < 1) throw new Error(`The runner cannot read this line of a command file: ${line}`);
      values[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    const end = lines.indexOf(delimiterWord, at + 1);
    if (end === -1) throw new Error(`The value of ${name} in a command file has no end.`);
    values[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return values;
}

interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** The workflow commands in a log: `::name key=value,…::message`, percent-encoded. */
function commands(log: string): readonly WorkflowCommand[] {
  return log.split(/\r?\n/).flatMap((line) => {
    const [, name, list = '', message] = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/.exec(line) ?? [];
    if (name === undefined || message === undefined) return [];
    const pairs = list.split(',').flatMap((pair) => {
      const equals = pair.indexOf('=');
      return equals < 1 ? [] : [[pair.slice(0, equals), decoded(pair.slice(equals + 1))]];
    });
    return [{ name, properties: Object.fromEntries(pairs), message: decoded(message) }];
  });
}

function decoded(text: string): string {
  return text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}

function annotation({ name, properties, message }: WorkflowCommand): readonly ActionAnnotation[] {
  if (name !== 'error' && name !== 'warning' && name !== 'notice') return [];
  const { title, file, line } = properties;
  return [
    {
      level: name,
      message,
      ...(title === undefined ? {} : { title }),
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line: Number(line) }),
    },
  ];
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
