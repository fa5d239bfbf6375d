import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ActionError, type ErrorFacts } from '../../src/errors/action-error.ts';
import type { Clock, Exec, ExecOptions, ExecResult, GitHubApi, Runtime, ToolCache } from '../../src/runtime/runtime.ts';

interface Annotation {
  readonly message: string;
  readonly title?: string;
  readonly facts?: ErrorFacts;
}

/** What a piece of code under test said to the world, in order. */
interface Recorded {
  /** Every line that would be seen in the log: info lines, group titles, annotations. Debug lines are apart. */
  readonly lines: string[];
  readonly debug: string[];
  readonly notices: Annotation[];
  readonly warnings: Annotation[];
  readonly errors: Annotation[];
  readonly groups: string[];
  readonly outputs: Record<string, string>;
  readonly summaries: string[];
  readonly masks: string[];
  readonly state: Record<string, string>;
  /** Each child that was started: program, arguments and environment, to look for secrets in. */
  readonly commands: { readonly command: string; readonly args: readonly string[]; readonly options: ExecOptions }[];
}

export interface TestRuntimeOptions {
  /** The whole environment; default: PATH and HOME of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: a fresh folder, removed by `dispose`. */
  readonly temp?: string;
  /** Default: a fresh empty folder, removed by `dispose`. */
  readonly workspace?: string;
  /** Default: the real clock. See {@link createTestClock}. */
  readonly clock?: Clock;
  /** Default: real child processes. */
  readonly exec?: Exec;
  /** Answers of GitHub's API; what is left out answers undefined. */
  readonly github?: Partial<GitHubApi>;
}

export interface TestRuntime extends Runtime {
  readonly recorded: Recorded;
  /** Cancels the run as a signal to the job would. */
  readonly cancel: () => void;
  readonly dispose: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * A Runtime for tests: real child processes and files, everything said is recorded. Use it with
 * `await using runtime = await createTestRuntime()`, or call `dispose` in `afterEach`.
 */
export async function createTestRuntime(options: TestRuntimeOptions = {}): Promise<TestRuntime> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'registry-action-test-')));
  const temp = options.temp ?? join(root, 'temp');
  const workspace = options.workspace ?? join(root, 'workspace');
  await mkdir(temp, { recursive: true, mode: 0o700 });
  await mkdir(workspace, { recursive: true });

  const recorded: Recorded = {
    lines: [],
    debug: [],
    notices: [],
    warnings: [],
    errors: [],
    groups: [],
    outputs: {},
    summaries: [],
    masks: [],
    state: {},
    commands: [],
  };
  const cancellation = new AbortController();
  const annotate = (list: Annotation[], kind: string) => (message: string, title?: string, facts?: ErrorFacts) => {
    list.push({ message, ...(title === undefined ? {} : { title }), ...(facts === undefined ? {} : { facts }) });
    recorded.lines.push(`${kind}: ${title === undefined ? '' : `${title}: `}${message}`);
  };
  const exec = options.exec ?? createTestExec(cancellation.signal);
  const dispose = () => rm(root, { recursive: true, force: true });

  return {
    env: options.env ?? { PATH: process.env.PATH, HOME: process.env.HOME },
    clock: options.clock ?? {
      now: () => new Date(),
      sleep: async (milliseconds, signal) => {
        await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
      },
    },
    log: {
      info: (line) => void recorded.lines.push(line),
      debug: (line) => void recorded.debug.push(line),
      notice: annotate(recorded.notices, 'notice'),
      warning: annotate(recorded.warnings, 'warning'),
      error: annotate(recorded.errors, 'error'),
      group: async (title, task) => {
        recorded.groups.push(title);
        recorded.lines.push(title);
        return task();
      },
    },
    signal: cancellation.signal,
    temp,
    workspace,
    secret: (value) => void recorded.masks.push(value),
    output: (name, value) => {
      recorded.outputs[name] = value;
    },
    summary: async (markdown) => void recorded.summaries.push(markdown),
    exec: (command, args, execOptions) => {
      recorded.commands.push({ command, args, options: execOptions });
      return exec(command, args, execOptions);
    },
    toolCache: createTestToolCache(join(root, 'tools')),
    github: () => ({
      compare: async () => undefined,
      tip: async () => undefined,
      commitDate: async () => undefined,
      repository: async () => undefined,
      deployments: async () => undefined,
      deploymentStatuses: async () => undefined,
      setDeploymentStatus: async () => false,
      file: async () => ({ kind: 'unknown', reason: 'there is no GitHub here' }),
      branches: async () => undefined,
      gitTags: async () => undefined,
      pullRequests: async () => undefined,
      ...options.github,
    }),
    state: {
      save: (name, value) => {
        recorded.state[name] = value;
      },
      get: (name) => recorded.state[name] ?? '',
    },
    recorded,
    cancel: () => cancellation.abort(new ActionError('CANCELLED', 'the run was cancelled')),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** A clock whose `sleep` takes no time but moves `now`; `sleeps` holds the milliseconds asked for. */
export function createTestClock(start = '2026-01-02T03:04:05Z'): Clock & { readonly sleeps: number[] } {
  let now = new Date(start).getTime();
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => new Date(now),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
      now += milliseconds;
    },
  };
}

/** Real child processes, by the contract of {@link Exec}. The grace between SIGTERM and SIGKILL is one second. */
function createTestExec(cancelled: AbortSignal): Exec {
  return async (command, args, options) => {
    cancelled.throwIfAborted();
    const result = await new Promise<ExecResult>((resolve, reject) => {
      const child = spawn(command, [...args], {
        env: { ...options.env },
        stdio: 'pipe',
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
      let timedOut = false;
      let killer: NodeJS.Timeout | undefined;
      const stop = () => {
        child.kill('SIGTERM');
        killer ??= setTimeout(() => child.kill('SIGKILL'), 1000);
      };
      const limit = () => {
        timedOut = true;
        stop();
      };
      const timer = options.timeout === undefined ? undefined : setTimeout(limit, options.timeout);
      cancelled.addEventListener('abort', stop, { once: true });
      const stdout = collectLines(options.onStdout);
      const stderr = collectLines(options.onStderr);
      child.stdout.setEncoding('utf8').on('data', stdout.take);
      child.stderr.setEncoding('utf8').on('data', stderr.take);
      child.stdin.on('error', () => undefined).end(options.input ?? '');
      const settle = () => {
        clearTimeout(timer);
        clearTimeout(killer);
        cancelled.removeEventListener('abort', stop);
      };
      child.once('error', (error) => {
        settle();
        reject(
          new ActionError('PROGRAM_MISSING', `"${command}" cannot be started: ${error.message}`, { cause: error }),
        );
      });
      child.once('close', (exitCode, signal) => {
        settle();
        resolve({ exitCode, signal, timedOut, stdout: stdout.end(), stderr: stderr.end() });
      });
    });
    cancelled.throwIfAborted();
    return result;
  };
}

function collectLines(onLine: ((line: string) => void) | undefined) {
  let text = '';
  let pending = '';
  return {
    take: (piece: string) => {
      text += piece;
      const lines = (pending + piece).split(/\r?\n/);
      pending = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    },
    end: () => {
      if (pending !== '') onLine?.(pending);
      return text;
    },
  };
}

/** A tool cache in a folder; downloads are real requests, so serve them on loopback. */
function createTestToolCache(root: string): ToolCache {
  let count = 0;
  const fresh = async () => {
    count += 1;
    const path = join(root, `work-${count}`);
    await mkdir(dirname(path), { recursive: true });
    return path;
  };
  const unpack = async (program: string, args: (directory: string) => readonly string[]) => {
    const directory = await fresh();
    await mkdir(directory);
    const never = new AbortController().signal;
    const result = await createTestExec(never)(program, args(directory), { env: { PATH: process.env.PATH ?? '' } });
    if (result.exitCode !== 0) throw new Error(`${program}: ${result.stderr}`);
    return directory;
  };
  const place = (tool: string, version: string) => join(root, 'cache', tool, version);
  // The real one keeps what it found in memory; a list is enough here.
  const saved = new Set<string>();
  return {
    find: async (tool, version) => (saved.has(place(tool, version)) ? place(tool, version) : undefined),
    download: async (url) => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`Unexpected HTTP response: ${answer.status}`);
      const file = await fresh();
      await writeFile(file, new Uint8Array(await answer.arrayBuffer()));
      return file;
    },
    extractTar: (file) => unpack('tar', (directory) => ['-xzf', file, '-C', directory]),
    extractZip: (file) => unpack('unzip', (directory) => ['-q', file, '-d', directory]),
    save: async (directory, tool, version) => {
      const target = place(tool, version);
      await cp(directory, target, { recursive: true });
      saved.add(target);
      return target;
    },
  };
}

/** Whether a text occurs in any file below a folder: for looking for a canary that must not be left behind. */
export async function holdsText(directory: string, text: string): Promise<boolean> {
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    if ((await stat(path)).isFile() && (await readFile(path)).includes(text)) return true;
  }
  return false;
}
