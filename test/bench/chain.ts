import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../e2e/programs.ts';
import { startRegistry } from '../e2e/registry.ts';
import { pushEvent, type Repository } from '../support/repository.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { measureAction } from './action.ts';
import { createApplication } from './application.ts';
import { type Contestant, compare, printGoal, printResults, type Result } from './compare.ts';
import { type Measured, measureCommand } from './measure.ts';

const PLATFORMS = 'linux/amd64,linux/arm64';
const OURS = 'this action';
const CHAIN = 'load, trivy image, build and push';

interface Place {
  /** Folder for data and pid files of registries. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly rounds: number;
}

/** One publish: where to, and of what. */
interface Task {
  readonly target: string;
  readonly directory: string;
  readonly repository: Repository;
}

/**
 * Publishing an image of two platforms behind a scan, against the chain that Docker recommends:
 * https://docs.docker.com/build/ci/github-actions/test-before-push/
 */
export async function benchChain({ home, env, rounds }: Place): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const repository = stack.use(await createApplication(env));
  const mirrors = stack.use(await serveMirrors({ db: { layer: await packTrivyDb() } }));
  const database = mirrors.repository('db');
  const builder = `bench-${process.pid}`;
  const image = `bench-${process.pid}:test`;
  const docker = (...args: readonly string[]) => run('docker', args, { env, timeout: 300_000 });
  stack.defer(async () => void (await docker('buildx', 'rm', '--force', builder).catch(() => undefined)));
  stack.defer(async () => void (await docker('image', 'rm', image).catch(() => undefined)));
  const driver = ['--driver', 'docker-container', '--driver-opt', 'network=host'];
  await docker('buildx', 'create', '--name', builder, ...driver, '--bootstrap');
  const sbom = `generator=${env.E2E_SBOM_GENERATOR ?? ''}`;

  const ours = async ({ target }: Task): Promise<Measured> => {
    const { DOCKER_HOST, DOCKER_CONFIG, PATH } = env;
    return measureAction({
      inputs: {
        images: target,
        platforms: PLATFORMS,
        builder,
        sbom,
        provenance: 'mode=max',
        'db-repository': database,
      },
      env: { DOCKER_HOST, DOCKER_CONFIG, PATH },
      workspace: repository.directory,
      event: await pushEvent(repository),
    });
  };
  const chain = async ({ target, directory }: Task): Promise<Measured> => {
    const build = ['docker', 'buildx', 'build', '--builder', builder, '--progress', 'plain'];
    const options = { env, cwd: repository.directory };
    const parts = [
      // build-push-action asks for no provenance either where an image is loaded.
      await measureCommand([...build, '--load', '--provenance=false', '--tag', image, '.'], options),
      await measureCommand(
        [
          ...['trivy', 'image', '--quiet', '--cache-dir', join(directory, 'trivy'), '--db-repository', database],
          ...['--skip-version-check', '--exit-code', '1', '--severity', 'HIGH,CRITICAL', image],
        ],
        options,
      ),
      await measureCommand(
        [
          ...[...build, '--push', '--platform', PLATFORMS, '--provenance=mode=max', `--sbom=${sbom}`],
          ...['--tag', `${target}:main`, '.'],
        ],
        options,
      ),
    ];
    return {
      seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
      peak: Math.max(...parts.map(({ peak }) => peak)),
    };
  };

  const contestants = (prepare: () => Promise<unknown>): readonly Contestant[] =>
    Object.entries({ [OURS]: ours, [CHAIN]: chain }).map(([name, publish]) => ({
      name,
      run: async () => {
        await prepare();
        await docker('image', 'rm', image).catch(() => undefined);
        // Every publish is of a commit of its own, which has changed the code and nothing else.
        await repository.commit('A change', { 'app/version': `${randomUUID()}\n` });
        const directory = await mkdtemp(join(home, 'publish-'));
        await using registry = await startRegistry({ home: directory, env });
        const measured = await publish({ target: `${registry.host}/bench/app`, directory, repository });
        const requests = (await registry.requests()).length;
        await registry.stop();
        await rm(directory, { recursive: true, force: true });
        return { ...measured, requests };
      },
    }));
  const prune = () => docker('buildx', 'prune', '--all', '--force', '--builder', builder);

  const cold = await compare(contestants(prune), rounds);
  report('Publish an image of two platforms, behind a scan; empty build cache', cold);
  const kept = contestants(async () => undefined);
  // The measured ones find the cache that one before them left.
  await kept[0]?.run(0);
  report('The same with a kept build cache, the code has changed', await compare(kept, rounds));
  console.log(`  Memory is that of the processes of the job: the work of BuildKit and of the engine is not counted. This action runs one
  Trivy for each platform at the same time, beside Node; the chain scans one platform, and nothing beside it.
`);
}

function report(title: string, results: readonly Result[]): void {
  printResults(title, results, OURS);
  const seconds = (wanted: string) => results.find(({ name }) => name === wanted)?.seconds ?? Number.NaN;
  const ratio = seconds(OURS) / seconds(CHAIN);
  printGoal('at most 0.6 × the time of the chain', `${ratio.toFixed(2)} ×`, ratio <= 0.6);
  console.log('');
}
