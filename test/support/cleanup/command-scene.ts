import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ActionRun } from '../action.ts';
import { plainScene } from './scene.ts';

export const NAME = 'team/app';

/** A plain registry with two releases and three images of pull requests that share a platform with them, two of them signed. */
export async function commandScene(options: Parameters<typeof plainScene>[0] = {}) {
  const opened = await plainScene({ referrers: true, ...options });
  const { content, registry } = opened;
  const shared = content.image('shared');
  const kept = content.index([shared, content.image('arm64')], 'v1.0.0', 'pr-3');
  const old = content.index([shared, content.image('old')], 'pr-1');
  const other = content.index([shared, content.image('other')], 'pr-2');
  const release = content.index([content.image('next')], 'v2.0.0', 'latest');
  const signatures = { kept: content.referrer(kept), old: content.referrer(old) };
  const image = `${registry.host}/${NAME}`;
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'cleanup-command-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return {
    ...opened,
    image,
    images: { shared, kept, old, other, release },
    signatures,
    directory,
    /** Removes tags of pull requests, with more settings where they are given. */
    policy: policyWith(),
    /** Puts the plan of a run where a later one finds it. */
    approve: async (run: ActionRun) => {
      const file = join(directory, 'plan.json');
      await writeFile(file, await readFile(run.outputs.plan ?? ''));
      return file;
    },
  };
}

/** @param more further top-level keys */
export function policyWith(more = '', rules = '', limits = '{ tagged: 100% }'): string {
  return `version: 1
defaults: { limits: ${limits} }
${more}
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
${rules}`;
}
