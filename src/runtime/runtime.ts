import type { ErrorFacts } from '../errors/action-error.ts';

/**
 * The port to the world. Commands, clients and tool adapters reach the process environment, child processes, the clock,
 * the log, outputs and the job summary through this value only; `runtime/github.ts` implements it on a GitHub runner.
 */
export interface Runtime {
  /** The process environment as it was at the start. Never hand it whole to a child: see {@link childEnvironment}. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the job is cancelled (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /** A directory of this run alone (0700, under RUNNER_TEMP), removed by the post step. */
  readonly temp: string;
  /** The checked-out repository, or the current directory. */
  readonly workspace: string;
  /** Masks a value in every log from now on. Call it before the value is used. */
  readonly secret: (value: string) => void;
  readonly output: (name: string, value: string) => void;
  readonly summary: (markdown: string) => Promise<void>;
  readonly exec: Exec;
  readonly toolCache: ToolCache;
  /** GitHub's REST API with a token, for one repository. */
  readonly github: (
    token: string,
    place: { readonly apiUrl: string; readonly owner: string; readonly name: string },
  ) => GitHubApi;
  /** Remembered for the post step. */
  readonly state: { readonly save: (name: string, value: string) => void; readonly get: (name: string) => string };
}

export interface Clock {
  readonly now: () => Date;
  /** Rejects with the signal's reason when aborted. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export interface Log {
  readonly info: (line: string) => void;
  readonly debug: (line: string) => void;
  /** Annotations; `facts.file` and `facts.line` put them on the right line. */
  readonly notice: (message: string, title?: string, facts?: ErrorFacts) => void;
  readonly warning: (message: string, title?: string, facts?: ErrorFacts) => void;
  readonly error: (message: string, title?: string, facts?: ErrorFacts) => void;
  /** A foldable section of the log. */
  readonly group: <T>(title: string, task: () => Promise<T>) => Promise<T>;
}

export interface ExecOptions {
  /** The child's whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Given to the child's standard input, which is then closed. The place for a password. */
  readonly input?: string;
  /** Milliseconds after which the child is stopped. */
  readonly timeout?: number;
  /** Called with each whole line while the child runs; what is not given here is not printed. */
  readonly onStdout?: (line: string) => void;
  readonly onStderr?: (line: string) => void;
  /** Characters of each stream that the result keeps, of its end. Default 16 Mi. */
  readonly keep?: number;
}

export interface ExecResult {
  /** The exit code, or null when a signal ended the child. Success is exactly `exitCode === 0`. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** Bounded: the end of it, see {@link ExecOptions.keep}. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a shell and waits for it. Never rejects because of how the child ended: read the result.
 * Rejects with ActionError CANCELLED when the run is cancelled, and PROGRAM_MISSING when there is no such program.
 */
export type Exec = (command: string, args: readonly string[], options: ExecOptions) => Promise<ExecResult>;

/** The runner's tool cache. Versions are exact. */
export interface ToolCache {
  /** Directory of a cached tool, or undefined. */
  readonly find: (tool: string, version: string) => Promise<string | undefined>;
  /** Downloads to a file under the run's temp directory and returns its path. */
  readonly download: (url: string) => Promise<string>;
  readonly extractTar: (file: string) => Promise<string>;
  readonly extractZip: (file: string) => Promise<string>;
  /** Copies a directory into the cache and returns the cached directory. */
  readonly save: (directory: string, tool: string, version: string) => Promise<string>;
}

/** What is asked of GitHub's REST API. Each answers undefined when GitHub does not know or does not tell (404, 403), where nothing else is said. */
export interface GitHubApi {
  /** How `head` relates to `base`. https://docs.github.com/rest/commits/commits#compare-two-commits */
  readonly compare: (base: string, head: string) => Promise<'identical' | 'ahead' | 'behind' | 'diverged' | undefined>;
  /** The commit that a full ref (`refs/heads/main`) points at now. */
  readonly tip: (ref: string) => Promise<string | undefined>;
  readonly commitDate: (sha: string) => Promise<Date | undefined>;
  /** The repository as the webhook payload would hold it, unparsed. */
  readonly repository: () => Promise<unknown>;
  /**
   * Deployments to an environment, newest first, at most 30; those of one commit (a full id) when it is given.
   * `deployments: read`. https://docs.github.com/rest/deployments/deployments#list-deployments
   */
  readonly deployments: (ask: {
    readonly environment: string;
    readonly sha?: string;
  }) => Promise<readonly Deployment[] | undefined>;
  /**
   * Statuses of a deployment, newest first, at most 30.
   * `deployments: read`. https://docs.github.com/rest/deployments/statuses#list-deployment-statuses
   */
  readonly deploymentStatuses: (id: number) => Promise<readonly DeploymentStatus[] | undefined>;
  /**
   * Adds a status to a deployment; false when GitHub does not take it. The description is cut at 140 characters.
   * `deployments: write`. https://docs.github.com/rest/deployments/statuses#create-a-deployment-status
   */
  readonly setDeploymentStatus: (
    id: number,
    status: {
      readonly state: 'success' | 'failure' | 'inactive';
      readonly description: string;
      readonly logUrl: string;
    },
  ) => Promise<boolean>;
  /**
   * A text file of the repository, at most 1 MiB of UTF-8.
   * `contents: read`. https://docs.github.com/rest/repos/contents#get-repository-content
   *
   * @param path from the root of the repository, such as `.github/promotion.yml`
   * @param ref a commit, or the name of a branch or tag
   */
  readonly file: (path: string, ref: string) => Promise<RepositoryFile>;
  /** Names of all branches. `contents: read`. https://docs.github.com/rest/branches/branches#list-branches */
  readonly branches: () => Promise<readonly string[] | undefined>;
  /** Names of all git tags. `contents: read`. https://docs.github.com/rest/repos/repos#list-repository-tags */
  readonly gitTags: () => Promise<readonly string[] | undefined>;
  /** All pull requests by number. `pull-requests: read`. https://docs.github.com/rest/pulls/pulls#list-pull-requests */
  readonly pullRequests: () => Promise<ReadonlyMap<number, PullRequest> | undefined>;
}

export interface PullRequest {
  readonly isOpen: boolean;
  /** Milliseconds since 1970; absent while it is open. */
  readonly closedAt?: number;
}

export interface Deployment {
  readonly id: number;
  /** Full id of its commit. */
  readonly sha: string;
  readonly createdAt: Date;
}

export interface DeploymentStatus {
  /** `success`, `failure`, `error`, `inactive`, `in_progress`, `queued`, `pending`, `waiting`. */
  readonly state: string;
  readonly description: string;
  readonly createdAt: Date;
}

/**
 * `missing` is said only when the commit could be read and has nothing at the path. Everything else that is no text
 * is `unknown`: a policy that could not be read must not count as no policy.
 */
export type RepositoryFile =
  | { readonly is: 'file'; readonly text: string }
  | { readonly is: 'missing' }
  /** Why, as the part of a sentence: `it is larger than 1 MiB`. */
  | { readonly is: 'unknown'; readonly reason: string };

/** What a child process may inherit: where things are, proxies, locale. No credential is among these (P8). */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'TERM',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'XDG_RUNTIME_DIR',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'SYSTEMROOT',
  'SystemRoot',
  'COMSPEC',
  'PATHEXT',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMDATA',
  'PROGRAMFILES',
] as const;

/**
 * An environment for a child process: the inherited names above, what `also` names, and `extra`.
 * @param also names to pass on besides, for instance `DOCKER_HOST` for docker
 */
export function childEnvironment(
  env: Runtime['env'],
  also: readonly string[] = [],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...INHERITED, ...also]) {
    const value = env[name];
    if (value !== undefined) out[name] = value;
  }
  return { ...out, ...extra };
}
