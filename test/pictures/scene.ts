import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ActionRun, runAction, type WorkflowEvent } from '../support/action.ts';
import { startCloud } from '../support/cloud.ts';
import { alpine, type ImageFiles, npmPackage } from '../support/image.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { createRepository, pushEvent, type Repository } from '../support/repository.ts';
import { findTrivy } from '../support/trivy.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { gitHubDouble } from '../support/vendors/github.ts';
import { GITHUB_TOKEN, gitHubRepositoryDouble } from '../support/vendors/github-deployments.ts';

export const IMAGE = 'ghcr.io/org/app';
export const OTHER = 'registry.example.com/org/app';
const PASSWORD = 'of-the-example';
const LOGIN = `- registry: registry.example.com\n  username: ci\n  password: ${PASSWORD}`;

/** A repository whose jobs publish to ghcr.io and registry.example.com, which are registries in memory here. */
export interface Scene {
  readonly repository: Repository;
  readonly ghcr: TestRegistry;
  readonly other: TestRegistry;
  /** Writes an image of the commit that is checked out, as `image/` in the workspace. @returns its digest */
  readonly image: (files?: ImageFiles, onArm64?: ImageFiles) => Promise<string>;
  readonly act: (inputs: Readonly<Record<string, string>>, options?: ActOptions) => Promise<ActionRun>;
  /** `command: login` for both registries. */
  readonly login: () => Promise<ActionRun>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

interface ActOptions {
  /** Default: the push of main. */
  readonly event?: WorkflowEvent;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export async function createScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const root = await realpath(await mkdtemp(join(tmpdir(), 'registry-action-pictures-')));
  stack.defer(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  const trivy = await findTrivy();
  const mirrors = stack.use(await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } }));
  const bearer = { username: 'octocat', password: GITHUB_TOKEN };
  const ghcr = stack.use(await startRegistry({ auth: { bearer }, origin: 'https://ghcr.io' }));
  const basic = { username: 'ci', password: PASSWORD };
  const other = stack.use(await startRegistry({ auth: { basic }, origin: 'https://registry.example.com' }));
  const packages = { 'org/app': { kind: 'orgs' as const, repository: 'org/app', versions: [] } };
  const ofPackages = gitHubDouble({ token: GITHUB_TOKEN, packages }).hosts['api.github.com'];
  const ofRepository = gitHubRepositoryDouble({ permissions: { deployments: 'write' } }).service;
  const cloud = stack.use(
    await startCloud({
      'ghcr.io': ghcr,
      'registry.example.com': other,
      'api.github.com': (request) =>
        request.url.pathname.startsWith('/repos/')
          ? ofRepository(request)
          : (ofPackages?.(request) ?? { status: 404, body: {} }),
    }),
  );
  const repository = stack.use(await createRepository());
  await repository.commit('The application', { 'README.md': '# app' });
  const owned = stack.move();
  const act = async (inputs: Readonly<Record<string, string>>, { event, env }: ActOptions = {}): Promise<ActionRun> => {
    const isLogin = inputs.command === 'login';
    const run = await runAction({
      inputs: {
        'github-token': GITHUB_TOKEN,
        'registry-auth': LOGIN,
        ...(isLogin ? {} : { 'db-repository': mirrors.repository('trivy-db') }),
        ...(inputs.command === undefined ? { source: 'image' } : {}),
        ...inputs,
      },
      workspace: repository.directory,
      event: event ?? (await pushEvent(repository)),
      tempDir: join(root, 'runner'),
      env: {
        PATH: `${trivy.directory}${delimiter}${process.env.PATH}`,
        ...cloud.env,
        GITHUB_API_URL: 'https://api.github.com',
        GITHUB_ACTOR: 'octocat',
        ...env,
      },
    });
    owned.defer(() => run.dispose());
    return run;
  };
  return {
    repository,
    ghcr,
    other,
    image: async (files = {}, onArm64 = {}) => {
      const directory = join(repository.directory, 'image');
      await rm(directory, { recursive: true, force: true });
      const app = { 'app/server.js': 'console.log("hello")', 'app/commit': await repository.head() };
      const platforms = ['linux/amd64', 'linux/arm64'].map((platform) => ({
        platform,
        layers: [
          alpine('3.22.1', { busybox: '1.37.0-r18', musl: '1.2.5-r10', openssl: '3.5.1-r0' }),
          { ...npmPackage('express', '5.1.0'), ...app, 'app/arch': platform },
          ...[{ ...files, ...(platform === 'linux/arm64' ? onArm64 : {}) }].filter(
            (layer) => Object.keys(layer).length > 0,
          ),
        ],
        sbom: ['busybox', 'musl', 'openssl', 'express'],
      }));
      const annotations = { 'org.opencontainers.image.revision': await repository.head() };
      return (await writeLayout(directory, { platforms, annotations })).digest;
    },
    act,
    login: () =>
      act({
        command: 'login',
        'registry-auth': `- registry: ghcr.io\n  username: octocat\n  password: ${GITHUB_TOKEN}\n${LOGIN}`,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
