import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Digest, isDigest } from '../../../src/domain/digest.ts';
import type { ManifestBytes } from '../../../src/domain/manifest.ts';
import type { PromotionRecord } from '../../../src/domain/promotion/record.ts';
import { recordArtifact } from '../../../src/domain/promotion/record-manifest.ts';
import type { ScanTerms } from '../../../src/domain/promotion/scan-terms.ts';
import type { ActionOptions, ActionRun } from '../../support/action.ts';
import { fill } from '../../support/copy-source.ts';
import { type LayoutSpec, writeLayout } from '../../support/layout.ts';
import { startService } from '../../support/loopback.ts';
import { recordWith } from '../../support/promotion-record.ts';
import { startRegistry } from '../../support/registry.ts';
import {
  GITHUB_TOKEN,
  type GitHubRepositoryOptions,
  gitHubRepositoryDouble,
} from '../../support/vendors/github-deployments.ts';
import { createPromotionJob } from './job.ts';
import { errorsOf } from './scene.ts';

/** Terms as strict as the gate's own. */
export const STRICT: ScanTerms = {
  severity: ['HIGH', 'CRITICAL'],
  scanners: ['vuln', 'secret'],
  ignoreUnfixed: false,
  failOnEol: true,
  allowUnknownOs: false,
};

export const NAME = 'org/app';
const STAGE = 'production';

type Lines = Readonly<Record<string, string>>;

/** What a promotion is asked, beside what it requires; `next` goes to `production` unless it says otherwise. */
export interface Asked {
  readonly inputs?: Lines;
  readonly options?: Partial<ActionOptions>;
}

/** The image `next` of a repository, and the environment `production` of it, which holds another one. */
export async function createStages() {
  const job = await createPromotionJob();
  const registry = await startRegistry({ referrers: true });
  const source = fill(registry, NAME);
  let layouts = 0;

  /** A tag, past the API. */
  const hold = (tag: string, { descriptor, bytes }: ManifestBytes): Digest => {
    registry.putManifest(NAME, tag, descriptor.mediaType, bytes);
    return descriptor.digest;
  };
  const old = source.image(['old']);
  hold(STAGE, old);

  /** An image as a build makes it, with attestations. */
  const layout = async (spec: LayoutSpec, tag = 'next'): Promise<ManifestBytes> => {
    layouts += 1;
    // Below `.git` nothing of it is in the way of the workspace.
    const { directory } = await writeLayout(join(job.repository.directory, '.git', `layout-${layouts}`), spec);
    const digest = await registry.putLayout(NAME, tag, directory);
    const { mediaType, bytes } = registry.manifest(NAME, digest) ?? {};
    if (!isDigest(digest) || mediaType === undefined || bytes === undefined) throw new Error(digest);
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  };

  /** An image that names its commit. */
  const built = (commit: string, tag = 'next', text = commit): ManifestBytes =>
    source.image([text], { annotations: { 'org.opencontainers.image.revision': commit } }, tag);

  /** A record of an earlier run, past the API. */
  const record = (of: ManifestBytes, more: Partial<PromotionRecord>): void => {
    registry.putBlob(NAME, Buffer.from('{}'));
    const whole = recordWith({
      from: `${registry.host}/${NAME}:next`,
      to: [`${registry.host}/${NAME}:staging`],
      digest: of.descriptor.digest,
      ...more,
    });
    const artifact = recordArtifact(
      whole,
      of.descriptor,
      (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    );
    if (!artifact.ok) throw new Error(artifact.problems.join());
    hold(artifact.value.descriptor.digest, artifact.value);
  };

  const promote = (require: string, { inputs = {}, options = {} }: Asked = {}) =>
    job.promote({ images: `${registry.host}/${NAME}`, from: 'next', environment: STAGE, require, ...inputs }, options);

  return {
    job,
    registry,
    source,
    old,
    hold,
    layout,
    built,
    record,
    promote,
    /** A run that is red, and has touched nothing. @returns its message */
    fails: async (code: string, require: string, asked: Asked = {}): Promise<string> => {
      const before = registry.tags(NAME);
      registry.clearLog();
      const run = await promote(require, asked);
      expect(run.exitCode, run.log).toBe(1);
      expect(registry.writes()).toEqual([]);
      expect(registry.tags(NAME)).toEqual(before);
      const errors = errorsOf(run);
      expect(errors.map((each) => each.code)).toContain(code);
      return errors.map(({ message }) => message).join('\n');
    },
    /** A promotion that is refused, with each of the words in its message, and has touched nothing. */
    refuses: async (require: string, words: readonly string[], asked: Asked = {}): Promise<ActionRun> => {
      const before = registry.tags(NAME);
      registry.clearLog();
      const run = await promote(require, asked);
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
      expect(registry.writes()).toEqual([]);
      expect(registry.tags(NAME)).toEqual(before);
      const errors = errorsOf(run);
      expect(errors.map(({ code }) => code)).toEqual(['PROMOTION_REFUSED']);
      for (const each of words) expect(errors[0]?.message).toContain(each);
      const told = run.annotations.filter(({ level }) => level === 'error').map(({ message }) => message);
      expect(told).toEqual([expect.stringContaining(words[0] ?? '')]);
      return run;
    },
    /** A promotion that is let pass: the environment has the image after it, and what it held before is put back. */
    passes: async (require: string, asked: Asked = {}): Promise<ActionRun> => {
      const environment = asked.inputs?.environment ?? STAGE;
      const held = registry.tags(NAME)[environment];
      const wanted = registry.manifest(NAME, (asked.inputs?.from ?? 'next').replace(/^env:/, ''))?.digest;
      expect(wanted).not.toBe(held);
      const run = await promote(require, asked);
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted', digest: wanted } });
      expect(registry.tags(NAME)[environment]).toBe(wanted);
      const before = held === undefined ? undefined : registry.manifest(NAME, held);
      if (before !== undefined) registry.putManifest(NAME, environment, before.mediaType, before.bytes);
      return run;
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      await job[Symbol.asyncDispose]();
    },
  };
}

/** GitHub's API, and what a job needs to reach it. */
export async function startGitHub(options: GitHubRepositoryOptions) {
  const { service, state } = gitHubRepositoryDouble(options);
  const server = await startService(service);
  const asked = (more: Asked = {}): Asked => ({
    inputs: { 'github-token': GITHUB_TOKEN, ...more.inputs },
    options: { ...more.options, env: { GITHUB_API_URL: server.url, ...more.options?.env } },
  });
  return { asked, state, requests: server.requests, [Symbol.asyncDispose]: server.close };
}
