import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as core from '@actions/core';
import type { getOctokit } from '@actions/github';
import { fieldsOf } from '../domain/fields.ts';
import type { ErrorFacts } from '../errors/action-error.ts';
import { createExec } from './exec.ts';
import { programPath } from './program-path.ts';
import type { Clock, GitHubApi, Log, RepositoryFile, Runtime, ToolCache } from './runtime.ts';

/** The runner's implementation of the runtime. The only file that imports @actions/*, each module on demand. */
export function createRuntime(signal: AbortSignal): Runtime {
  const runnerTemp = process.env.RUNNER_TEMP ?? tmpdir();
  mkdirSync(runnerTemp, { recursive: true });
  // mkdtemp makes the directory with mode 0700.
  const temp = core.getState('temp') || mkdtempSync(join(runnerTemp, 'registry-action-'));
  // Both variables are set on every runner; @actions/tool-cache refuses to work without them.
  process.env.RUNNER_TEMP ??= runnerTemp;
  process.env.RUNNER_TOOL_CACHE ??= join(runnerTemp, 'tool-cache');
  const workspace = resolve(process.env.GITHUB_WORKSPACE ?? process.cwd());
  cleanPath(workspace);
  return {
    env: { ...process.env },
    clock,
    log,
    signal,
    temp,
    workspace,
    secret: maskOnce(),
    output: (name, value) => core.setOutput(name, value),
    summary: async (markdown) => {
      // Outside a job there is no summary file, which is fine.
      if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(markdown, true).write();
    },
    exec: createExec(async (line, args, options) => (await import('@actions/exec')).exec(line, args, options), signal),
    toolCache: cache,
    github,
    state: { save: (name, value) => core.saveState(name, value), get: (name) => core.getState(name) },
  };
}

/** The toolkit searches the PATH of this process, and children inherit it. */
function cleanPath(workspace: string): void {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const { path, warnings } = programPath(process.env[name] ?? '', workspace);
  process.env[name] = path;
  for (const warning of warnings) core.warning(warning);
}

/** Masks each value once: tokens pass here with each request, and each mask is a line in the log. */
function maskOnce(): Runtime['secret'] {
  const masked = new Set<string>();
  return (value) => {
    if (value === '' || masked.has(value)) return;
    masked.add(value);
    core.setSecret(value);
  };
}

const clock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds, signal) => {
    // Node's timers reject with an error of their own.
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
  },
};

/**
 * The runner executes commands (`::warning::`, `##[…]`) in a step's output. Output of others (build logs, registry
 * responses) must not be able to issue any. The runner first strips white space as .NET defines it: U+0085 in addition
 * to JavaScript's. https://learn.microsoft.com/dotnet/api/system.char.iswhitespace
 */
function inert(text: string): string {
  return text.replaceAll('##[', '##\u200b[').replace(/^([\s\u0085]*)::/gm, '$1\u200b::');
}

function annotationProperties(title: string | undefined, facts: ErrorFacts | undefined): core.AnnotationProperties {
  return {
    ...(title === undefined ? {} : { title }),
    ...(facts?.file === undefined ? {} : { file: facts.file }),
    ...(facts?.line === undefined ? {} : { startLine: facts.line }),
  };
}

const log: Log = {
  info: (line) => core.info(inert(line)),
  debug: (line) => core.debug(line),
  notice: (message, title, facts) => core.notice(message, annotationProperties(title, facts)),
  warning: (message, title, facts) => core.warning(message, annotationProperties(title, facts)),
  error: (message, title, facts) => core.error(message, annotationProperties(title, facts)),
  group: (title, task) => core.group(inert(title), task),
};

const loadToolCache = () => import('@actions/tool-cache');
const cache: ToolCache = {
  find: async (tool, version) => (await loadToolCache()).find(tool, version) || undefined,
  download: async (url) => (await loadToolCache()).downloadTool(url),
  extractTar: async (file) => (await loadToolCache()).extractTar(file),
  extractZip: async (file) => (await loadToolCache()).extractZip(file),
  save: async (directory, tool, version) => (await loadToolCache()).cacheDir(directory, tool, version),
};

/** Limit for a requested file: GitHub does not return the content of larger ones in this format. */
const MAX_FILE_BYTES = 1024 * 1024;
/** https://docs.github.com/rest/deployments/statuses#create-a-deployment-status */
const MAX_DESCRIPTION_LENGTH = 140;
const MAX_LISTED = 30;
/** Page size for lists that are read completely. */
const PAGE_SIZE = 100;

const github: Runtime['github'] = (token, { apiUrl, owner, name }) => {
  let opened: Promise<ReturnType<typeof getOctokit>> | undefined;
  /** Loaded on demand: the package reads the event file while it loads, and most runs do not use GitHub's API. */
  const open = async () => {
    const octokit = (await import('@actions/github')).getOctokit(token, { baseUrl: apiUrl });
    octokit.hook.before('request', (options) => {
      options.request.signal = AbortSignal.timeout(20_000);
    });
    return octokit;
  };
  const octokit = () => {
    opened ??= open();
    return opened;
  };
  const rest = async () => (await octokit()).rest;
  const repo = { owner, repo: name };
  /** Undefined for what GitHub does not have or may not show, including not found: the caller decides. */
  const ask = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question();
    } catch (error) {
      core.debug(`GitHub's API: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  /** A file, or the list of a folder; undefined when GitHub does not return it. */
  const contentOf = async (path: string, ref: string): Promise<unknown> => {
    try {
      return (await (await rest()).repos.getContent({ ...repo, path, ref })).data;
    } catch (error) {
      return fieldsOf(error).status === 404 ? 'missing' : undefined;
    }
  };
  const api: GitHubApi = {
    compare: (base, head) =>
      ask(async () => {
        const { data } = await (await rest()).repos.compareCommitsWithBasehead({
          ...repo,
          basehead: `${base}...${head}`,
          per_page: 1,
        });
        return data.status;
      }),
    tip: (ref) =>
      ask(async () => (await (await rest()).git.getRef({ ...repo, ref: ref.replace(/^refs\//, '') })).data.object.sha),
    commitDate: (sha) =>
      ask(async () => {
        const { data } = await (await rest()).repos.getCommit({ ...repo, ref: sha, per_page: 1 });
        const date = data.commit.committer?.date;
        return date === undefined ? undefined : new Date(date);
      }),
    repository: () => ask(async () => (await (await rest()).repos.get(repo)).data),

    deployments: async ({ environment, sha }) => {
      // Without a name GitHub would list deployments to every environment.
      if (environment === '') return undefined;
      return ask(async () => {
        const commit = sha === undefined ? {} : { sha };
        const { data } = await (await rest()).repos.listDeployments({
          ...repo,
          environment,
          ...commit,
          per_page: MAX_LISTED,
        });
        return newestFirst(
          data
            // Environment names are not case sensitive. Rows that do not match the request are dropped.
            .filter((deployment) => deployment.environment.toLowerCase() === environment.toLowerCase())
            .filter((deployment) => sha === undefined || deployment.sha === sha)
            .map((deployment) => ({
              id: deployment.id,
              sha: deployment.sha,
              createdAt: new Date(deployment.created_at),
            })),
        );
      });
    },

    deploymentStatuses: (id) =>
      ask(async () => {
        const asked = { ...repo, deployment_id: id, per_page: MAX_LISTED };
        const { data } = await (await rest()).repos.listDeploymentStatuses(asked);
        return newestFirst(
          data.map((status) => ({
            id: status.id,
            state: status.state,
            description: status.description ?? '',
            createdAt: new Date(status.created_at),
          })),
        ).map(({ state, description, createdAt }) => ({ state, description, createdAt }));
      }),

    setDeploymentStatus: async (id, { state, description, logUrl }) => {
      const created = await ask(async () =>
        (await rest()).repos.createDeploymentStatus({
          ...repo,
          deployment_id: id,
          state,
          description: [...description].slice(0, MAX_DESCRIPTION_LENGTH).join(''),
          log_url: logUrl,
          // GitHub does this itself when the job succeeds. Until then earlier deployments must not look replaced.
          auto_inactive: false,
        }),
      );
      return created !== undefined;
    },

    file: async (path, ref) => {
      // An empty ref would mean the default branch, and dots would lead to another part of the API.
      const odd = [...path.split('/'), ref].find((part) => part === '' || part === '.' || part === '..');
      if (odd !== undefined) return { kind: 'unknown', reason: 'its path or its commit is not a usable name' };
      try {
        return fileOf((await (await rest()).repos.getContent({ ...repo, path, ref })).data);
      } catch (error) {
        const reason = `GitHub's API answered: ${error instanceof Error ? error.message : String(error)}`;
        core.debug(reason);
        if (fieldsOf(error).status !== 404) return { kind: 'unknown', reason };
        // GitHub also answers 404 for a missing commit and for repositories that the token may not read. Only a
        // readable commit (the same permission) proves that the file is missing.
        const commit = await ask(async () => (await rest()).repos.getCommit({ ...repo, ref, per_page: 1 }));
        if (commit === undefined) return { kind: 'unknown', reason };
        // GitHub does not resolve folders that are links or submodules.
        const folders = path.split('/').slice(0, -1);
        for (const at of folders.keys()) {
          const folder = folders.slice(0, at + 1).join('/');
          const found = await contentOf(folder, ref);
          if (found === undefined) return { kind: 'unknown', reason: `GitHub did not return what ${folder} is` };
          if (found === 'missing') break;
          if (!Array.isArray(found)) return { kind: 'unknown', reason: `${folder} is a link or a submodule` };
        }
        return { kind: 'missing' };
      }
    },

    branches: () =>
      ask(async () => {
        const { paginate, rest: at } = await octokit();
        const all = await paginate(at.repos.listBranches, { ...repo, per_page: PAGE_SIZE });
        return all.map(({ name: branch }) => branch);
      }),

    gitTags: () =>
      ask(async () => {
        const { paginate, rest: at } = await octokit();
        const all = await paginate(at.repos.listTags, { ...repo, per_page: PAGE_SIZE });
        return all.map(({ name: tag }) => tag);
      }),

    pullRequests: () =>
      ask(async () => {
        const { paginate, rest: at } = await octokit();
        const all = await paginate(at.pulls.list, { ...repo, state: 'all', per_page: PAGE_SIZE });
        return new Map(
          all.map(({ number, state, closed_at: closed }) => [
            number,
            { isOpen: state === 'open', ...(closed === null ? {} : { closedAt: Date.parse(closed) }) },
          ]),
        );
      }),
  };
  return api;
};

/** Sorted by time, and by id within the same second. */
function newestFirst<T extends { readonly id: number; readonly createdAt: Date }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.id - a.id);
}

function fileOf(data: unknown): RepositoryFile {
  const { type, encoding, content, size } = fieldsOf(data);
  // A directory is returned as a list; a submodule and a dangling link have types of their own.
  if (type !== 'file') return { kind: 'unknown', reason: 'it is not a file' };
  if (typeof size !== 'number' || size > MAX_FILE_BYTES) return { kind: 'unknown', reason: 'it is larger than 1 MiB' };
  if (encoding !== 'base64' || typeof content !== 'string')
    return { kind: 'unknown', reason: 'its content was not given' };
  const bytes = Buffer.from(content, 'base64');
  if (bytes.length !== size) return { kind: 'unknown', reason: 'its content is not whole' };
  try {
    return { kind: 'file', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { kind: 'unknown', reason: 'it is not text in UTF-8' };
  }
}
