import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { StringDecoder } from 'node:string_decoder';
import { ActionError } from '../errors/action-error.ts';
import type { Exec, ExecOptions, ExecResult } from './runtime.ts';

/** The part of @actions/exec that is used here. */
export type ToolkitExec = (
  commandLine: string,
  args: string[],
  options: {
    silent: boolean;
    ignoreReturnCode: boolean;
    env: Record<string, string>;
    cwd?: string;
    input: Buffer;
    listeners: { stdout: (data: Buffer) => void; stderr: (data: Buffer) => void };
  },
) => Promise<number | null>;

const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024;
const KILL_DELAY_MS = 5_000;

// @actions/exec neither reports the signal that ended a child nor can it stop one. Node announces each new child on
// this channel, in the caller's async context, so that each call gets its own child.
const spawning = new AsyncLocalStorage<(child: ChildProcess) => void>();
let subscribed = false;

function subscribeOnce(): void {
  if (subscribed) return;
  subscribed = true;
  subscribe('child_process', (message) => {
    const child: unknown = typeof message === 'object' && message !== null && 'process' in message && message.process;
    if (isChild(child)) spawning.getStore()?.(child);
  });
}

function isChild(value: unknown): value is ChildProcess {
  return typeof value === 'object' && value !== null && 'kill' in value && 'once' in value;
}

/** Collects a stream: complete lines for a listener, and the last 16 MiB for the result. */
function collector(onLine: ((line: string) => void) | undefined, keep = MAX_KEPT_CHARACTERS) {
  const decoder = new StringDecoder('utf8');
  let text = '';
  let pending = '';
  const append = (piece: string) => {
    text += piece;
    // Truncated now and then: each time copies everything that is kept.
    if (text.length > 2 * keep) text = text.slice(-keep);
    if (onLine === undefined) return;
    const lines = (pending + piece).split(/\r?\n/);
    pending = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
  return {
    push: (data: Buffer) => append(decoder.write(data)),
    end: (): string => {
      append(decoder.end());
      if (pending !== '') onLine?.(pending);
      return text.slice(-keep);
    },
  };
}

/**
 * {@link Exec} on top of @actions/exec (which finds programs and quotes arguments on every OS), with the child's exit
 * signal, a time limit, and cancellation: SIGTERM first, SIGKILL five seconds later, within the runner's limit of 7.5
 * seconds.
 */
export function createExec(toolkit: ToolkitExec, cancelled: AbortSignal): Exec {
  return async (command: string, args: readonly string[], options: ExecOptions): Promise<ExecResult> => {
    cancelled.throwIfAborted();
    subscribeOnce();
    const stdout = collector(options.onStdout, options.keep);
    const stderr = collector(options.onStderr, options.keep);
    let child: ChildProcess | undefined;
    let signal: string | null = null;
    let timedOut = false;
    let killer: NodeJS.Timeout | undefined;

    const stop = () => {
      child?.kill('SIGTERM');
      killer ??= setTimeout(() => child?.kill('SIGKILL'), KILL_DELAY_MS);
    };
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            stop();
          }, options.timeout);
    cancelled.addEventListener('abort', stop, { once: true });

    try {
      const exitCode = await spawning.run(
        (started) => {
          if (child !== undefined) return;
          child = started;
          // A child that exits without reading its input breaks the pipe; its exit code is what counts.
          started.once('spawn', () => started.stdin?.on('error', () => undefined));
          started.once('exit', (_code, by) => {
            signal = by;
          });
        },
        () =>
          toolkit(`"${command}"`, [...args], {
            silent: true,
            ignoreReturnCode: true,
            env: { ...options.env },
            ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
            // An empty buffer closes the input; without one the child would wait forever.
            input: Buffer.from(options.input ?? ''),
            listeners: { stdout: stdout.push, stderr: stderr.push },
          }),
      );
      cancelled.throwIfAborted();
      return {
        exitCode: signal === null ? exitCode : null,
        signal,
        timedOut,
        stdout: stdout.end(),
        stderr: stderr.end(),
      };
    } catch (error) {
      cancelled.throwIfAborted();
      throw new ActionError('PROGRAM_MISSING', `"${command}" cannot be started: ${messageOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
      clearTimeout(killer);
      cancelled.removeEventListener('abort', stop);
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('. ', 1)[0] ?? error.message) : String(error);
}
