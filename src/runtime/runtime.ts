import type { ErrorFacts } from '../errors/action-error.ts';

/**
 * The port to the outside world. Commands, clients and tool adapters access the process environment, child processes,
 * the clock, the log, outputs and the job summary only through this value; `runtime/github.ts` implements it on a
 * GitHub runner.
 */
export interface Runtime {
  /** The initial process environment. Never pass it to a child as a whole: see {@link childEnvironment}. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the job is cancelled (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /** A private directory of this run (0700, under RUNNER_TEMP), removed by the post step. */
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
    repository: { readonly apiUrl: string; readonly owner: string; readonly name: string },
  ) => GitHubApi;
  /** State for the post step. */
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
  /** Annotations; `facts.file` and `facts.line` set their position. */
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
  /** Passed on standard input, which is then closed. Use this for passwords. */
  readonly input?: string;
  /** Milliseconds after which the child is stopped. */
  readonly timeout?: number;
  /** Called with each complete line while the child runs; other output is not printed. */
  readonly onStdout?: (line: string) => void;
  readonly onStderr?: (line: string) => void;
  /** Characters to keep from the end of each stream. Default 16 Mi. */
  readonly keep?: number;
}

export interface ExecResult {
  /** The exit code, or null when a signal ended the child. Success is exactly `exitCode === 0`. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** The end of the output, see {@link ExecOptions.keep}. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a shell and waits for it. Never rejects because of the exit status: check the result. Rejects
 * with ActionError CANCELLED when the run is cancelled, and PROGRAM_MISSING when the program does not exist.
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

/**
 * Requests to GitHub's REST API. Unless stated otherwise, undefined means that GitHub does not have it or may not show
 * it (404, 403).
 */
export interface GitHubApi {
  /** How `head` relates to `base`. https://docs.github.com/rest/commits/commits#compare-two-commits */
  readonly compare: (base: string, head: string) => Promise<'identical' | 'ahead' | 'behind' | 'diverged' | undefined>;
  /** The commit that a full ref (`refs/heads/main`) points to now. */
  readonly tip: (ref: string) => Promise<string | undefined>;
  readonly commitDate: (sha: string) => Promise<Date | undefined>;
  /** The repository as in a webhook payload, unparsed. */
  readonly repository: () => Promise<unknown>;
  /**
   * Deployments to an environment, newest first, at most 30; only those of one commit (a full id) if given.
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
   * Adds a status to a deployment; false when GitHub rejects it. The description is cut at 140 characters.
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

interface PullRequest {
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
 * `missing` only if the commit is readable and has nothing at the path. Anything else that is not a text file is
 * `unknown`: an unreadable policy must not count as no policy.
 */
export type RepositoryFile =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'missing' }
  /** The reason, as part of a sentence: `it is larger than 1 MiB`. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Variables that a child process may inherit: paths, proxies, locale. None is a credential (P8). */
const INHERITED_VARIABLES = [
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
 * An environment for a child process: the inherited variables above, those in `also`, and `extra`.
 * @param also names of additional variables, for instance `DOCKER_HOST` for docker
 */
export function childEnvironment(
  env: Runtime['env'],
  also: readonly string[] = [],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...INHERITED_VARIABLES, ...also]) {
    const value = env[name];
    if (value !== undefined) out[name] = value;
  }
  return { ...out, ...extra };
}
