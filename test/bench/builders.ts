import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILDKIT_IMAGE } from '../e2e/images.ts';
import { run } from '../e2e/programs.ts';
import { startRegistry } from '../e2e/registry.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { measureAction } from './action.ts';
import { compare, printResults } from './compare.ts';
import type { Measured } from './measure.ts';

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
const MERGED = 'a job for each platform, then merge';
const EMULATED = 'one builder, arm64 emulated';

const EXPLAINED = `  Both build the same two images, each with one RUN step that only computes, and publish them behind the gate. Emulated: QEMU,
  as docker/setup-qemu-action installs it. This machine is not arm64, so on "its own runner" the RUN step for arm64 executes
  the amd64 program: what it takes is what a runner of the same speed would take. The jobs run one after the other here, each
  alone; counted is the slower one, and the merge. Artifacts are not uploaded and downloaded: add that time of your runners.
`;

interface Place {
  /** Folder for data and pid files of registries. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly rounds: number;
  /** QEMU for programs of arm64, linked statically. */
  readonly qemu: string;
  /** The program of the RUN step, for each architecture. */
  readonly program: (architecture: 'amd64' | 'arm64') => string;
}

const dockerfile = (base: string, architecture: string) => `FROM ${base} AS build
ARG ${architecture}
COPY --chmod=755 compile-$${architecture} /compile
COPY version /
RUN ["/compile"]
FROM scratch
COPY --from=build /out/ /
`;

/** Two platforms on one builder, one of them emulated, against a job for each platform and a merge. */
export async function benchBuilders({ home, env, rounds, qemu, program }: Place): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const repository = stack.use(await createRepository());
  await repository.commit('The application', {
    '.gitignore': 'layouts/\n',
    Dockerfile: dockerfile('scratch', 'TARGETARCH'),
    // BuildKit ignores the platform of `scratch`, so the base is an image of this machine's platform.
    'Dockerfile.native': dockerfile(`--platform=$BUILDPLATFORM ${env.E2E_SBOM_GENERATOR ?? ''}`, 'BUILDARCH'),
    'compile-amd64': await readFile(program('amd64')),
    'compile-arm64': await readFile(program('arm64')),
  });
  const mirrors = stack.use(await serveMirrors({ db: { layer: await packTrivyDb() } }));
  const docker = (...args: readonly string[]) => run('docker', args, { env, timeout: 300_000 });
  const image = await withEmulator(home, qemu, docker);
  const builder = `bench-builders-${process.pid}`;
  stack.defer(async () => void (await docker('buildx', 'rm', '--force', builder).catch(() => undefined)));
  const driver = ['--driver', 'docker-container', '--driver-opt', `network=host,image=${image}`];
  await docker('buildx', 'create', '--name', builder, ...driver, '--bootstrap');

  const step = async (inputs: Readonly<Record<string, string>>): Promise<Measured> => {
    const { DOCKER_HOST, DOCKER_CONFIG, PATH } = env;
    return measureAction({
      inputs: { 'db-repository': mirrors.repository('db'), ...inputs },
      env: { DOCKER_HOST, DOCKER_CONFIG, PATH },
      workspace: repository.directory,
      event: await pushEvent(repository),
    });
  };
  const build = { builder, sbom: 'false' };
  const emulated = (images: string) => step({ ...build, images, platforms: `${AMD},${ARM}` });
  const merged = async (images: string): Promise<Measured> => {
    const jobs: Measured[] = [];
    for (const [platforms, file] of [
      [AMD, 'Dockerfile'],
      [ARM, 'Dockerfile.native'],
    ] as const) {
      jobs.push(await step({ ...build, images, platforms, file, push: 'false', 'layout-directory': 'layouts' }));
    }
    const last = await step({ command: 'merge', images, layouts: 'layouts', platforms: `${AMD},${ARM}` });
    return {
      seconds: Math.max(...jobs.map(({ seconds }) => seconds)) + last.seconds,
      peak: Math.max(...[...jobs, last].map(({ peak }) => peak)),
    };
  };
  const results = await compare(
    Object.entries({ [MERGED]: merged, [EMULATED]: emulated }).map(([name, publish]) => ({
      name,
      run: async () => {
        // Every publish is of a commit of its own, so that the RUN steps are executed again.
        await repository.commit('A change', { version: `${randomUUID()}\n` });
        const directory = await mkdtemp(join(home, 'publish-'));
        await using registry = await startRegistry({ home: directory, env });
        const measured = await publish(`${registry.host}/bench/app`);
        const requests = (await registry.requests()).length;
        await registry.stop();
        await rm(directory, { recursive: true, force: true });
        await rm(join(repository.directory, 'layouts'), { recursive: true, force: true });
        return { ...measured, requests };
      },
    })),
    rounds,
  );
  printResults('Publish two platforms whose RUN steps compute', results, MERGED);
  console.log(EXPLAINED);
}

/** BuildKit's image with QEMU beside it, where BuildKit looks for it: no emulator is registered on the machine. */
async function withEmulator(
  home: string,
  qemu: string,
  docker: (...args: readonly string[]) => Promise<string>,
): Promise<string> {
  const context = join(home, 'image-emulator');
  await mkdir(context, { recursive: true });
  await copyFile(qemu, join(context, 'qemu'));
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${BUILDKIT_IMAGE}\nCOPY --chmod=755 qemu /usr/bin/buildkit-qemu-aarch64\n`,
  );
  const name = 'bench-buildkit-emulating:1';
  const options = ['--builder', 'default', '--provenance=false', '--load', '--tag', name];
  await docker('buildx', 'build', '--quiet', ...options, context);
  return name;
}
