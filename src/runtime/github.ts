import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as core from '@actions/core';
import { exec } from '@actions/exec';
import { getOctokit } from '@actions/github';
import * as toolCache from '@actions/tool-cache';
import type { ErrorFacts } from '../errors/action-error.ts';
import { createExec } from './exec.ts';
import type { Clock, GitHubApi, Log, Runtime, ToolCache } from './runtime.ts';

/** The runner's world. The only file that imports @actions/*. */
export function createRuntime(signal: AbortSignal): Runtime {
  const runnerTemp = process.env.RUNNER_TEMP ?? tmpdir();
  mkdirSync(runnerTemp, { recursive: true });
  // mkdtemp makes the directory with mode 0700.
  const temp = core.getState('temp') || mkdtempSync(join(runnerTemp, 'registry-action-'));
  // Both variables are set on every runner; without them @actions/tool-cache refuses to work.
  process.env.RUNNER_TEMP ??= runnerTemp;
  process.env.RUNNER_TOOL_CACHE ??= join(runnerTemp, 'tool-cache');
  return {
    env: { ...process.env },
    clock,
    log,
    signal,
    temp,
    workspace: resolve(process.env.GITHUB_WORKSPACE ?? process.cwd()),
    secret: maskOnce(),
    output: (name, value) => core.setOutput(name, value),
    summary: async (markdown) => {
      // Outside of a job there is no summary file, and nothing to complain about.
      if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(markdown, true).write();
    },
    exec: createExec((line, args, options) => exec(line, args, options), signal),
    toolCache: cache,
    github,
    state: { save: (name, value) => core.saveState(name, value), get: (name) => core.getState(name) },
  };
}

/** A mask for each value once: a token is met again with each request, and each mask is a line in the log. */
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
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
};

/**
 * The runner reads commands (`::warning::`, `##[…]`) out of what a step prints. Lines of others (build logs, answers of
 * registries) must not be able to give any.
 */
function inert(text: string): string {
  return text.replaceAll('##[', '##\u200b[').replace(/^(\s*)::/gm, '$1\u200b::');
}

function place(title: string | undefined, facts: ErrorFacts | undefined): core.AnnotationProperties {
  return {
    ...(title === undefined ? {} : { title }),
    ...(facts?.file === undefined ? {} : { file: facts.file }),
    ...(facts?.line === undefined ? {} : { startLine: facts.line }),
  };
}

const log: Log = {
  info: (line) => core.info(inert(line)),
  debug: (line) => core.debug(line),
  notice: (message, title, facts) => core.notice(message, place(title, facts)),
  warning: (message, title, facts) => core.warning(message, place(title, facts)),
  error: (message, title, facts) => core.error(message, place(title, facts)),
  group: (title, task) => core.group(inert(title), task),
};

const cache: ToolCache = {
  find: (tool, version) => toolCache.find(tool, version) || undefined,
  download: (url) => toolCache.downloadTool(url),
  extractTar: (file) => toolCache.extractTar(file),
  extractZip: (file) => toolCache.extractZip(file),
  save: (directory, tool, version) => toolCache.cacheDir(directory, tool, version),
};

const github: Runtime['github'] = (token, { apiUrl, owner, name }) => {
  const octokit = getOctokit(token, { baseUrl: apiUrl, request: { timeout: 20_000 } });
  const repo = { owner, repo: name };
  /** What GitHub does not know or does not tell is undefined; that it is not there at all is one too: the caller decides. */
  const ask = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question();
    } catch (error) {
      core.debug(`GitHub's API: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const api: GitHubApi = {
    compare: (base, head) =>
      ask(async () => {
        const { data } = await octokit.rest.repos.compareCommitsWithBasehead({
          ...repo,
          basehead: `${base}...${head}`,
          per_page: 1,
        });
        return data.status;
      }),
    tip: (ref) =>
      ask(async () => (await octokit.rest.git.getRef({ ...repo, ref: ref.replace(/^refs\//, '') })).data.object.sha),
    commitDate: (sha) =>
      ask(async () => {
        const { data } = await octokit.rest.repos.getCommit({ ...repo, ref: sha, per_page: 1 });
        const date = data.commit.committer?.date;
        return date === undefined ? undefined : new Date(date);
      }),
    repository: () => ask(async () => (await octokit.rest.repos.get(repo)).data),
  };
  return api;
};
