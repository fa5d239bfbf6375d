import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify, styleText } from 'node:util';
import { type ActionRun, runAction } from '../support/action.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { findTrivy } from '../support/trivy.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { showMarkdown } from './terminal.ts';

// Publishes an image to a registry that it starts itself, shows the gate stopping a vulnerable one, and takes the clean one to
// production and back. Everything it makes lies in temporary folders and in this process; nothing is left behind.

const run = promisify(execFile);
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const APP = { 'app/package.json': '{"name":"app","version":"1.0.0"}', 'app/server.js': 'console.log("hello")' };
const LODASH = { 'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.11"}' };
const DOCKERFILE = `FROM scratch AS common
COPY app /app
FROM common AS for-amd64
FROM common AS for-arm64
COPY arm64 /app
FROM for-\${TARGETARCH}
CMD ["/app/server.js"]
`;

const title = (text: string) => console.log(`\n${styleText(['bold', 'inverse'], ` ${text} `)}\n`);
const say = (text: string) => console.log(text);

/** Docker counts when there is a daemon and buildx; the command alone cannot build. */
async function hasDocker(): Promise<boolean> {
  const works = (args: readonly string[]) =>
    run('docker', args, { timeout: 20_000 }).then(
      () => true,
      () => false,
    );
  return (await works(['version', '--format', '{{.Server.Version}}'])) && (await works(['buildx', 'version']));
}

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`The demo expected that ${what}.`);
  say(`${styleText('green', '✓')} ${what}`);
}

async function main(): Promise<void> {
  const trivy = await findTrivy();
  const docker = await hasDocker();
  say(`Scanner: ${trivy.origin}`);
  say(
    docker
      ? 'Docker is there: the image is built for real.'
      : 'No Docker here: the image is an OCI layout, as another builder would leave it.',
  );

  await using cleanup = new AsyncDisposableStack();
  const temp = await realpath(await mkdtemp(join(tmpdir(), 'registry-action-demo-')));
  cleanup.defer(() => rm(temp, { recursive: true, force: true }));
  const registry = cleanup.use(await startRegistry());
  const mirrors = cleanup.use(await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } }));
  const repository = cleanup.use(await createRepository());
  const image = `${registry.host}/org/app`;
  const tags = () => Object.entries(registry.tags('org/app')).map(([tag, digest]) => `${image}:${tag}  ${digest}`);

  /** Commits an application, builds it or writes it as a layout, and publishes it. */
  const publish = async (message: string, onArm64: Readonly<Record<string, string>>): Promise<ActionRun> => {
    const arm64 = Object.fromEntries(
      Object.entries(onArm64).map(([path, content]) => [path.replace(/^app/, 'arm64'), content]),
    );
    await repository.commit(message, { ...APP, 'arm64/.keep': '', ...arm64, Dockerfile: DOCKERFILE, message });
    if (!docker) {
      const annotations = { 'org.opencontainers.image.revision': await repository.head() };
      const directory = join(repository.directory, 'image');
      await rm(directory, { recursive: true, force: true });
      const files = (platform: string) => ({
        ...APP,
        'app/arch': platform,
        ...(platform === 'linux/arm64' ? onArm64 : {}),
      });
      await writeLayout(directory, {
        platforms: PLATFORMS.map((platform) => ({ platform, files: files(platform) })),
        annotations,
      });
    }
    const how: Record<string, string> = docker
      ? // The usual SBOM generator is an image on Docker Hub; the demo pulls nothing.
        { platforms: PLATFORMS.join(','), sbom: 'false' }
      : { source: 'image', sbom: 'true', provenance: 'true' };
    return act({ 'db-repository': mirrors.repository('trivy-db'), ...how });
  };

  const act = async (inputs: Readonly<Record<string, string>>): Promise<ActionRun> => {
    const action = await runAction({
      inputs: { images: image, ...inputs },
      workspace: repository.directory,
      event: await pushEvent(repository),
      tempDir: join(temp, 'runner'),
      env: {
        PATH: `${trivy.directory}${delimiter}${process.env.PATH}`,
        DOCKER_HOST: process.env.DOCKER_HOST,
        DOCKER_CONFIG: process.env.DOCKER_CONFIG ?? join(process.env.HOME ?? '', '.docker'),
      },
    });
    cleanup.defer(() => action.dispose());
    const post = await action.post();
    if (post.exitCode !== 0) throw new Error(`The post step failed:\n${post.log}`);
    return action;
  };

  title('1. A commit becomes an image for two platforms, is scanned, and published');
  const good = await publish('A clean application', {});
  if (good.exitCode !== 0) throw new Error(`The first publish failed:\n${good.log}`);
  say(showMarkdown(good.summary));
  say('');
  for (const line of tags()) say(`  ${line}`);
  expectThat(good.outputs.outcome === 'published', 'the outcome is "published"');
  expectThat(
    registry.tags('org/app').main === good.outputs.digest,
    'the branch tag in the registry holds the digest of the output',
  );

  title('2. The next commit brings lodash 4.17.11 to arm64, and to arm64 only');
  const before = { writes: registry.writes().length, tags: tags().join() };
  const bad = await publish('A vulnerable dependency', LODASH);
  say(showMarkdown(bad.summary));
  say('');
  expectThat(
    bad.exitCode === 1 && bad.outputs.outcome === 'findings',
    'the run fails, and says that it is the findings',
  );
  expectThat(
    /linux\/arm64: CRITICAL CVE-2019-10744 in lodash 4\.17\.11 → 4\.17\.12/.test(bad.log),
    'it names platform, package, and the version that fixes it',
  );
  expectThat(
    registry.writes().length === before.writes && tags().join() === before.tags,
    'the registry has not seen a single write',
  );

  title('3. What was published goes to staging and to production, with proof');
  const clean = good.outputs.digest ?? '';
  const promote = (inputs: Readonly<Record<string, string>>) => act({ command: 'promote', ...inputs });
  await promote({ from: clean, environment: 'staging' });
  const live = await promote({
    from: 'env:staging',
    environment: 'production',
    require: `platforms=${PLATFORMS.join(',')}\nprovenance\ndeployed=staging`,
  });
  say(showMarkdown(live.summary));
  say('');
  expectThat(live.outputs.outcome === 'promoted', 'the outcome is "promoted"');
  expectThat(registry.tags('org/app').production === clean, 'production holds the digest that was published');

  title('4. A newer one follows, and production goes back in one line');
  const newer = (await publish('A new page', { 'app/page.html': 'new' })).outputs.digest ?? '';
  await promote({ from: newer, environment: 'production' });
  expectThat(registry.tags('org/app').production === newer, 'production holds the newer image');
  const back = await promote({ environment: 'production', rollback: 'true' });
  say(showMarkdown(back.summary));
  say('');
  expectThat(registry.tags('org/app').production === clean, 'production holds again what it held before');
  const again = await promote({ from: newer, environment: 'production' });
  expectThat(
    again.outputs.outcome === 'refused' && registry.tags('org/app').production === clean,
    'what was rolled back is refused until a person forces it',
  );
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
