import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionOptions, type ActionRun, runAction } from '../support/action.ts';
import { createRepository, type Repository } from '../support/repository.ts';
import { type Mirrors, packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { busybox } from './images.ts';
import { type RunOptions, run } from './programs.ts';
import { type Address, type Registry, startRegistry } from './registry.ts';

/** The login of every registry that asks for one. */
export const LOGIN = { username: 'publisher', password: 'correct horse battery staple' } as const;

export const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;

/** The two kinds of builder, and the inputs that choose them. */
export const BUILDERS = [
  { builder: "the engine's own BuildKit", driver: 'docker', inputs: { builder: 'default' } },
  { builder: 'a docker-container builder', driver: 'docker-container', inputs: { 'driver-opts': 'network=host' } },
] as const;

/** A repository with an app, a database of vulnerabilities, registries: what a job has around it. */
export interface Scene {
  readonly directory: string;
  readonly repository: Repository;
  readonly database: string;
  /** Starts a registry that ends with the scene. */
  readonly registry: (options?: { readonly secure?: boolean }) => Promise<Registry>;
  /** Runs the action as a job of this repository would. */
  readonly publish: (options: ActionOptions) => Promise<ActionRun>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export async function createScene(): Promise<Scene> {
  const generator = process.env.E2E_SBOM_GENERATOR;
  const runHome = process.env.E2E_RUN;
  if (generator === undefined || runHome === undefined) {
    throw new Error('These tests need their environment: run `npm run test:e2e`.');
  }
  const stack = new AsyncDisposableStack();
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-scene-')));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const repository = stack.use(await createRepository());
  const mirrors: Mirrors = stack.use(await serveMirrors({ db: { layer: await packTrivyDb() } }));
  await repository.commit('The app', {
    Dockerfile: DOCKERFILE,
    busybox: await busybox(process.env),
    'app-amd64/platform': 'built for amd64\n',
    'app-arm64/platform': 'built for arm64\n',
  });
  let registries = 0;
  return {
    directory,
    repository,
    database: mirrors.repository('db'),
    registry: async ({ secure = false } = {}) => {
      registries += 1;
      const registry = await startRegistry({
        home: join(runHome, `registry-${process.pid}-${Date.now()}-${registries}`),
        env: process.env,
        ...(secure ? { login: LOGIN, tls: true } : {}),
      });
      return stack.use(registry);
    },
    publish: async (options) => {
      const ran = await runAction({
        workspace: repository.directory,
        ...options,
        inputs: {
          platforms: PLATFORMS.join(','),
          sbom: `generator=${generator}`,
          'db-repository': mirrors.repository('db'),
          ...options.inputs,
        },
        env: { DOCKER_HOST: process.env.DOCKER_HOST, DOCKER_CONFIG: process.env.DOCKER_CONFIG, ...options.env },
      });
      stack.defer(ran.dispose);
      return ran;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

// The first layer is the same for all platforms, and has its mode set so that it does not depend on the umask.
const DOCKERFILE = `FROM scratch
ARG TARGETARCH
COPY --chmod=755 busybox /bin/busybox
COPY app-\${TARGETARCH}/ /app/
ENTRYPOINT ["/bin/busybox", "cat", "/app/platform"]
`;

/** A package with known vulnerabilities, as npm installs it. */
export function vulnerableFiles(folder: string): Record<string, string> {
  return { [`${folder}/node_modules/lodash/package.json`]: '{"name":"lodash","version":"4.17.11","license":"MIT"}' };
}

/** `registry-auth` for a registry that asks for a login. */
export function authFor(registry: Registry): string {
  return JSON.stringify([{ registry: registry.host, ...LOGIN }]);
}

/** The bytes of the layout that a run has built, before its post step. */
export async function builtLayout(ran: ActionRun): Promise<string> {
  const files = await readdir(ran.state.temp ?? '', { recursive: true });
  const marker = files.find((file) => file.endsWith('/oci-layout'));
  if (marker === undefined) throw new Error(`No layout in ${files.join(', ')}`);
  return join(ran.state.temp ?? '', marker, '..');
}

export async function blobOf(layout: string, digest: string): Promise<Buffer> {
  return readFile(join(layout, 'blobs', ...digest.split(':')));
}

/** Runs a program of others against a registry, with the login and the authority in its environment. */
export async function asClient(
  scene: Scene,
  registry: Address,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const config = join(scene.directory, 'client');
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  await run('mkdir', ['-p', config]);
  await writeFile(join(config, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: scene.directory,
    DOCKER_CONFIG: config,
    ...(registry.ca === undefined ? {} : { SSL_CERT_FILE: registry.ca }),
  };
  return run(program, args, { env, ...options });
}

/** Builders of the action that are there now, and their containers. */
export async function actionBuilders(): Promise<readonly string[]> {
  const names = [
    await run('docker', ['buildx', 'ls', '--format', '{{.Name}}']),
    await run('docker', ['ps', '--all', '--format', '{{.Names}}']),
  ];
  const own = names.flatMap((text) => text.split('\n').filter((name) => name.includes('registry-action-')));
  return [...new Set(own)].sort();
}
