import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ActionOptions, type ActionRun, runAction, type WorkflowEvent } from '../support/action.ts';
import { type LayoutSpec, type WrittenLayout, writeLayout } from '../support/layout.ts';
import { createRepository, pushEvent, type Repository, tagEvent } from '../support/repository.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';

export const LODASH = { 'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.11"}' };
export const CLEAN = { 'app/package.json': '{"name":"app","version":"1.0.0"}' };

/** Two platforms of which neither has anything to hide. */
export const GOOD: LayoutSpec = {
  platforms: [
    { platform: 'linux/amd64', files: { ...CLEAN, 'app/arch': 'amd64' } },
    { platform: 'linux/arm64', files: { ...CLEAN, 'app/arch': 'arm64' } },
  ],
};

/** amd64 is clean, arm64 has lodash 4.17.11. */
export const VULNERABLE: LayoutSpec = {
  platforms: [
    { platform: 'linux/amd64', files: CLEAN },
    { platform: 'linux/arm64', files: { ...CLEAN, ...LODASH } },
  ],
};

/** A job: a real repository with one commit, a scanner, and a mirror of the small database. */
export interface Setting {
  readonly repository: Repository;
  /** Writes a layout into the workspace, as `<name>/`. The image records the commit that is checked out. */
  readonly image: (spec?: LayoutSpec, name?: string) => Promise<WrittenLayout>;
  readonly publish: (inputs: Readonly<Record<string, string>>, options?: Partial<ActionOptions>) => Promise<ActionRun>;
  readonly push: () => Promise<WorkflowEvent>;
  readonly tag: (name: string) => Promise<WorkflowEvent>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export async function createSetting(): Promise<Setting> {
  const repository = await createRepository();
  await repository.commit('first', { 'README.md': '# app' });
  const mirrors = await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } });
  const root = await realpath(await mkdtemp(join(tmpdir(), 'setting-')));
  const runs: ActionRun[] = [];
  return {
    repository,
    push: () => pushEvent(repository),
    tag: async (name) => {
      await repository.tag(name);
      return tagEvent(repository, name);
    },
    image: async (spec = GOOD, name = 'image') => {
      const directory = join(repository.directory, name);
      await rm(directory, { recursive: true, force: true });
      const revision = { 'org.opencontainers.image.revision': await repository.head() };
      return writeLayout(directory, { ...spec, annotations: { ...revision, ...spec.annotations } });
    },
    publish: async (inputs, options = {}) => {
      const run = await runAction({
        inputs: { source: 'image', 'db-repository': mirrors.repository('trivy-db'), ...inputs },
        workspace: repository.directory,
        event: options.event ?? (await pushEvent(repository)),
        tempDir: join(root, 'temp'),
        ...options,
        env: { PATH: `${process.env.TEST_TRIVY_DIR}${delimiter}${process.env.PATH}`, ...options.env },
      });
      runs.push(run);
      return run;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(runs.map((run) => run.dispose()));
      await mirrors[Symbol.asyncDispose]();
      await repository.dispose();
      await rm(root, { recursive: true, force: true });
    },
  };
}
