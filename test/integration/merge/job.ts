import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  HAND_OVER_FILE,
  type HandOver,
  type ImageIdentity,
  writeHandOver,
} from '../../../src/domain/merge/hand-over.ts';
import type { ActionOptions } from '../../support/action.ts';
import type { LayoutSpec, WrittenLayout } from '../../support/layout.ts';
import { CLEAN, createSetting, type Setting } from '../setting.ts';

/** A layout of one platform, as one job of a matrix makes it. */
export function single(platform: string, more: Partial<LayoutSpec> = {}, files = {}): LayoutSpec {
  return { platforms: [{ platform, files: { ...CLEAN, 'app/arch': platform, ...files } }], ...more };
}

/** What the jobs of a matrix say of the image. */
export const APP: ImageIdentity = {
  repositories: ['ghcr.io/org/app'],
  context: '.',
  file: '',
  target: '',
  buildArgs: '',
  version: 'main',
};

export interface MergeJob extends Setting {
  readonly merge: (
    inputs: Readonly<Record<string, string>>,
    options?: Partial<ActionOptions>,
  ) => ReturnType<Setting['publish']>;
  /** Writes what the job that built a layout says about it. */
  readonly handOver: (layout: WrittenLayout, facts?: Partial<HandOver>) => Promise<void>;
}

/** A job that merges what others have put into its workspace. */
export async function createMergeJob(): Promise<MergeJob> {
  const setting = await createSetting();
  return {
    ...setting,
    merge: (inputs, options) =>
      setting.publish(
        { command: 'merge', source: '', layouts: 'layouts', platforms: 'linux/amd64,linux/arm64', ...inputs },
        options,
      ),
    handOver: async ({ directory, digest, platforms }, facts = {}) => {
      const text = writeHandOver({
        digest,
        platforms: platforms.map(({ platform }) => platform),
        commit: await setting.repository.head(),
        run: { id: '4242', attempt: 1, job: 'build', runner: 'arm-runner, Linux ARM64' },
        image: APP,
        gate: { mode: 'gate', passed: true, blocking: 0 },
        ...facts,
      });
      await writeFile(join(directory, HAND_OVER_FILE), text);
    },
    [Symbol.asyncDispose]: () => setting[Symbol.asyncDispose](),
  };
}
